"""The files of Nezha's layout as frames: spans, logs and metrics, keyed by service.

A pod ``<service>-<hash>-<hash>`` is an instance of its service; times are UTC. A reader
raises CaseError, naming the file, where the file is damaged or lacks a column.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from aiops.datasets.csv_files import batches, columns, naming
from aiops.datasets.span_kinds import neighbours
from aiops.errors import CaseError

MINUTE = pd.Timedelta("60s")
_SPAN_TYPES = {"TraceID": pa.string(), "SpanID": pa.string(), "ParentID": pa.string(),
               "PodName": pa.string(), "OperationName": pa.string(),
               "StartTimeUnixNano": pa.int64(), "EndTimeUnixNano": pa.int64()}
_LOG_TYPES = {"TimeUnixNano": pa.int64(), "PodName": pa.string(), "TraceID": pa.string(),
              "SpanID": pa.string(), "Log": pa.string()}
_UNITS = {"m": "m{cores}", "Mi": "MiBy", "Ops": "{requests}/s"}  # others are UCUM already
_SEVERITY = {"trace": 1, "debug": 5, "info": 9, "warn": 13, "warning": 13, "error": 17,
             "fatal": 21, "critical": 21}
_STATED = r'"(?:severity|level)":\s*"([A-Za-z]+)"'
_WRITTEN = r"\b(TRACE|DEBUG|INFO|WARN|WARNING|ERROR|FATAL|CRITICAL)\b"


def read_json(path: Path) -> Any:
    """A JSON file."""
    with naming(path):
        return json.loads(path.read_text())


def service_of(pods: pd.Series) -> pd.Series:
    """The services of pods: the name less its last two parts."""
    known = pd.Series(pods.unique(), dtype="str")
    return pods.map(dict(zip(known, known.str.rsplit("-", n=2).str[0], strict=True))).astype("str")


def read_spans(path: Path) -> pd.DataFrame:
    """A minute's spans as Case traces with the columns of ``span_kinds.neighbours``."""
    raw = columns(path, _SPAN_TYPES)
    with naming(path):
        return neighbours(pd.DataFrame({
            "trace_id": raw["TraceID"], "span_id": raw["SpanID"],
            "parent_span_id": raw["ParentID"].where(raw["ParentID"] != "root"),
            "service": service_of(raw["PodName"]), "operation": raw["OperationName"].fillna(""),
            "start": pd.to_datetime(raw["StartTimeUnixNano"], unit="ns", utc=True),
            "duration_ns": raw["EndTimeUnixNano"] - raw["StartTimeUnixNano"]}))


def has_trace(path: Path, start: pd.Timestamp, end: pd.Timestamp) -> bool:
    """Whether a trace of a minute file starts in [start, end); reads no further than needed."""
    wanted = {name: _SPAN_TYPES[name] for name in ("ParentID", "StartTimeUnixNano")}
    starts = (part.loc[part["ParentID"] == "root", "StartTimeUnixNano"]
              for part in batches(path, wanted))
    return any(part.between(start.value, end.value, inclusive="left").any() for part in starts)


def read_logs(path: Path) -> pd.DataFrame:
    """A minute's log records as Case logs; the body is the text that the pod wrote.

    The severity is 0 unless the body states one.
    """
    raw = columns(path, _LOG_TYPES)
    with naming(path):
        body = raw["Log"].fillna("").map(_text).astype("str")
        stated = body.str.extract(_STATED, expand=False).fillna(
            body.str.extract(_WRITTEN, expand=False))
        return pd.DataFrame({
            "time": pd.to_datetime(raw["TimeUnixNano"], unit="ns", utc=True),
            "service": service_of(raw["PodName"]), "body": body,
            "severity_number": severity(stated),
            "trace_id": _id(raw["TraceID"]), "span_id": _id(raw["SpanID"])})


def severity(words: pd.Series) -> pd.Series:
    """OpenTelemetry's severity numbers of words like INFO; 0 for none."""
    return words.str.lower().map(_SEVERITY).fillna(0).astype("int64")


def _text(line: str) -> str:
    """The ``log`` of the container runtime's JSON; a line that is none stays as it is."""
    try:
        return str(json.loads(line)["log"]).rstrip("\n")
    except (ValueError, TypeError, KeyError):
        return line


def _id(ids: pd.Series) -> pd.Series:
    return ids.where(ids.str.strip("0") != "")


def read_metrics(path: Path) -> pd.DataFrame:
    """A metric file as Case metrics; ``time`` is the start of the minute a row sums up.

    A row's own time is the end of that minute: of the 15 network delays of the published
    Online Boutique days, rows up to 20 s after the injection are normal, and rows up to
    219 s show it, though a fault lasts 180 s. That time is read from ``Time``; one pod's
    ``TimeStamp`` is years off on 2022-08-22.
    """
    with naming(path):
        raw = pd.read_csv(path).rename(columns={"time": "Time", "timestamp": "TimeStamp"})
        about = [name for name in ("Time", "TimeStamp", "PodName", "ServiceName") if name in raw]
        if "Time" not in about:
            raise CaseError(f"{path} must have a column Time. Got {', '.join(map(str, raw))}.")
        raw["Time"] = _minutes(raw["Time"])
        long = raw.melt(about, var_name="column").dropna(subset=["value"])
        long["value"] = long["value"].astype("float64")
        return _described(path, long.rename(columns={"Time": "time"}))


def _minutes(text: pd.Series) -> pd.Series:
    """Go's time as text, ``2022-08-22 03:51:19.607 +0000 UTC m=+0.1``, less a minute."""
    if not text.str.contains(" +0000 UTC", regex=False).all():
        raise ValueError("Time must be in UTC.")
    return pd.to_datetime(text.str[:19], format="%Y-%m-%d %H:%M:%S", utc=True) - MINUTE


def _described(path: Path, long: pd.DataFrame) -> pd.DataFrame:
    """Who a row is about: a pod, an edge seen from one end, or the system's front."""
    kept = ["time", "service", "name", "value", "unit", "instance", "peer_service"]
    column = long["column"].astype("str")
    if "PodName" in long:
        long = long.assign(service=service_of(long["PodName"]), instance=long["PodName"])
    elif "ServiceName" in long:
        long = long.assign(service=long["ServiceName"].str.lower())
    else:
        return _edges(path, long, column).reindex(columns=kept)
    parts = column.str.extract(r"^([^(]+)(?:\((.+)\))?$")
    unit = parts[1].replace(_UNITS).mask(parts[0].str.endswith("Bytes"), "By")
    return long.assign(name=parts[0], unit=unit).reindex(columns=kept)


def _edges(path: Path, long: pd.DataFrame, column: pd.Series) -> pd.DataFrame:
    """Median latency of edges; a column is ``<caller>_<callee>``.

    That order is dependency.csv's ``Source,Target``; and a delay in front of cartservice
    raises ``source_50``'s ``*_cartservice`` 40-fold and leaves ``destination_50``'s: the
    one is what the caller waited, the other what the callee took.
    """
    ends = column.str.split("_", n=1, expand=True)
    if path.name.startswith("destination"):
        ends = ends[[1, 0]]
    return long.assign(service=ends.iloc[:, 0], peer_service=ends.iloc[:, 1],
                       name=path.name.split(".")[0], unit="s")


def read_calls(path: Path) -> pd.DataFrame:
    """dependency.csv as topology: caller, callee; also of nodes, which are no services."""
    with naming(path):
        raw = pd.read_csv(path, dtype="str")[["Source", "Target"]].dropna()
        return raw.rename(columns={"Source": "caller", "Target": "callee"})
