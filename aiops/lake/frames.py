"""Answers of DuckDB as pandas frames, no nanosecond lost, times in UTC."""

from __future__ import annotations

import duckdb
import pandas as pd
import pyarrow as pa


def to_frame(connection: duckdb.DuckDBPyConnection, query: str) -> pd.DataFrame:
    """By way of Arrow: DuckDB's own frames drop the time zone."""
    relation = connection.sql(query)
    if relation is None:  # a statement without an answer
        return pd.DataFrame()
    table = relation.to_arrow_table()
    fields = [f.with_type(pa.timestamp(f.type.unit, "UTC"))
              if pa.types.is_timestamp(f.type) and f.type.tz else f for f in table.schema]
    return table.cast(pa.schema(fields)).to_pandas()
