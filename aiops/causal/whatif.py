"""Would the symptom be there if this service were as usual? What if a variable were set?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from aiops.causal.mechanisms import BEYOND
from aiops.causal.model import StructuralModel
from aiops.causal.refutation import Answer, Refutations, refute
from aiops.causal.resampling import RESAMPLES, interval, resampled
from aiops.causal.tables import measured, table
from aiops.errors import UsageError

_USUAL = (0.025, 0.975)  # of normal rows: the range of the symptom that is no symptom


@dataclass(frozen=True, eq=False)
class Outcome:
    """The target's mean as it was, and as it would have been.

    Attributes:
        target: its variable; all values are in its unit. asked: what was done.
        was, would_be: means. low, high: of would_be, at ``level``.
        usual: range of 95 % of normal rows' values.
        refutations: what was tried against it; resamples agree that say the same of ``there``.
    """

    target: str
    asked: str
    was: float
    would_be: float
    low: float
    high: float
    level: float
    usual: tuple[float, float]
    refutations: Refutations

    @property
    def was_there(self) -> bool:
        """Whether the mean lay outside of what is usual."""
        return not self.usual[0] <= self.was <= self.usual[1]

    @property
    def there(self) -> bool:
        """Whether it still would."""
        return not self.usual[0] <= self.would_be <= self.usual[1]

    def __str__(self) -> str:
        rows = [["as it was", self.was, None, None, self.was_there],
                [self.asked, self.would_be, self.low, self.high, self.there]]
        low, high = self.usual
        return "\n".join([f"{measured(self.target)}, usually {low:.4g} to {high:.4g}",
                          table(["", "mean", "low", "high", "symptom"], rows), "",
                          str(self.refutations)])


def as_usual(model: StructuralModel, owner: str, resamples: int = RESAMPLES, level: float = 0.95,
             seed: int = 0) -> Outcome:
    """Would the symptom be there if this service were as usual? (counterfactual)

    The noise of every row of the incident is worked out (abduction), that of the service's own
    variables set to its normal mean (action), and all values follow anew (prediction): Pearl,
    "Causality" (2009), 7.1. What others handed to the service stays as it was, and so does how
    often it was called: that is demand, about which one may ask as ``"(demand)"``.

    Raises:
        UsageError: the service has no variable that could move the target.
    """
    model.variables.owned_by(owner)
    was = float(model.abnormal[:, model.target].mean())
    return _outcome(model, f"{owner} as usual", owner, was, _without, (resamples, level, seed))


def intervene(model: StructuralModel, values: Mapping[str, float], resamples: int = RESAMPLES,
              level: float = 0.95, seed: int = 0) -> Outcome:
    """What would the target be in normal operation, were these variables set? (intervention)

    Args:
        values: value by variable, in the variable's own unit.

    Raises:
        UsageError: none given, or a variable that is not in the model.
    """
    if not values:
        raise UsageError("The values parameter of intervene must set at least one variable. Got "
                         f"{dict(values)} instead. Known: {', '.join(model.names[:20])}.")
    held = {name: (value - model.centre[model.column(name)]) / model.scale[model.column(name)]
            for name, value in values.items()}
    asked = ", ".join(f"{name} = {value:.4g}" for name, value in values.items())
    was = float(model.normal[:, model.target].mean())

    def answer(each: StructuralModel, owner: str) -> float:
        return _held(each, held if owner == asked else {owner: BEYOND})

    return _outcome(model, asked, asked, was, answer, (resamples, level, seed))


def _outcome(model: StructuralModel, asked: str, owner: str, was: float, would: Answer,
             how: tuple[int, float, int]) -> Outcome:
    resamples, level, seed = how
    at, be = model.target, would(model, owner)
    usual = np.quantile(model.normal[:, at], _USUAL)
    draws = np.array([would(each, owner) for each in resampled(model, resamples, seed)])
    low, high = interval(model, draws[:, None], np.array([be]), level)
    there = [not usual[0] <= each <= usual[1] for each in (be, *draws)]
    refutations = refute(model, owner, lambda each, who: would(each, who) - was,
                         float(np.mean(np.array(there[1:]) == there[0])), seed)
    z = np.array([was, be, low[0], high[0], *usual])
    own = [float(each) for each in model.centre[at] + z * model.scale[at]]
    return Outcome(model.names[at], asked, own[0], own[1], own[2], own[3], level,
                   (own[4], own[5]), refutations)


def _without(model: StructuralModel, owner: str) -> float:
    """The target's mean in the incident (z), with an owner's noise at its normal mean."""
    noise = model.noise(model.abnormal)
    columns = [model.column(name) for name in model.variables.owned_by(owner)]
    noise[:, columns] = model.noise(model.normal)[:, columns].mean(axis=0)
    return float(model.follow(noise)[:, model.target].mean())


def _held(model: StructuralModel, held: Mapping[str, float]) -> float:
    """The target's mean in normal operation (z), with variables held at a z."""
    rows = len(model.normal)
    fixed = {model.column(name): np.full(rows, z) for name, z in held.items()}
    return float(model.follow(model.noise(model.normal), fixed)[:, model.target].mean())
