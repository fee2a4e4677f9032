"""Which service's own doing explains the symptom?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from aiops.causal.model import StructuralModel
from aiops.causal.parts import DEMAND, by_owner, upwards
from aiops.causal.refutation import Refutations, refute
from aiops.causal.resampling import RESAMPLES, interval, resampled
from aiops.causal.tables import measured, table

__all__ = ["DEMAND", "Attribution", "attribute_anomaly"]


@dataclass(frozen=True, eq=False)
class Attribution:
    """The symptom's shift, split over who made it.

    Attributes:
        target: the symptom's variable. before, during: its means in normal operation and in the
            incident, in its own unit.
        parts: a row an owner, the largest first: ``part`` of the shift, ``low`` and ``high``, in
            the target's unit, positive for what moved it the way it went. The parts add up to
            the shift's size. Demand is one owner.
        level: that low and high hold at.
        refutations: what was tried against it.
    """

    target: str
    before: float
    during: float
    parts: pd.DataFrame
    level: float
    refutations: Refutations

    def __str__(self) -> str:
        head = (f"{measured(self.target)}: {self.before:.4g} before, {self.during:.4g} during; "
                "who made it so")
        rows: list[list[object]] = [
            [owner, float(part), float(low), float(high)] for owner, part, low, high in
            self.parts.head(8)[["part", "low", "high"]].itertuples()]
        if len(self.parts) > len(rows):
            rest = float(self.parts["part"].iloc[len(rows):].sum())
            rows.append([f"{len(self.parts) - len(rows)} others", rest, None, None])
        return "\n".join([head, table(["own doing of", "part", "low", "high"], rows), "",
                          str(self.refutations)])


def attribute_anomaly(model: StructuralModel, resamples: int = RESAMPLES, level: float = 0.95,
                      seed: int = 0) -> Attribution:
    """How much of the symptom each service made itself, what it was handed by others left out.

    A variable's part is the mean shift of its own noise times its total effect on the target. For
    additive linear mechanisms that is the Shapley value of Budhathoki et al., "Causal
    structure-based root cause analysis of outliers" (ICML 2022), for the target's mean, in closed
    form: dowhy.gcm's ``attribute_anomalies`` with ``attribute_mean_deviation`` samples the same.

    Args:
        resamples: how often rows are drawn anew, for the interval and for what is stable.

    Raises:
        UsageError: the model has no target; resamples or level out of range.
    """
    at, sign = model.target, upwards(model)
    unit, parts = model.scale[at], sign * by_owner(model)
    draws = np.array([sign * by_owner(each)[parts.index].to_numpy()
                      for each in resampled(model, resamples, seed)])
    low, high = interval(model, draws, parts.to_numpy(), level)
    first = str(parts.idxmax())
    stable = float(np.mean(draws.argmax(axis=1) == parts.to_numpy().argmax()))
    refutations = refute(model, first, lambda each, owner: float(by_owner(each)[owner]), stable,
                         seed)
    made = pd.DataFrame({"part": parts, "low": low, "high": high}) * unit
    before, during = (float(model.centre[at] + side[:, at].mean() * unit)
                      for side in (model.normal, model.abnormal))
    made = made.sort_values("part", ascending=False, kind="stable")
    return Attribution(model.names[at], before, during, made, level, refutations)
