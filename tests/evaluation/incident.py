"""A made incident with metrics, traces, logs and topology, for the tests of stress and decoys."""

import numpy as np
import pandas as pd

from aiops.case import Case

T0 = pd.Timestamp("2026-01-31T12:00:00Z")
NORMAL_S, ABNORMAL_S = 300, 60
CALLS = [("front", "cart"), ("front", "pay"), ("cart", "store"), ("pay", "bank")]


def at(seconds):
    return T0 + pd.to_timedelta(seconds, unit="s")


def made(culprit="cart", seed=0, start=0):
    """Metrics at 1 Hz, a request a second over all calls, a line a request; the culprit rises."""
    rng = np.random.default_rng(seed)
    n = NORMAL_S + ABNORMAL_S
    seconds = np.arange(n)
    bad = seconds >= NORMAL_S
    names = ["front", "cart", "pay", "store", "bank"]
    metrics = pd.concat([pd.DataFrame({
        "time": at(seconds), "service": s, "name": "cpu", "instance": f"{s}-1",
        "value": rng.normal(10, 1, n) + 50 * bad * (s == culprit)}) for s in names])
    spans = [pd.DataFrame({
        "trace_id": [f"t{i}" for i in seconds], "span_id": [f"{s}{i}" for i in seconds],
        "parent_span_id": [f"{caller}{i}" if caller else None for i in seconds],
        "service": s, "operation": f"ask {s}", "start": at(seconds + 0.01 * depth),
        "duration_ns": np.int64(1e6) * rng.integers(10, 20, n) * np.where(bad & (s == culprit),
                                                                         50, 1)})
        for depth, (caller, s) in enumerate([("", "front"), *CALLS])]
    traces = pd.concat(spans)
    logs = pd.DataFrame({"time": at(seconds), "service": "pay", "severity_number": 9,
                         "body": "paid", "trace_id": [f"t{i}" for i in seconds],
                         "span_id": [f"pay{i}" for i in seconds]})
    by = pd.Timedelta(seconds=start)
    return Case(normal=((T0 + by, at(NORMAL_S) + by),),
                abnormal=(at(NORMAL_S) + by, at(n) + by),
                metrics=metrics.assign(time=metrics["time"] + by),
                traces=traces.assign(start=traces["start"] + by),
                logs=logs.assign(time=logs["time"] + by),
                topology=pd.DataFrame(CALLS, columns=["caller", "callee"]),
                entry_service="front")
