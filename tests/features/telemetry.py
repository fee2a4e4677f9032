"""A small lake in memory: rows as dicts -> the views of a lake, in an in-memory DuckDB."""

from __future__ import annotations

from typing import Any

import duckdb
import pyarrow as pa

from aiops import schema
from aiops.lake.views import CALLS

S = 1_000_000_000
HEX = {"trace_id", "span_id", "parent_span_id"}


def view_schema(name: str) -> pa.Schema:
    """As the lake's views show the table: ids as hex, kind and status as words."""
    words = HEX | {"kind", "status_code"}
    return pa.schema([pa.field(f.name, pa.string()) if f.name in words else f
                      for f in schema.LAKE[name]])


def lake(**tables: list[dict[str, Any]]) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    for name in schema.LAKE:
        shape = view_schema(name)
        columns = {f.name: pa.array([row.get(f.name) for row in tables.get(name, [])], f.type)
                   for f in shape}
        connection.register(name, pa.table(columns, schema=shape))
    for statement in CALLS:
        connection.execute(statement)
    return connection


def span(row_id: int, service: str, start: int, duration: int = 1_000_000, *, kind: str = "server",
         trace: str = "t1", id: str | None = None, parent: str | None = None,
         status: str = "unset", resource: int = 1) -> dict[str, Any]:
    return {"row_id": row_id, "service_name": service, "start_time": start, "resource_id": resource,
            "end_time": start + duration, "duration_ns": duration, "kind": kind,
            "trace_id": trace, "span_id": id or f"{row_id:x}", "parent_span_id": parent,
            "status_code": status}


def point(row_id: int, name: str, time: int, value: float, *, start: int | None = None,
          service: str = "a", resource: int = 1, temporality: int | None = 1,
          type: str = "sum") -> dict[str, Any]:
    return {"row_id": row_id, "service_name": service, "resource_id": resource, "name": name,
            "type": type, "temporality": temporality, "time": time, "start_time": start,
            "value_double": value}


def word(row_id: int, key: str, value: str) -> dict[str, Any]:
    return {"row_id": row_id, "key": key, "type": "string", "string": value}
