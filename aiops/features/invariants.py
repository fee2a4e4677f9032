"""What must hold of every feature row, checked when it is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import pandas as pd
import pyarrow as pa

from aiops import schema
from aiops.errors import InputError, SchemaError
from aiops.features.query import Pair

_AMOUNTS = ("_count", "_per_s", "_ms", "_ns", "_bytes", "_cores")
NEVER_NEGATIVE = [f.name for f in schema.FEATURES
                  if f.name.endswith(_AMOUNTS) and "growth" not in f.name]


def _negative(name: str, f: pd.DataFrame) -> pd.Series:
    return f[name] < 0


# What is allowed -> where it is broken. Comparisons with null are False: null breaks nothing.
_RULES: dict[str, Callable[[pd.DataFrame], pd.Series]] = {
    "window_s > 0": lambda f: ~(f.window_s > 0),
    "window_start a multiple of window_s since the epoch": lambda f: _unaligned(f),
    "service not null": lambda f: f.service.isna(),
    **{f"{name} >= 0": partial(_negative, name) for name in NEVER_NEGATIVE},
    "0 <= error_rate <= 1": lambda f: (f.error_rate < 0) | (f.error_rate > 1),
    "error_count <= request_count": lambda f: f.error_count > f.request_count,
    "latency_p50_ms <= latency_p95_ms <= latency_p99_ms": lambda f: (
        (f.latency_p50_ms > f.latency_p95_ms) | (f.latency_p95_ms > f.latency_p99_ms)),
    "latency null exactly where no request was counted": lambda f: (
        f.latency_p50_ms.notna() != (f.request_count > 0)),
    "log counts by severity sum to log_count at most": lambda f: (
        f[[f"log_{level}_count" for level in schema.SEVERITIES]].sum(axis=1) > f.log_count),
    "latency_histogram sums to request_count": lambda f: _histogram_differs(f),
}


def check(table: pa.Table, within: Sequence[Pair] | None = None) -> pa.Table:
    """The table, unchanged, if its columns and every row are as ``schema.FEATURES`` means.

    Raises SchemaError on columns and types, InputError on a row that breaks an invariant,
    a repeated row, or a gap: a service without a row for a window of the table's range. With
    ``within``, spans of time, the range is made of the windows wholly inside one of them.
    """
    _check_columns(table)
    frame = table.drop_columns(["upstream_services", "downstream_services"]).to_pandas()
    for allowed, broken in _RULES.items():
        if (bad := broken(frame).to_numpy(dtype=bool)).any():
            raise InputError(f"{bad.sum()} of {len(frame)} feature rows break '{allowed}'; "
                             f"the first: {_told(frame[bad].iloc[0])}.")
    _check_gaps(frame, within)
    return table


def _check_columns(table: pa.Table) -> None:
    if table.schema.equals(schema.FEATURES):
        return
    got = {f.name: str(f.type) for f in table.schema}
    want = {f.name: str(f.type) for f in schema.FEATURES}
    missing, extra = sorted(want.keys() - got.keys()), sorted(got.keys() - want.keys())
    types = {k: f"{got[k]} instead of {want[k]}" for k in want.keys() & got.keys()
             if got[k] != want[k]}
    raise SchemaError("features must have the columns of schema.FEATURES in its order; "
                      f"missing {missing}, not known {extra}, of another type {types}.")


def _check_gaps(frame: pd.DataFrame, within: Sequence[Pair] | None) -> None:
    if frame.empty:
        return
    if (twice := frame.duplicated(["service", "window_start"])).any():
        raise InputError(f"one row a service and window is allowed, got another: "
                         f"{_told(frame[twice].iloc[0])}.")
    rows = frame.groupby("service").size()
    step = pd.Timedelta(seconds=frame["window_s"].iloc[0])
    starts = frame["window_start"]
    asked = pd.date_range(starts.min(), starts.max(), freq=step)
    if within is not None:
        asked = asked[np.logical_or.reduce([(asked >= a) & (asked + step <= b)
                                            for a, b in within])]
    if (outside := ~starts.isin(asked)).any():
        raise InputError(f"every window must lie wholly inside a span that was asked for, got "
                         f"{_told(frame[outside].iloc[0])}.")
    expected = len(asked)
    if (short := rows[rows != expected]).size:
        raise InputError(f"every service needs a row for each of the {expected} windows of the "
                         f"range, got {short.to_dict()}: a gap needs a row that says so.")


def _unaligned(frame: pd.DataFrame) -> pd.Series:
    step = np.maximum((frame["window_s"] * 1e9).round().astype("int64"), 1)
    return frame["window_start"].dt.as_unit("ns").astype("int64") % step != 0


def _histogram_differs(frame: pd.DataFrame) -> pd.Series:
    sums = pd.Series([0 if h is None else h.sum() if len(h) == schema.LATENCY_BUCKETS else -1
                      for h in frame["latency_histogram"]], index=frame.index, dtype="int64")
    return sums != frame["request_count"].fillna(0)


def _told(row: pd.Series) -> dict[str, object]:
    return {k: v for k, v in row.items() if k != "latency_histogram" and not _is_null(v)}


def _is_null(value: object) -> bool:
    return value is None or value is pd.NaT or value != value
