"""Which mechanism changed between normal operation and the incident?"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import stats

from aiops.causal.model import EXACT, StructuralModel
from aiops.causal.refutation import Refutations, refute
from aiops.causal.resampling import RESAMPLES, blocks, resampled
from aiops.causal.tables import table

CHANGED = 0.01  # adjusted p below which a mechanism is said to have changed


@dataclass(frozen=True, eq=False)
class Change:
    """How each variable's own mechanism differs between the two sides.

    Attributes:
        mechanisms: a row a variable, the largest shift first: ``owner``, ``shift`` of its noise in
            noise scales, ``spread`` of its noise during the incident as a multiple of before
            (of .05 normal scales where it was less),
            ``p`` that the noise is the same on both sides, ``changed``, and where there is a
            target ``mean`` and ``variance``, what the change adds to the target's, in its unit
            and its square.
        refutations: what was tried against the first row.
    """

    mechanisms: pd.DataFrame
    refutations: Refutations

    @property
    def changed(self) -> list[str]:
        """The variables whose mechanism changed."""
        return list(self.mechanisms.index[self.mechanisms["changed"]])

    def __str__(self) -> str:
        rows = [[name, float(shift), float(spread), float(p), bool(changed)]
                for name, shift, spread, p, changed in self.mechanisms.head(8)[
                    ["shift", "spread", "p", "changed"]].itertuples()]
        return "\n".join([f"{len(self.changed)} of {len(self.mechanisms)} mechanisms changed",
                          table(["mechanism of", "shift", "spread", "p", "changed"], rows), "",
                          str(self.refutations)])


def distribution_change(model: StructuralModel, resamples: int = RESAMPLES, seed: int = 0
                        ) -> Change:
    """Which variables no longer follow from their causes as they did.

    Budhathoki et al., "Why did the distribution change?" (AISTATS 2021): what changes in the target
    is due to the mechanisms that changed. A mechanism that did not change leaves noise of the same
    distribution, whatever its causes did. For linear mechanisms the parts of mean and variance are
    closed forms: total effect times the noise's shift, its square times the noise's added variance.

    Two things may change, and p is the smaller of two, doubled, with Holm's adjustment over all
    variables: the mean, by the shift over the error it would have if nothing had changed (that of
    a mean of so few rows of normal noise, and that of slopes, which are learned anew when rows are
    drawn anew: what they miss far outside of normal is no change), and the shape, by
    Kolmogorov-Smirnov's test of the noise less its medians. The latter takes rows for independent.

    Args:
        resamples: how often rows are drawn anew; under some thirty p is rough.

    Raises:
        UsageError: resamples < 2.
    """
    before, during = model.noise(model.normal), model.noise(model.abnormal)
    shift = model.own_shift / model.residual
    again = list(resampled(model, resamples, seed))
    p = _holm(np.minimum(2 * np.minimum(_mean(model, again), _shape(before, during)), 1.0))
    spread = during.std(axis=0) / np.maximum(before.std(axis=0), EXACT)
    owner = model.variables.owners.loc[model.names]
    made = pd.DataFrame({"owner": owner, "shift": shift, "spread": spread, "p": p,
                         "changed": p < CHANGED}, index=model.names)
    if model.variables.target is not None:
        effect = model.effects(model.target) * model.scale[model.target]
        made["mean"] = effect * model.own_shift
        made["variance"] = effect**2 * (during.var(axis=0) - before.var(axis=0))
    made = made.iloc[np.argsort(-np.abs(shift), kind="stable")]
    first = str(made["owner"].iloc[0])
    stable = float(np.mean([_most(each).idxmax() == first for each in again]))
    return Change(made, refute(model, first, lambda each, owner: float(_most(each)[owner]), stable,
                               seed))


def _mean(model: StructuralModel, again: list[StructuralModel]) -> np.ndarray:
    """By variable: p that the mean of its noise is the same; by Student's t, for rows are few."""
    others = [replace(each, normal=model.normal, abnormal=model.abnormal) for each in again]
    slopes = np.std([each.own_shift for each in others], axis=0, ddof=1)
    error = np.hypot(model.by_chance, slopes)
    made: np.ndarray = 2 * stats.t.sf(np.abs(model.own_shift) / np.maximum(error, 1e-9),
                                      blocks(len(model.normal)) - 1)
    return made


def _shape(before: np.ndarray, during: np.ndarray) -> np.ndarray:
    """By variable: p that its noise, less its median, is alike on both sides.

    Not less its mean: values that tie (a count, a share that is mostly 0) must tie on both sides.
    """
    centred = [side - np.median(side, axis=0) for side in (before, during)]
    return np.array([stats.ks_2samp(a, b, method="asymp").pvalue
                     for a, b in zip(centred[0].T, centred[1].T, strict=True)])


def _most(model: StructuralModel) -> pd.Series:
    """By owner: the largest shift of a noise, in noise scales."""
    shift = pd.Series(np.abs(model.own_shift) / model.residual, index=model.names)
    return shift.groupby(model.variables.owners).max()


def _holm(p: np.ndarray) -> np.ndarray:
    """Adjusted p values (Holm 1979)."""
    order = np.argsort(p)
    raised = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    made = np.empty(len(p))
    made[order] = np.minimum(raised, 1.0)
    return made
