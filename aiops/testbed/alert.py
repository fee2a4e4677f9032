"""When an alert would have fired, judged as an operator could: from what users saw.

The rule: every 5 s the last 10 s of each entry route are compared with the same route in
the recording's own minute before. The alert fires at the end of the first such span, from
the fault's start on, in which the route's p95 is above 1.5 times the highest p95 before and
10 ms over it, or its share of failed requests is 10 points above the highest before.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiops.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

SPAN_S, STEP_S = 10, 5
LATENCY_FACTOR, LATENCY_MARGIN_MS = 1.5, 10.0
FAILED_MARGIN = 0.1
MIN_REQUESTS = 4
LEFT_S = 15  # an alert later than this before the end leaves too little to look at


@dataclass(frozen=True)
class Alert:
    """What fired: ``metric`` is ``latency`` or ``errors`` of the entry ``route``."""

    time: "pd.Timestamp"
    route: str
    metric: str


def first_alert(records: "pd.DataFrame", before: tuple["pd.Timestamp", "pd.Timestamp"],
                during: tuple["pd.Timestamp", "pd.Timestamp"]) -> Alert | None:
    """The first alert within ``during``, with ``before`` as the normal time; None: silent."""
    import pandas as pd

    step, span = pd.Timedelta(seconds=STEP_S), pd.Timedelta(seconds=SPAN_S)
    if before[1] - before[0] < span:
        raise InputError(f"An alert needs at least {SPAN_S} s of normal traffic to compare with, "
                         f"got {before[0]} to {before[1]}. Record a longer time before.")
    limits = _limits([_levels(records, end - span, end)
                      for end in _steps(before[0] + span, before[1], step)])
    last = during[1] - pd.Timedelta(seconds=LEFT_S)
    for end in _steps(during[0] + step, last, step):
        fired = _first_above(_levels(records, end - span, end), limits)
        if fired:
            return Alert(end, *fired)
    return None


def _steps(first: "pd.Timestamp", last: "pd.Timestamp",
           step: "pd.Timedelta") -> list["pd.Timestamp"]:
    import pandas as pd

    return list(pd.date_range(first, last, freq=step))


def _levels(records: "pd.DataFrame", start: "pd.Timestamp",
            end: "pd.Timestamp") -> "pd.DataFrame":
    """p95 and failed share a route, of what had been answered by ``end``."""
    seen = records[(records["ended"] >= start) & (records["ended"] < end)]
    groups = seen.groupby("route")
    levels = groups["latency_ms"].quantile(0.95).to_frame("latency")
    levels["errors"] = groups["failed"].mean()
    return levels[groups.size() >= MIN_REQUESTS]


def _limits(levels: "list[pd.DataFrame]") -> "pd.DataFrame":
    import pandas as pd

    highest = pd.concat(levels).groupby("route").max()
    latency = highest["latency"]
    highest["latency"] = (latency * LATENCY_FACTOR).clip(lower=latency + LATENCY_MARGIN_MS)
    highest["errors"] += FAILED_MARGIN
    return highest


def _first_above(levels: "pd.DataFrame", limits: "pd.DataFrame") -> tuple[str, str] | None:
    """Route and metric furthest over their limit, relative to it."""
    excess = (levels / limits).dropna().stack()
    if excess.empty or excess.max() <= 1:
        return None
    route, metric = excess.idxmax()
    return str(route), str(metric)
