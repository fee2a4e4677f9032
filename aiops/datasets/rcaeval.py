"""The layout of RCAEval's RE1, RE2 and RE3: ``<service>_<fault>/<n>/``. Untested on the published
files: it was written from their description.

Published at phamquiluan/RCAEval (ASE 2024, WWW 2025), MIT licence; three systems, 735 cases.
A folder of one system (``RE2-OB``) or of several (``RE2``) will do:

    data.csv (RE1), simple_metrics.csv or metrics.csv     time in s, <service>_<metric> at 1 Hz
    inject_time.txt                                        seconds since 1970
    logs.csv     timestamp (ns), container_name, message, level                 (RE2, RE3)
    traces.csv   traceID, spanID, parentSpanID, serviceName, methodName, operationName,
                 startTime and duration (µs), statusCode                        (RE2, RE3)

As published: 10 minutes before the injection are normal, 10 minutes after it abnormal;
``_latency-50`` is left out; a database ``<service>-db`` belongs to its service; suspects are
the services of the metrics. Infinite values are left out (published: filled from the row
before). Spans and logs that name a pod or another name of a suspect count for the suspect.
Spans have neither kind nor peer: see ``span_kinds``. A status code that is an HTTP error, or
one of gRPC's but 0, is an error. Where inject_time.txt lies outside of the data, the case
has no rows, and every ranker misses it. No other file of a folder is read.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from aiops.case import Case
from aiops.datasets.csv_files import columns, naming
from aiops.datasets.dataset import Dataset
from aiops.datasets.nezha_files import service_of, severity
from aiops.datasets.span_kinds import neighbours, with_kinds
from aiops.errors import CaseError
from aiops.windows import Window, within

LAYOUT = "rcaeval"
SIDE = pd.Timedelta("10min")
_METRICS = ("data.csv", "simple_metrics.csv", "metrics.csv")  # the first there is, as published
_UNITS = {"mem": "By"}
_ALIASES = {"frontendservice": "frontend", "redis-cart": "redis"}  # spans of Online Boutique
_SPAN = {"traceID": pa.string(), "spanID": pa.string(), "parentSpanID": pa.string(),
         "serviceName": pa.string(), "operationName": pa.string(),
         "startTime": pa.float64(), "duration": pa.float64()}
_SPAN_TOO = {"methodName": pa.string(), "statusCode": pa.float64()}
_LOG = {"timestamp": pa.int64(), "container_name": pa.string(), "message": pa.string()}
_LOG_TOO = {"level": pa.string()}


def recognise(root: Path) -> bool:
    """Whether the folder has this layout."""
    return bool(_folders(root))


def open_dataset(root: Path) -> Dataset:
    """The data set in a folder of this layout."""
    folders = _folders(root)
    return Dataset(root.name, root, {name: _truth(name) for name in folders},
                   lambda: {n: partial(read_case, f) for n, f in folders.items()},
                   card=(__doc__ or "").strip())


def _folders(root: Path) -> dict[str, Path]:
    found = (path.parent for depth in ("*/*/", "*/*/*/", "*/*/*/*/")
             for path in root.glob(f"{depth}inject_time.txt"))
    return {str(path.relative_to(root)): path for path in sorted(found)
            if "_" in path.parent.name}


def _truth(name: str) -> dict[str, object]:
    service, fault = name.split("/")[-2].rsplit("_", 1)
    return {"culprits": [service], "kind": "service", "fault": fault}


def read_case(folder: Path) -> Case:
    """One incident.

    Raises:
        CaseError: a file is damaged, or there are no metrics.
    """
    injected = _injection(folder / "inject_time.txt")
    normal, abnormal = (injected - SIDE, injected), (injected, injected + SIDE)
    metrics = _long(_metric_file(folder))
    suspects = tuple(sorted(metrics["service"].unique()))
    windows = [normal, abnormal]
    return Case(normal=(normal,), abnormal=abnormal, suspects=suspects,
                metrics=metrics[within(metrics["time"], windows)],
                traces=_spans(folder / "traces.csv", windows, suspects),
                logs=_logs(folder / "logs.csv", windows, suspects))


def _injection(path: Path) -> pd.Timestamp:
    with naming(path):
        return pd.Timestamp(int(path.read_text().partition("\n")[0]), unit="s", tz="UTC")


def _metric_file(folder: Path) -> Path:
    for name in _METRICS:
        if (folder / name).exists():
            return folder / name
    raise CaseError(f"{folder} has no metrics. One of {', '.join(_METRICS)} is needed.")


def _long(path: Path) -> pd.DataFrame:
    with naming(path):
        wide = pd.read_csv(path)
        if "time" not in wide or wide.empty:
            raise CaseError(f"{path} must have a time column and rows. Got {', '.join(wide)}.")
        wide["time"] = pd.to_datetime(wide["time"], unit="s", utc=True)
        kept = [c for c in wide if "_" in c and not c.endswith("_latency-50")]
        long = wide.melt("time", kept, "column")
        long["value"] = long["value"].astype("float64").replace([np.inf, -np.inf], np.nan)
    long = long.dropna(subset=["value"])
    parts = long["column"].astype("str").str.split("_", n=1)
    long["instance"], long["name"] = parts.str[0], parts.str[1]
    long["service"] = long["instance"].str.removesuffix("-db")
    return long.assign(unit=long["name"].map(_UNITS)).drop(columns="column")


def _spans(path: Path, windows: list[Window], suspects: tuple[str, ...]) -> pd.DataFrame | None:
    """Spans of the traces that start in the windows; None without any."""
    if not path.exists():
        return None
    raw = columns(path, _SPAN, _SPAN_TOO).dropna(
        subset=["traceID", "spanID", "serviceName", "startTime", "duration"])
    spans = neighbours(pd.DataFrame({
        "trace_id": raw["traceID"], "span_id": raw["spanID"],
        "parent_span_id": raw["parentSpanID"].where(raw["parentSpanID"] != "0"),
        "service": _suspect(raw["serviceName"], suspects),
        "operation": raw["methodName"].fillna(raw["operationName"]).fillna(""),
        "start": pd.to_datetime(raw["startTime"].astype("int64"), unit="us", utc=True),
        "duration_ns": (raw["duration"] * 1000).astype("int64"),
        "status_code": _status(raw["statusCode"])}))
    spans = spans[within(spans["begun"], windows)]
    return None if spans.empty else with_kinds(spans)


def _status(codes: pd.Series) -> pd.Series:
    codes = codes.astype("float64")
    wrong = (codes >= 400) | codes.between(1, 99)
    return pd.Series(np.select([wrong, codes.notna()], ["error", "ok"], "unset"),
                     index=codes.index, dtype="str")


def _logs(path: Path, windows: list[Window], suspects: tuple[str, ...]) -> pd.DataFrame | None:
    """Log records in the windows; None without any."""
    if not path.exists():
        return None
    raw = columns(path, _LOG, _LOG_TOO).dropna(subset=["timestamp", "container_name"])
    times = pd.to_datetime(raw["timestamp"].astype("int64"), unit="ns", utc=True)
    raw = raw.assign(time=times)[within(times, windows)]
    if raw.empty:
        return None
    return pd.DataFrame({
        "time": raw["time"], "service": _suspect(raw["container_name"], suspects),
        "severity_number": severity(raw["level"].astype("str")),
        "body": raw["message"].fillna("")})


def _suspect(names: pd.Series, suspects: tuple[str, ...]) -> pd.Series:
    """By the suspect's name: what goes by an alias, by its pod's, or is its database."""
    known = pd.Series(names.unique(), dtype="str")
    out = known
    for other in (known.replace(_ALIASES), service_of(known), known.str.removesuffix("-db"),
                  service_of(known).str.removesuffix("-db")):
        out = out.where(out.isin(suspects) | ~other.isin(suspects), other)
    return names.map(dict(zip(known, out, strict=True))).astype("str")
