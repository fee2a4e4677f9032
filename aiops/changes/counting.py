"""What a canary is judged by, counted from the spans of a Case."""

from __future__ import annotations

import pandas as pd

from aiops.case import Case
from aiops.changes.canary import Counts
from aiops.changes.requests import before, requests, side_by_side
from aiops.changes.treatments import Change
from aiops.errors import InputError

SLOW = 0.95  # quantile of the old version's usual time, by route, beyond which a request is slow
_USUAL = 20  # requests before the change that tell it


def count(case: Case, change: Change, until: pd.Timestamp | None = None,
          cluster: str | None = None) -> dict[str, Counts]:
    """Requests served side by side so far: all of them and who failed; and who was slow.

    Slow is slower at the service than ``SLOW`` of the old version's requests of that route before
    the change, so that the bound is fixed before the first look; routes with too few requests then
    are not counted there.

    Args:
        until: count as if it were then; all there is when None.
        cluster: attribute of spans, as ``session.id``, whose requests are alike. Then sessions are
            counted, each as bad as the share of its requests so far that were.

    Raises:
        InputError: no route has enough requests before the change.
        UsageError: no span tells the cluster.
    """
    table = requests(case, change, cluster=cluster)
    calm = before(table)
    by = calm.groupby("route")["latency_ms"]
    bound = by.quantile(SLOW)[by.size() >= _USUAL]
    if bound.empty:
        most = int(by.size().max()) if len(calm) else 0
        raise InputError(f"What is slow is read from {_USUAL} requests of a route before the "
                         f"change ({change}). Got at most {most}. Hand over more normal time.")
    beside = side_by_side(table)
    if until is not None:
        beside = beside[beside["start"] < until]
    known = beside[beside["route"].isin(bound.index)]
    slow = known["latency_ms"] > known["route"].map(bound).astype(float)
    return {"failed": _counts(beside, beside["failed"]), "slow": _counts(known, slow)}


def _counts(rows: pd.DataFrame, bad: pd.Series) -> Counts:
    told = pd.DataFrame({"new": rows["new"], "bad": bad.astype(float)})
    if "cluster" in rows:
        told = told.groupby([rows["cluster"], "new"])["bad"].mean().reset_index()
    by = {new: told.loc[told["new"] == new, "bad"] for new in (True, False)}
    return Counts(len(by[True]), _whole(by[True].sum()), len(by[False]), _whole(by[False].sum()))


def _whole(bad: float) -> float:
    """As an integer where it is one."""
    return int(bad) if float(bad).is_integer() else float(bad)
