"""Columns of published CSV files, gzip or not; damage is an error that names the file."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv

from aiops.errors import CaseError

_DAMAGE = (OSError, EOFError, zlib.error, KeyError, ValueError, TypeError)  # Arrow's are these too
_PARSING = pa.csv.ParseOptions(newlines_in_values=True)
Types = Mapping[str, pa.DataType]


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """What goes wrong inside with a file becomes a CaseError that names it."""
    try:
        yield
    except CaseError:
        raise
    except _DAMAGE as error:
        raise CaseError(f"{path} is damaged, or not of the layout it was taken for: "
                        f"{type(error).__name__}: {error}") from error


def columns(path: Path, needed: Types, optional: Types | None = None) -> pd.DataFrame:
    """Some columns of a file, as these types; an empty cell is null, and so is all of an
    optional column that the file lacks.

    Raises:
        CaseError: the file is damaged or lacks a needed column.
    """
    with naming(path):
        wanted = dict(needed)
        if optional:
            has = pa.csv.open_csv(path).schema.names
            wanted |= {name: kind for name, kind in optional.items() if name in has}
        table = pa.csv.read_csv(path, parse_options=_PARSING, convert_options=_only(wanted))
        return table.to_pandas().reindex(columns=[*needed, *(optional or {})])


def batches(path: Path, needed: Types) -> Iterator[pd.DataFrame]:
    """The same columns bit by bit, reading no further than is asked for."""
    with naming(path), pa.csv.open_csv(path, pa.csv.ReadOptions(block_size=1 << 16), _PARSING,
                                       _only(needed)) as parts:
        for part in parts:
            yield part.to_pandas()


def _only(types: Types) -> pa.csv.ConvertOptions:
    return pa.csv.ConvertOptions(column_types=dict(types), include_columns=list(types),
                                 null_values=["", "NaN", "nan"], strings_can_be_null=True)
