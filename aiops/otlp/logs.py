"""Log records."""

from __future__ import annotations

from typing import Any

from aiops.otlp import attributes
from aiops.otlp.leftovers import leftover
from aiops.otlp.resources import Source
from aiops.otlp.tables import Tables, nanoseconds


def time(record: Any) -> int | None:
    """When it happened, else when it was observed."""
    return nanoseconds(record.time_unix_nano) or nanoseconds(record.observed_time_unix_nano)


def add(tables: Tables, source: Source, record: Any, keep: bool) -> None:
    """Append a record; ``keep``: the batch holds what has no column."""
    row_id, at = tables.row_id(), time(record)
    more = attributes.add(tables.rows["log_attributes"], row_id, at, record.attributes)
    odd = (record.time_unix_nano | record.observed_time_unix_nano) >> 63
    tables.rows["logs"].append((
        row_id, *source, at,
        nanoseconds(record.time_unix_nano), nanoseconds(record.observed_time_unix_nano),
        record.severity_number, record.severity_text or None, record.event_name or None,
        *_body(record), record.trace_id or None, record.span_id or None, record.flags,
        record.dropped_attributes_count, leftover(record) if keep or more or odd else None))


def _body(record: Any) -> tuple[str | None, bytes | None]:
    if not record.HasField("body"):
        return None, None
    if record.body.WhichOneof("value") == "string_value":
        return record.body.string_value, None
    return attributes.as_json(record.body), record.body.SerializeToString()
