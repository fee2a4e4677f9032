"""Export requests to the tables of ``aiops.schema.LAKE``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from aiops.errors import DecodeError
from aiops.otlp import json, logs, messages, metrics, spans
from aiops.otlp.leftovers import keep_own
from aiops.otlp.resources import Sources
from aiops.otlp.tables import Tables

_WALKS = {  # signal: resource groups, scope groups, items, the module that adds one
    "traces": ("resource_spans", "scope_spans", "spans", spans),
    "logs": ("resource_logs", "scope_logs", "log_records", logs),
    "metrics": ("resource_metrics", "scope_metrics", "metrics", metrics),
}


def decode(signal: str, data: bytes | Sequence[bytes], encoding: str = "protobuf",
           ) -> dict[str, pa.Table]:
    """All tables of ``schema.LAKE`` for one request or several; ``row_id`` counts from 0.

    Raises DecodeError when any of them is no OTLP, and then decodes none.
    """
    groups, scope_groups, items, module = _WALKS[messages.check_signal(signal)]
    requests = [data] if isinstance(data, bytes) else list(data)
    tables = Tables()
    sources = Sources(tables)
    for request in [messages.parse(signal, _protobuf(signal, r, encoding)) for r in requests]:
        if keep := _has_unknown(request):
            keep_own(request, groups)
        found = getattr(request, groups)
        for source, rows in sources.walk(found, scope_groups, items, module.time):
            for row in rows:
                module.add(tables, source, row, keep)
    sources.finish()
    return tables.to_arrow()


def _protobuf(signal: str, data: bytes, encoding: str) -> bytes:
    if encoding == "protobuf":
        return data
    if encoding == "json":
        return json.to_protobuf(signal, data)
    raise DecodeError(f"encoding must be 'protobuf' or 'json'. Got {encoding!r} instead.")


def _has_unknown(request: Any) -> bool:
    """Whether looking for leftovers, message by message, is worth the time."""
    known = type(request)()
    known.CopyFrom(request)
    known.DiscardUnknownFields()
    return known.ByteSize() != request.ByteSize()
