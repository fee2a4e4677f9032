"""What spans say about time: each span's own, the service it is charged to, the calls.

Frames are Case traces (``schema.CASE["traces"]``); times in milliseconds.
"""

from __future__ import annotations

import pandas as pd

from aiops.errors import SchemaError

_KEY = ["trace_id", "span_id"]
_PARENT = ["trace_id", "parent_span_id"]
_NEEDED = [*_PARENT, "span_id", "service", "operation", "start", "duration_ns"]


def prepare(traces: pd.DataFrame) -> pd.DataFrame:
    """The columns needed here, with start_ns, end_ns and duration_ms; duplicates dropped."""
    missing = [name for name in _NEEDED if name not in traces]
    if missing:
        raise SchemaError(f"traces must have the columns {', '.join(_NEEDED)}; missing: "
                          f"{', '.join(missing)}. Use the traces frame of a Case.")
    wanted = [*_NEEDED, "kind", "peer_service", "status_code"]
    spans = traces.reindex(columns=wanted).drop_duplicates(_KEY).reset_index(drop=True)
    spans["start_ns"] = spans.start.dt.as_unit("ns").astype("int64")
    spans["end_ns"] = spans.start_ns + spans.duration_ns
    spans["duration_ms"] = spans.duration_ns / 1e6
    return spans


def roots(traces: pd.DataFrame) -> pd.DataFrame:
    """Requests at the entry: spans without a parent."""
    return prepare(traces[traces.parent_span_id.isna()])


def charged(spans: pd.DataFrame) -> pd.DataFrame:
    """Prepared spans with ``own_ms``, ``charged`` (the service it counts for), ``callee``.

    Own time is what no child covers. What a client span leaves over the one call it makes
    (network, queue) is charged to the service called: it names a slow network, which no
    service's own metrics show.
    """
    up = spans[[*_KEY, "start_ns", "end_ns"]]
    kids = spans.merge(up, left_on=_PARENT, right_on=_KEY, suffixes=("", "_up"))
    # counted from the parent's start: nanoseconds since 1970 do not fit a float
    kids["from"] = (kids.start_ns - kids.start_ns_up).clip(lower=0)
    kids["to"] = kids[["end_ns", "end_ns_up"]].min(axis=1) - kids.start_ns_up
    kids = kids.sort_values([*_PARENT, "from"])
    seen = kids.groupby(_PARENT)["to"].cummax().groupby([kids[c] for c in _PARENT]).shift()
    gap = kids["from"].where(seen.isna() | (kids["from"] > seen), seen)
    kids["covered_ns"] = (kids["to"] - gap).clip(lower=0)
    under = kids.groupby(_PARENT).agg(
        covered_ns=("covered_ns", "sum"), calls=("span_id", "size"), child=("service", "first"))
    out = spans.merge(under, how="left", left_on=_KEY, right_index=True)
    out["own_ms"] = (out.duration_ns - out.covered_ns.fillna(0)) / 1e6
    return out.assign(callee=_callee(out)).assign(
        charged=lambda x: x.service.where(x.callee.isna(), x.callee))


def _callee(spans: pd.DataFrame) -> pd.Series:
    """The service a span does nothing but call; null for a span that works itself."""
    outward = ~spans.kind.isin(["server", "consumer", "internal"])
    one = outward & (spans.calls == 1) & (spans.child != spans.service)
    own = spans.calls.isna() | (spans.child == spans.service)  # a step of the client itself
    blind = outward & own & spans.peer_service.notna()  # a database, or no answer
    callee = spans.child.where(one, spans.peer_service.where(blind))
    return callee.where(callee != spans.service)


def time_by_service(spans: pd.DataFrame) -> pd.Series:
    """Milliseconds a request spends on each service, mean over all requests."""
    work = charged(spans)
    return work.groupby("charged").own_ms.sum() / work.trace_id.nunique()


def calls(spans: pd.DataFrame) -> pd.DataFrame:
    """Calls between services, as the caller sees them: calls, p50_ms, failed_share an edge."""
    work = charged(spans)
    work["failed"] = work.status_code == "error"
    up = work[[*_KEY, "service", "callee"]]
    met = work.merge(up, left_on=_PARENT, right_on=_KEY, suffixes=("", "_up"))
    met = met[(met.service != met.service_up) & met.callee_up.isna()]
    direct = pd.DataFrame({"caller": met.service_up, "callee": met.service, "ms": met.duration_ms,
                           "failed": met.failed})
    sent = work[work.callee.notna()]
    via = pd.DataFrame({"caller": sent.service, "callee": sent.callee, "ms": sent.duration_ms,
                        "failed": sent.failed})
    every = pd.concat([x for x in (direct, via) if len(x)] or [direct])
    return every.groupby(["caller", "callee"], as_index=False).agg(
        calls=("ms", "size"), p50_ms=("ms", "median"), failed_share=("failed", "mean"))


def failures(spans: pd.DataFrame) -> pd.Series:
    """Share of requests in which an error begins at a service: its span failed, no child's did."""
    work = charged(spans)
    wrong = work[work.status_code == "error"]
    handed_on = pd.MultiIndex.from_frame(wrong[_PARENT].dropna())
    first = wrong[~pd.MultiIndex.from_frame(wrong[_KEY]).isin(handed_on)]
    return first.groupby("charged").trace_id.nunique() / work.trace_id.nunique()
