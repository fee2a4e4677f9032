"""The lake: OTLP tables as Parquet files by signal and time, and DuckDB views over them."""

from aiops.lake.ingestion import files_of
from aiops.lake.lake import Lake, open

__all__ = ["Lake", "files_of", "open"]
