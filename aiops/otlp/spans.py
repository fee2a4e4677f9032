"""Spans, their events and links."""

from __future__ import annotations

from typing import Any

from aiops.otlp import attributes
from aiops.otlp.leftovers import leftover
from aiops.otlp.resources import Source
from aiops.otlp.tables import Tables, nanoseconds


def time(span: Any) -> int | None:
    return nanoseconds(span.start_time_unix_nano)


def add(tables: Tables, source: Source, span: Any, keep: bool) -> None:
    """Append a span; ``keep``: the batch holds what has no column."""
    row_id, start, end = tables.row_id(), time(span), nanoseconds(span.end_time_unix_nano)
    has_status = span.HasField("status")
    more = attributes.add(tables.rows["span_attributes"], row_id, start, span.attributes)
    odd = (span.start_time_unix_nano | span.end_time_unix_nano) >> 63
    tables.rows["spans"].append((
        row_id, *source,
        span.trace_id or None, span.span_id or None, span.parent_span_id or None,
        span.trace_state or None, span.flags, span.name, span.kind, start, end,
        end - start if start is not None and end is not None else None,
        span.status.code if has_status else None,
        (span.status.message or None) if has_status else None,
        span.dropped_events_count, span.dropped_links_count, span.dropped_attributes_count,
        leftover(span) if keep or more or odd else None))
    for event in span.events:
        _add_event(tables, row_id, event, keep)
    for link in span.links:
        _add_link(tables, row_id, start, link, keep)


def _add_event(tables: Tables, span: int, event: Any, keep: bool) -> None:
    row_id, at = tables.row_id(), nanoseconds(event.time_unix_nano)
    more = attributes.add(tables.rows["span_event_attributes"], row_id, at, event.attributes)
    rest = leftover(event) if keep or more or event.time_unix_nano >> 63 else None
    tables.rows["span_events"].append(
        (row_id, span, at, event.name, event.dropped_attributes_count, rest))


def _add_link(tables: Tables, span: int, start: int | None, link: Any, keep: bool) -> None:
    row_id = tables.row_id()
    more = attributes.add(tables.rows["span_link_attributes"], row_id, start, link.attributes)
    tables.rows["span_links"].append((
        row_id, span, start, link.trace_id or None, link.span_id or None,
        link.trace_state or None, link.flags, link.dropped_attributes_count,
        leftover(link) if keep or more else None))
