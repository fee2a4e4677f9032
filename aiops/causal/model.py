"""A structural causal model: each variable as its causes' doing, plus noise of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, get_args

import networkx as nx
import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse.linalg import spsolve_triangular

from aiops.causal import mechanisms
from aiops.causal.mechanisms import Family, Mechanisms
from aiops.causal.scales import filled, robust
from aiops.causal.variables import Variables
from aiops.errors import UsageError

Regime = Literal["normal", "both"]
EXACT = 0.05  # least scale of a variable's noise, in its own normal scales


@dataclass(frozen=True, eq=False)
class StructuralModel:
    """Mechanisms of all variables, and both sides of an incident in their terms.

    Everything is in normal scales: z = (value - median) / scale, so that no unit decides. Missing
    values are the side's mean.

    Attributes:
        names: variables, causes before effects; column j of every array.
        normal, abnormal: z (n_rows, n_variables).
        centre, scale: of each variable, in its own unit.
        mechanisms: slopes (effect, cause), and slopes beyond normal.
        families: variables with as many causes, that are learned together.
        generations: variables whose causes are all in earlier ones, by number.
    """

    variables: Variables
    names: list[str]
    normal: np.ndarray
    abnormal: np.ndarray
    centre: np.ndarray
    scale: np.ndarray
    mechanisms: Mechanisms
    families: list[Family]
    generations: list[np.ndarray]
    learn_from: Regime

    @classmethod
    def fit(cls, variables: Variables, learn_from: Regime = "normal") -> StructuralModel:
        """Learn every mechanism; what cannot move the target is pruned first.

        A mechanism is additive and linear, bounded: a cause moves its effect by no more normal
        scales than it moved itself, for otherwise the effect would have moved more in
        normal operation than it did. Demand, and what callees hand to callers, only raises.

        Args:
            learn_from: "normal": normal operation alone, the textbook's way. "both": a mechanism
                whose effect left normal may be steeper than normal operation showed, within the
                same bound, and steeper still beyond the range that its cause had in normal
                operation (a threshold, a queue), where that explains the incident. Faults go
                far outside of normal, and a slope learned in its noise does not carry
                there; to say that few mechanisms changed explains more than to say that all did
                (sparse mechanism shifts: Schölkopf et al., "Toward causal representation
                learning", Proc. IEEE 2021).

        Raises:
            UsageError: learn_from is neither.
        """
        if learn_from not in get_args(Regime):
            raise UsageError(f"The learn_from parameter of StructuralModel.fit must be one of "
                             f"{', '.join(get_args(Regime))}. Got {learn_from!r} instead.")
        made = variables.pruned()
        by_generation = [sorted(each) for each in nx.topological_generations(made.graph)]
        names = [name for each in by_generation for name in each]
        ends = np.cumsum([len(each) for each in by_generation])
        sides = [side[names].to_numpy(dtype=float) for side in (made.normal, made.abnormal)]
        centre, scale = robust(*sides)
        normal, abnormal = (filled((side - centre) / scale) for side in sides)
        families = mechanisms.families(made, names, scale)
        learned = mechanisms.learn(families, normal, abnormal, learn_from)
        return cls(made, names, normal, abnormal, centre, scale, learned, families,
                   np.split(np.arange(len(names)), ends[:-1]), learn_from)

    def on(self, normal: np.ndarray, abnormal: np.ndarray) -> StructuralModel:
        """The same graph with other rows (z), its mechanisms learned anew from them."""
        learned = mechanisms.learn(self.families, normal, abnormal, self.learn_from)
        return replace(self, normal=normal, abnormal=abnormal, mechanisms=learned)

    @property
    def residual(self) -> np.ndarray:
        """Scale of each variable's own noise in normal operation, in its normal scales."""
        noise = self.noise(self.normal)
        spread = robust(noise - np.median(noise, axis=0), noise)[1]
        made: np.ndarray = np.maximum(spread, EXACT)
        return made

    def column(self, name: str) -> int:
        """The number of a variable.

        Raises:
            UsageError: there is none of that name.
        """
        if name not in self.names:
            raise UsageError("A variable must be one of the model's; what cannot move the target "
                             f"is pruned. Got {name!r} instead. Known: "
                             f"{', '.join(self.names[:20])}.")
        return self.names.index(name)

    @property
    def about(self) -> pd.DataFrame:
        """A row a variable, in the order of ``names``: owner, name, kind."""
        return self.variables.about.loc[self.names]

    @property
    def target(self) -> int:
        """The number of the target.

        Raises:
            UsageError: the variables have none.
        """
        if self.variables.target is None:
            raise UsageError("This question is about a symptom, and the variables have no target. "
                             "Name one, or ask distribution_change, which needs none.")
        return self.names.index(self.variables.target)

    def noise(self, z: np.ndarray) -> np.ndarray:
        """What of each variable its causes do not explain (n_rows, n_variables)."""
        made: np.ndarray = z - self.mechanisms.explained(z)
        return made

    @property
    def shift(self) -> np.ndarray:
        """By variable: how far the incident's mean lies off the normal one, in normal scales."""
        made: np.ndarray = self.abnormal.mean(axis=0) - self.normal.mean(axis=0)
        return made

    @property
    def own_shift(self) -> np.ndarray:
        """By variable: the part of its shift that its causes do not explain, in normal scales."""
        made: np.ndarray = self.noise(self.abnormal).mean(axis=0) - self.noise(
            self.normal).mean(axis=0)
        return made

    @property
    def by_chance(self) -> np.ndarray:
        """By variable: standard error of ``own_shift`` if its mechanism stayed as it was.

        From its noise in normal operation; neighbours in time are not taken for independent, over
        n^(1/3) rows (Newey and West, "A simple, positive semi-definite covariance matrix",
        Econometrica 1987).
        """
        noise = self.noise(self.normal)
        noise = noise - noise.mean(axis=0)
        n, lags = len(noise), max(1, round(len(noise) ** (1 / 3)))
        alone = (noise**2).mean(axis=0)
        together = sum(2 * (1 - lag / (lags + 1)) * (noise[lag:] * noise[:-lag]).sum(axis=0) / n
                       for lag in range(1, lags + 1))
        long_run = np.maximum(alone + together, alone) * n / (n - 1)
        made: np.ndarray = np.sqrt(long_run * (1 / n + 1 / len(self.abnormal)))
        return made

    def between(self) -> sparse.csr_matrix:
        """Mean slope (effect, cause) on the way from normal to the incident.

        Where mechanisms are linear these are their slopes. Beyond normal they are secants: what the
        cause's shift added to the effect's mean, by the cause's shift.
        """
        return self.mechanisms.secants(self.normal, self.abnormal)[0]

    @property
    def spread_beyond(self) -> np.ndarray:
        """By variable: how much further beyond normal its values lie than its mean tells.

        Of a variable that swings wider about the same mean, which is handed on all the same where
        mechanisms are steeper beyond normal; 0 where a secant says it all.
        """
        return self.mechanisms.secants(self.normal, self.abnormal)[1]

    def effects(self, on: int) -> np.ndarray:
        """Total effect of a unit of each variable's own noise on one variable, over all ways."""
        unit = np.zeros(len(self.names))
        unit[on] = 1.0
        ways = sparse.identity(len(unit), format="csr") - self.between().T.tocsr()
        made: np.ndarray = spsolve_triangular(ways.tocsr(), unit, lower=False)
        return made

    def follow(self, noise: np.ndarray, held: dict[int, np.ndarray] | None = None) -> np.ndarray:
        """Values (n_rows, n_variables) that follow from noise; ``held`` variables are set (do)."""
        return self.mechanisms.follow(noise, held or {}, self.generations)

    def by_variable(self, values: np.ndarray) -> pd.Series:
        """An array over variables as a Series."""
        return pd.Series(values, index=self.names)

