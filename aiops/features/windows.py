"""The feature row of each service and base window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa

from aiops import schema
from aiops.features.calendar import calendar, zone
from aiops.features.invariants import check
from aiops.features.query import Pair, Range, run

if TYPE_CHECKING:
    import duckdb

_PARTS = ("spoken", "grid", "requests", "records", "points", "rates", "memory", "usage",
          "calls", "neighbours", "dimensions", "windows")
_SERVICES = """
SELECT count(DISTINCT service_name) FROM (
    SELECT service_name FROM spans UNION ALL SELECT service_name FROM logs
    UNION ALL SELECT service_name FROM metrics)
"""


def windows(connection: duckdb.DuckDBPyConnection, window_s: float,
            start: pd.Timestamp | None = None, end: pd.Timestamp | None = None,
            timezone: str = "UTC", within: Sequence[Pair] | None = None) -> pa.Table:
    """One row (``schema.FEATURES``) a service and window, by service and time.

    Args:
        connection: has the lake's views.
        window_s: length of the base window in seconds.
        start, end: tz-aware; every window that touches [start, end) is computed whole.
            Without them: all that the lake holds.
        timezone: IANA name, of the calendar columns.
        within: spans of time, half-open, that do not overlap: only windows wholly inside one
            get a row, where telemetry between them is missing because nobody recorded it.

    Raises InputError on a bad argument.
    """
    zone(timezone)
    span = Range.of(connection, window_s, start, end)
    if within is not None:
        span = span.within(within)
    span.limit(connection.execute(_SERVICES).fetchall()[0][0])
    table = with_window(run(connection, span, *_PARTS), span)
    starts = pd.DatetimeIndex(table["window_start"].to_pandas())
    days = calendar(starts, timezone)
    for name in schema.CALENDAR:
        table = table.append_column(name, pa.array(days[name].to_numpy()))
    table = table.append_column("timezone", pa.array([timezone] * len(table), pa.string()))
    return check(table.select(schema.FEATURES.names).cast(schema.FEATURES), within)


def with_window(table: pa.Table, span: Range) -> pa.Table:
    """Window number ``w`` -> window_start and window_s."""
    numbers = table["w"].to_numpy()
    starts = pa.array(numbers * span.window_ns, pa.int64()).cast(schema.TIME)
    lengths = pa.array([span.window_ns / 1e9] * len(table), pa.float64())
    return (table.drop_columns("w").append_column("window_start", starts)
            .append_column("window_s", lengths))
