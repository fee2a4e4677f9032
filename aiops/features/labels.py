"""Labels: who says that a service, or the whole system, was anomalous from when to when."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from aiops import schema
from aiops.errors import InputError


def labels(truth: Mapping[str, Mapping[str, Any]], labelled_by: str = "truth.json",
           labelled_at: pd.Timestamp | None = None) -> pa.Table:
    """Case-form truth (incident id -> entry) as ``schema.LABELS``.

    Each entry with a start and an end gives one row for the whole system (service null;
    not anomalous where it names no culprit: a control or a disturbance) and one anomalous
    row for each culprit. ``root_cause`` is the culprits, sorted, joined by a comma.
    Entries without times label nothing. ``labelled_at`` is null where nobody says when.
    """
    rows = [row for name, entry in truth.items() for row in _rows(name, entry)]
    for row in rows:
        row |= {"labelled_by": labelled_by, "labelled_at": labelled_at}
    return pa.Table.from_pylist(rows, schema=schema.LABELS)


def _rows(name: str, entry: Mapping[str, Any]) -> list[dict[str, Any]]:
    if "culprits" not in entry:
        raise InputError(f"truth of {name!r} lacks 'culprits' (a list, empty where there is no "
                         f"incident), got the keys {sorted(entry)}.")
    if entry.get("start") is None or entry.get("end") is None:
        return []
    start, end = (_time(name, key, entry[key]) for key in ("start", "end"))
    if end <= start:
        raise InputError(f"truth of {name!r} must end after it starts, got {start} to {end}.")
    culprits = sorted(entry["culprits"])
    row = {"start": start, "end": end, "is_anomaly": bool(culprits), "incident_id": name,
           "anomaly_type": entry.get("fault"), "root_cause": ",".join(culprits) or None}
    return [row | {"service": service} for service in [None, *culprits]]


def _time(name: str, key: str, value: Any) -> pd.Timestamp:
    try:
        stamp = pd.Timestamp(value)
    except (TypeError, ValueError) as error:
        raise InputError(f"{key} of {name!r} must be an RFC 3339 time, got {value!r}.") from error
    if stamp.tzinfo is None:
        raise InputError(f"{key} of {name!r} must carry a time zone, got {value!r}.")
    return stamp.tz_convert("UTC").as_unit("ns")
