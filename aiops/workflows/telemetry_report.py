"""A recorded data set at a glance, and the telemetry of one of its recordings."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pandas as pd

from aiops import datasets, lake
from aiops.case import Case
from aiops.datasets import Dataset, recorded
from aiops.datasets.recording import find, folders
from aiops.errors import InputError
from aiops.plots import style


def glance(dataset: Dataset) -> pd.DataFrame:
    """One row a recording, in order of time: what it is, and what its load saw (null: not kept).

    Columns: recording, role, fault, culprits, start_utc, duration_s, requests, p50_ms, p95_ms,
    failed_percent, size_bytes.
    """
    table = datasets.recordings(dataset.root).to_pandas()
    known = {each.id: each for each in find(dataset.raw)}
    load = [known[name].about.get("load", {}) for name in table.recording]
    return pd.DataFrame({
        "recording": table.recording, "role": table.role, "fault": table.fault,
        "culprits": [", ".join(c) for c in table.culprits], "start_utc": table.start,
        "duration_s": (table.end - table.start).dt.total_seconds().astype(int),
        "requests": [seen.get("requests") for seen in load],
        "p50_ms": [seen.get("latency_p50_ms") for seen in load],
        "p95_ms": [seen.get("latency_p95_ms") for seen in load],
        "failed_percent": [100 * seen.get("failed_share", float("nan")) for seen in load],
        "size_bytes": [sum(f.stat().st_size for f in known[n].folder.glob("*.otlp*"))
                       for n in table.recording]})


def summary(table: pd.DataFrame) -> str:
    """A sentence of markdown about ``glance``."""
    roles = table.role.value_counts()
    parts = ", ".join(f"{n} {role}{'s' if n > 1 and role != 'normal' else ''}"
                      for role, n in roles.items())
    sent = f"{int(table.requests.sum()):,} requests, " if table.requests.notna().all() else ""
    return (f"**{style.count(len(table), 'recording')} ({parts}), "
            f"{table.duration_s.sum() / 60:.0f} minutes in "
            f"all: {sent}{table.size_bytes.sum() / 1e6:.1f} MB of OTLP.**")


def requests(dataset: Dataset) -> pd.DataFrame:
    """Every request of every recording, in the form of root spans; no rows without any.

    As its sender timed it (load.parquet); of a recording whose load was not kept, the spans
    without a parent, as those who served them tell.
    """
    parts = [_sent(path) if (path / "load.parquet").exists() else _served(path)
             for path in folders(dataset.raw)]
    return pd.concat([part for part in parts if len(part)] or parts, ignore_index=True)


def _sent(folder: Path) -> pd.DataFrame:
    load = pd.read_parquet(folder / "load.parquet",
                           columns=["started", "latency_ms", "route"]).dropna()
    number = folder.name + "-" + load.index.astype(str)
    return pd.DataFrame({
        "trace_id": number, "span_id": number, "parent_span_id": None, "service": "load",
        "operation": load.route, "start": load.started,
        "duration_ns": (load.latency_ms * 1e6).astype("int64")})


_SERVED = """
SELECT trace_id, span_id, parent_span_id, service_name AS service, name AS operation,
       start_time AS start, duration_ns
FROM spans WHERE parent_span_id IS NULL AND trace_id IS NOT NULL AND service_name IS NOT NULL
ORDER BY start_time, row_id
"""


def _served(folder: Path) -> pd.DataFrame:
    with tempfile.TemporaryDirectory(prefix="aiops-requests-") as made:
        opened = lake.open(Path(made) / "lake")
        opened.ingest(folder)
        return opened.sql(_SERVED)


def read(dataset: Dataset, recording: str = "") -> tuple[str, Case]:
    """(id, telemetry) of normal operation in one recording, the first such when none is named.

    The Case has no incident: its normal window is cut in two halves, both normal.

    Raises:
        InputError: no such recording.
    """
    table = glance(dataset)
    normal = table[table.role == "normal"]
    chosen = recording or (normal if len(normal) else table).recording.iloc[0]
    known = {each.id: each for each in find(dataset.raw)}
    if chosen not in known:
        raise InputError(f"{dataset.root} has no recording {chosen!r}. "
                         f"It has: {', '.join(table.recording)}.")
    folder, about = known[chosen].folder, known[chosen].about
    start, end = map(pd.Timestamp, about.get("normal", [about["recorded"]])[0])
    middle = start + (end - start) / 2
    halves = {"normal": [(start, middle)], "abnormal": (middle, end)}
    return chosen, recorded.read_case(folder, about | halves | {"detected_at": middle})


def sent(case: Case) -> pd.DataFrame:
    """What each service sends: spans and logs per second, operations, metrics and series."""
    spans, logs, metrics = (frame if frame is not None else pd.DataFrame({"service": []})
                            for frame in (case.traces, case.logs, case.metrics))
    seconds = (case.abnormal[1] - case.normal[0][0]).total_seconds()
    out = pd.DataFrame({"spans_per_s": spans.groupby("service").size() / seconds,
                        "logs_per_s": logs.groupby("service").size() / seconds})
    if case.traces is not None:
        out["operations"] = spans.groupby("service").operation.nunique()
    if case.metrics is not None:
        out["metrics"] = metrics.assign(base=metrics.name.str.partition("{")[0]).groupby(
            "service").base.nunique()
        out["series"] = metrics.groupby("service").name.nunique()
    return out.fillna(0).astype({c: int for c in out if not c.endswith("_per_s")}).sort_values(
        "spans_per_s", ascending=False, kind="stable").rename_axis("service").reset_index()
