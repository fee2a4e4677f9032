"""What spans say about time: each span's own, the service it is charged to, the calls.

Frames are Case traces (``schema.CASE["traces"]``); times in milliseconds.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from aiops.errors import SchemaError
from aiops.evidence import call_tree

_KEY = ["trace_id", "span_id"]
_NEEDED = ["trace_id", "parent_span_id", "span_id", "service", "operation", "start", "duration_ns"]


def prepare(traces: pd.DataFrame) -> pd.DataFrame:
    """The columns needed here, with start_ns and duration_ms; duplicates dropped."""
    missing = [name for name in _NEEDED if name not in traces]
    if missing:
        raise SchemaError(f"traces must have the columns {', '.join(_NEEDED)}; missing: "
                          f"{', '.join(missing)}. Use the traces frame of a Case.")
    wanted = [*_NEEDED, "kind", "peer_service", "status_code"]
    spans = traces.reindex(columns=wanted).drop_duplicates(_KEY).reset_index(drop=True)
    spans["start_ns"] = spans.start.dt.as_unit("ns").astype("int64")
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
    parent, start = call_tree.parents(spans), spans.start_ns.to_numpy()
    covered = call_tree.covered(parent, start, spans.duration_ns.to_numpy())
    out = spans.assign(own_ms=(spans.duration_ns - covered) / 1e6,
                       calls=np.bincount(parent[parent >= 0], minlength=len(spans)),
                       child=_first_child(parent, start, spans.service.to_numpy(dtype=object)))
    return out.assign(callee=_callee(out)).assign(
        charged=lambda x: x.service.where(x.callee.isna(), x.callee))


def _first_child(parent: np.ndarray, start: np.ndarray, service: np.ndarray) -> np.ndarray:
    """The service of each span's first child in time; None without children."""
    found = np.full(len(parent), None, dtype=object)
    late_first = np.argsort(start, kind="stable")[::-1]
    child = late_first[parent[late_first] >= 0]
    found[parent[child]] = service[child]  # of several the last written stays
    return found


def _callee(spans: pd.DataFrame) -> pd.Series:
    """The service a span does nothing but call; null for a span that works itself."""
    outward = ~spans.kind.isin(["server", "consumer", "internal"])
    one = outward & (spans.calls == 1) & (spans.child != spans.service)
    own = (spans.calls == 0) | (spans.child == spans.service)  # a step of the client itself
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
    parent, service = call_tree.parents(work), work.service.to_numpy(dtype=object)
    answer = call_tree.crossing(parent, service)
    answer = answer[work.callee.isna().to_numpy()[parent[answer]]]
    met = work.iloc[answer]
    direct = pd.DataFrame({"caller": service[parent[answer]], "callee": met.service,
                           "ms": met.duration_ms, "failed": met.failed})
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
    handed_on = np.isin(np.arange(len(wrong)), call_tree.parents(wrong))
    first = wrong[~handed_on]
    return first.groupby("charged").trace_id.nunique() / work.trace_id.nunique()
