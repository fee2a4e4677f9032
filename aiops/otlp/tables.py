"""Rows gathered by table, then turned into Arrow."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from aiops.schema import LAKE

Row = tuple[Any, ...]


class Tables:
    """Lists of rows, each a tuple in the order of its table's schema.

    Row ids count from 0 over all tables of the batch.
    """

    def __init__(self) -> None:
        self.rows: dict[str, list[Row]] = {name: [] for name in LAKE}
        self.next_row_id = 0

    def row_id(self) -> int:
        self.next_row_id += 1
        return self.next_row_id - 1

    def to_arrow(self) -> dict[str, pa.Table]:
        return {name: to_table(schema, self.rows[name]) for name, schema in LAKE.items()}


def to_table(schema: pa.Schema, rows: list[Row]) -> pa.Table:
    if not rows:
        return schema.empty_table()
    columns = zip(*rows, strict=True)
    return pa.Table.from_arrays(
        [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)],
        schema=schema,
    )


def nanoseconds(unix_nano: int) -> int | None:
    """0 is the protocol's "unknown"; beyond the year 2262 Arrow has no time."""
    return unix_nano if 0 < unix_nano < 2**63 else None
