"""A small shop's traces, made: a frontend that calls payment and a database."""

import pandas as pd

START = pd.Timestamp("2026-11-25T06:00:00Z").as_unit("ns")


def make_traces(n: int = 40, wire_ms: float = 2.0, at_s: float = 0.0) -> pd.DataFrame:
    """Requests 1 s apart; the network between frontend and payment takes ``wire_ms``."""
    rows = []
    for i in range(n):
        start = START + pd.Timedelta(seconds=at_s + i)
        spans = [  # id, parent, service, operation, start ms, duration ms, kind, peer
            ("r", None, "frontend", "GET /", 0.0, 20 + wire_ms, "server", None),
            ("c", "r", "frontend", "pay", 5.0, 10 + wire_ms, "client", "paymentservice"),
            ("s", "c", "paymentservice", "Pay", 5 + wire_ms / 2, 10.0, "server", None),
            ("d", "s", "paymentservice", "SELECT", 6 + wire_ms / 2, 4.0, "client", "db"),
        ]
        rows += [(f"t{at_s:g}-{i}", s, p, svc, op, start + pd.Timedelta(milliseconds=a),
                  int(ms * 1e6), kind, peer) for s, p, svc, op, a, ms, kind, peer in spans]
    return pd.DataFrame(rows, columns=["trace_id", "span_id", "parent_span_id", "service",
                                       "operation", "start", "duration_ns", "kind",
                                       "peer_service"])
