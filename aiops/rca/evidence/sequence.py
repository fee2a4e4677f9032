"""The first step of a request that is not taken normally: spans and logs in one sequence.

What happens within a span, its children and its log records in time order, is a chain of steps
(what came before -> what comes next, END when nothing does). A step that this kind of span takes
far more often than normally deviates; of a request's deviating steps the first in time is
charged, for what follows may be its consequence. After Yu et al., "Nezha" (ESEC/FSE 2023), whose
patterns are pairs of events too; here a step is conditional on the span and the step before, and
charged once.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from aiops.rca import places, shifts
from aiops.rca.evidence.steps import Steps
from aiops.rca.view import View

TABLE = "spans"
_SURE = 2.5  # standard errors of the two shares that chance may take
_WEIGHT = 3.0  # of z x difference, to stand beside scales
_MORE = 0.01  # of the spans of this kind: a step that fewer more take is no matter
_FEW_NORMAL, _FEW_ABNORMAL = 5, 3


def blame(view: View) -> pd.Series | None:
    """log(1 + 3 z x difference of shares) of first deviating steps, by place."""
    if view.arrays.spans is None:
        return None
    top = _charged(view).groupby(["kind", "place"])["effect"].max().reset_index()
    return places.direct(top["effect"].to_numpy(), top["kind"].to_numpy(),
                         top["place"].to_numpy(), view.suspects)


def signals(view: View) -> pd.DataFrame:
    """A row a deviating step that came first: its share before and during."""
    found = _charged(view)
    steps = view.arrays.once(Steps)
    return places.by_suspect(found.assign(signal=[steps.told(at) for at in found["at"]]))


def _charged(view: View) -> pd.DataFrame:
    steps = view.arrays.once(Steps)
    normal, abnormal = (side[steps.span] for side in view.sides(steps.spans))
    (k0, n0), (k1, n1) = (_shares(steps, side) for side in (normal, abnormal))
    about = pd.DataFrame({"before": k0 / np.maximum(n0, 1), "during": k1 / np.maximum(n1, 1)})
    more = (about["during"] - about["before"]).to_numpy()
    z = shifts.proportions(k0, n0, k1, n1) - _SURE
    odd = (z > 0) & (more > _MORE) & (n0 >= _FEW_NORMAL) & (n1 >= _FEW_ABNORMAL)
    return _first(steps, np.flatnonzero(odd[steps.step] & abnormal), about.assign(effect=z * more))


def _shares(steps: Steps, side: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each step: requests that take it, and that could; one that does both counts in part."""
    of = steps.of.max(initial=0) + 1
    taken = np.bincount(steps.step[side], steps.weight[side], len(steps.of))
    could = np.bincount(steps.context[side], steps.weight[side], of)[steps.of]
    return taken, could.round(6)


def _first(steps: Steps, at: np.ndarray, about: pd.DataFrame) -> pd.DataFrame:
    """Deviating steps by whom they speak against; each request charges its first alone."""
    rows = pd.DataFrame({"trace": steps.spans.trace[steps.span[at]], "time": steps.time[at],
                         "step": steps.step[at], "at": at, "kind": steps.kind[at],
                         "place": steps.place[at], "doubted": steps.doubted[at]})
    callers = rows.groupby("doubted")["place"].nunique()
    shared = rows["doubted"].isin(callers.index[callers > 1])  # several end after the same call
    rows["place"] = rows["doubted"].where(shared, rows["place"])
    of = rows.groupby("step")["trace"].nunique()
    first = rows.sort_values(["trace", "time", "place", "step"]).drop_duplicates("trace")
    found = first.groupby(["kind", "place", "step"]).agg(
        n=("at", "size"), at=("at", "min")).reset_index()
    # of the requests that take it, in how many nothing deviated before
    share = found["n"] / of.reindex(found["step"]).to_numpy()
    told = about.loc[found["step"]].reset_index(drop=True)
    return found.assign(
        effect=np.log1p(_WEIGHT * told["effect"] * share), before=told["before"],
        during=told["during"])
