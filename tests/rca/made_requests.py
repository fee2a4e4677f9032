"""Spans, logs and Cases of requests, written a span a line, for the tests of evidence."""

from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd

from aiops.case import Case
from tests.rca.made import at

Row = dict[str, object]
MS = 1_000_000
N, CUT = 120, 80  # requests, half a second apart; the incident begins with number CUT


def span(name: str, parent: str | None, service: str, begin: float, ms: float,
         operation: str = "op", **more: object) -> Row:
    """One span; ``begin`` in seconds of the Case, or of its request (see ``traced``)."""
    return {"trace_id": "t", "span_id": name, "parent_span_id": parent, "service": service,
            "operation": operation, "start": at(begin), "duration_ns": round(ms * MS),
            "kind": "server", "status_code": "ok", "peer_service": None} | more


def call(name: str, parent: str | None, service: str, peer: str | None, begin: float, ms: float,
         operation: str = "call", **more: object) -> Row:
    """A client span."""
    return span(name, parent, service, begin, ms, operation, kind="client", peer_service=peer,
                **more)


def traced(request: Callable[[int, np.random.Generator], Iterable[Row]], n: int = N,
           seed: int = 0) -> pd.DataFrame:
    """``n`` requests half a second apart; span ids are unique, as OpenTelemetry's are."""
    rng, rows = np.random.default_rng(seed), []
    for i in range(n):
        for row in request(i, rng):
            up = row["parent_span_id"]
            rows.append(row | {"trace_id": f"t{i}", "span_id": f"{i}{row['span_id']}",
                               "parent_span_id": None if up is None else f"{i}{up}",
                               "start": row["start"] + pd.Timedelta(seconds=i / 2)})
    return pd.DataFrame(rows)


def incident(traces: pd.DataFrame | None = None, **more: object) -> Case:
    return Case(normal=((at(0), at(CUT / 2)),), abnormal=(at(CUT / 2), at(N / 2)),
                traces=traces, **more)  # type: ignore[arg-type]


def one_trace(*rows: Row, **more: object) -> Case:
    """Some spans as they are, in normal time."""
    return Case(normal=((at(0), at(40)),), abnormal=(at(40), at(60)),
                traces=pd.DataFrame(list(rows)), **more)  # type: ignore[arg-type]
