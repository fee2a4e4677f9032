"""A Case: one incident as frames and windows, what a Ranker sees. No I/O, no label.

A Case carries neither id nor path, so that nothing about the truth can be read from it.
Folders of Cases are read and written by ``aiops.datasets.folder``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd
import pyarrow as pa

from aiops import schema
from aiops.errors import CaseError
from aiops.windows import Window, within

Which = Literal["normal", "abnormal"]

TABLES = tuple(schema.CASE)
TIME_COLUMN = {"traces": "start", "logs": "time", "metrics": "time", "alerts": "time"}
_MAY_BE_NULL = {"parent_span_id"}  # null for a root; optional columns may be null anyway
_SUSPECT_COLUMNS = {
    "traces": ("service", "peer_service"), "logs": ("service",), "metrics": ("service",),
    "alerts": ("service",), "topology": ("caller", "callee"),
}


@dataclass(frozen=True, eq=False)
class Case:
    """One incident.

    Args:
        normal: windows of normal operation, before or after the incident.
        abnormal: the window of the incident; it starts where an alert would fire.
        traces, logs, metrics, alerts, topology: frames with the columns of
            ``schema.CASE``; any subset. Unknown columns are left out, times become UTC.
        detected_at: when the alert fired; the start of ``abnormal`` when not given.
        entry_service: where users enter.
        symptom: {"service", "metric", "direction"?} that the alert stated.
        suspects: who may be blamed; all services seen when empty.

    Windows are half-open (start, end), UTC.

    Raises:
        CaseError: a missing column, a wrong type, an empty cell, a window that is none.
    """

    normal: tuple[Window, ...]
    abnormal: Window
    traces: pd.DataFrame | None = None
    logs: pd.DataFrame | None = None
    metrics: pd.DataFrame | None = None
    alerts: pd.DataFrame | None = None
    topology: pd.DataFrame | None = None
    detected_at: pd.Timestamp | None = None
    entry_service: str | None = None
    symptom: Mapping[str, Any] | None = None
    suspects: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "abnormal", window(self.abnormal, "abnormal"))
        put(self, "normal", tuple(window(each, "normal") for each in self.normal))
        _check_windows(self.normal, self.abnormal)
        detected = self.detected_at
        put(self, "detected_at", self.abnormal[0] if detected is None else
            timestamp(detected, "detected_at"))
        for name in TABLES:
            put(self, name, _table(name, getattr(self, name)))
        put(self, "symptom", None if self.symptom is None else _symptom(self.symptom))
        put(self, "suspects", tuple(dict.fromkeys(self.suspects)) or _services_seen(self))
        if not self.suspects:
            raise CaseError("A Case needs suspects. Got no table with a service and no suspects. "
                            f"Hand over one of {', '.join(TABLES)}, or suspects=[...].")

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables this Case has, by name."""
        return {name: getattr(self, name) for name in TABLES if getattr(self, name) is not None}

    def select(self, table: str, which: Which) -> pd.DataFrame:
        """Rows of a table within the normal or the abnormal windows, in the table's order.

        A span belongs where its trace's first span starts: cutting by span would truncate
        traces at the edge. An alert without a time belongs to the incident.
        """
        frame = self._frame(table)
        times = _belongs_at(table, frame)
        keep = within(times, [self.abnormal] if which == "abnormal" else self.normal)
        if table == "alerts" and which == "abnormal":
            keep |= times.isna()
        return frame[keep]

    def _frame(self, table: str) -> pd.DataFrame:
        if table not in TIME_COLUMN:
            raise CaseError(f"The table parameter of Case.select must be one of "
                            f"{', '.join(TIME_COLUMN)}. Got {table!r} instead.")
        frame = getattr(self, table)
        if frame is None:
            has = ", ".join(self.tables) or "none"
            raise CaseError(f"This Case has no {table} table. It has: {has}.")
        return frame


def timestamp(value: Any, what: str) -> pd.Timestamp:
    """A UTC timestamp from RFC 3339 text, a datetime or a Timestamp that has a zone."""
    try:
        stamp = pd.Timestamp(value)
    except (ValueError, TypeError) as error:
        raise CaseError(f"{what} must be a timestamp (RFC 3339). Got {value!r}.") from error
    if stamp is pd.NaT or stamp.tzinfo is None:
        raise CaseError(f"{what} must be a timestamp with a time zone, "
                        f"as 2026-01-31T12:00:00Z. Got {value!r}.")
    return stamp.tz_convert("UTC").as_unit("ns")


def window(value: Any, what: str) -> Window:
    """A half-open window from a pair (start, end)."""
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 2:
        raise CaseError(f"{what} must be a pair (start, end). Got {value!r}. "
                        "normal is a list of such pairs.")
    start, end = (timestamp(each, f"{what} window") for each in value)
    if not start < end:
        raise CaseError(f"The {what} window must start before it ends. Got {start} to {end}.")
    return start, end


def _check_windows(normal: Iterable[Window], abnormal: Window) -> None:
    if not normal:
        raise CaseError("A Case needs a window of normal operation. Got normal=[].")
    for start, end in normal:
        if start < abnormal[1] and abnormal[0] < end:
            raise CaseError(f"A normal window ({start} to {end}) must not overlap the abnormal "
                            f"one ({abnormal[0]} to {abnormal[1]}): cut it there.")


def _table(name: str, frame: Any) -> pd.DataFrame | None:
    if frame is None:
        return None
    if not isinstance(frame, pd.DataFrame):
        raise CaseError(f"{name} must be a pandas DataFrame. Got {type(frame).__name__}.")
    allowed, optional = schema.CASE[name], schema.CASE_OPTIONAL[name]
    missing = [c for c in allowed.names if c not in frame.columns and c not in optional]
    if missing:
        raise CaseError(f"{name} lacks {', '.join(missing)}. Got {', '.join(map(str, frame))}. "
                        f"Needed: {', '.join(c for c in allowed.names if c not in optional)}.")
    frame = frame.reset_index(drop=True)
    columns = {field.name: _column(f"{name}.{field.name}", frame[field.name], field.type,
                                   field.name in optional or field.name in _MAY_BE_NULL)
               for field in allowed if field.name in frame.columns}
    return pd.DataFrame(columns, index=frame.index)


def _column(what: str, values: pd.Series, kind: pa.DataType, nullable: bool) -> pd.Series:
    empty = int(values.isna().sum())
    if empty and not nullable:
        raise CaseError(f"{what} must not be empty. Got {empty} empty cells of {len(values)}: "
                        f"leave such rows out (frame.dropna(subset=[{what.split('.')[1]!r}])).")
    if pa.types.is_timestamp(kind):
        return _times(what, values)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return _numbers(what, values, kind, nullable)
    return values


def _times(what: str, values: pd.Series) -> pd.Series:
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        return values.dt.tz_convert("UTC").dt.as_unit("ns")
    return pd.Series([pd.NaT if pd.isna(each) else timestamp(each, what) for each in values],
                     index=values.index, dtype="datetime64[ns, UTC]")


def _numbers(what: str, values: pd.Series, kind: pa.DataType, nullable: bool) -> pd.Series:
    if not pd.api.types.is_numeric_dtype(values):
        raise CaseError(f"{what} must hold numbers ({kind}). Got {values.dtype}.")
    if pa.types.is_integer(kind) and not nullable:
        if not pd.api.types.is_integer_dtype(values) and (values % 1 != 0).any():
            raise CaseError(f"{what} must hold whole numbers ({kind}). Got {values.dtype}.")
        return values.astype("int64")
    numbers = values.astype("float64")
    if numbers.isin([float("inf"), float("-inf")]).any():
        raise CaseError(f"{what} must be finite. Got infinity: leave such rows out.")
    return numbers


def _symptom(symptom: Mapping[str, Any]) -> dict[str, Any]:
    if not {"service", "metric"} <= set(symptom):
        raise CaseError(f"symptom must have service and metric. Got {dict(symptom)!r}.")
    return {key: symptom[key] for key in ("service", "metric", "direction") if key in symptom}


def _services_seen(case: Case) -> tuple[str, ...]:
    seen: set[str] = set()
    for name, frame in case.tables.items():
        for column in _SUSPECT_COLUMNS[name]:
            if column in frame:
                seen.update(frame[column].dropna().unique())
    return tuple(sorted(seen))


def _belongs_at(table: str, frame: pd.DataFrame) -> pd.Series:
    column = TIME_COLUMN[table]
    if table == "traces":
        return frame.groupby("trace_id", sort=False)["start"].transform("min")
    if column not in frame:  # alerts may lack a time
        return pd.Series(pd.NaT, index=frame.index, dtype="datetime64[ns, UTC]")
    return frame[column]
