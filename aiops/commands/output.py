"""How every command reports: a table for people or, with ``--json``, JSON for machines."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any

import typer

WIDE = 10_000  # characters

Json = Annotated[
    bool, typer.Option("--json", help="Print JSON on standard output, all else on standard error.")
]


@contextmanager
def reporting(as_json: bool) -> Iterator[Callable[[Any], None]]:
    """Hands out the function that reports a command's result, to be called once.

    With ``as_json`` whatever else is written to standard output meanwhile, by libraries
    and child processes too, goes to standard error.
    """
    if not as_json:
        yield show
        return
    with _stdout_to_stderr() as write:
        yield lambda value: write(json.dumps(plain(value), indent=2, allow_nan=False) + "\n")


@contextmanager
def _stdout_to_stderr() -> Iterator[Callable[[str], None]]:
    sys.stdout.flush()
    answer = os.dup(1)
    os.dup2(2, 1)
    try:
        with open(answer, "w", encoding="utf-8", closefd=False) as stream:
            yield lambda text: print(text, end="", file=stream, flush=True)
    finally:
        sys.stdout.flush()
        os.dup2(answer, 1)
        os.close(answer)


def plain(value: Any) -> Any:
    """The value in JSON's own types; what is no number becomes null.

    >>> plain({"a": (1, float("nan")), 2: True})
    {'a': [1, None], '2': True}
    """
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return _plain_object(value)


def _plain_object(value: Any) -> Any:
    if hasattr(value, "columns") and hasattr(value, "to_dict"):  # a data frame
        return plain(value.to_dict(orient="records"))
    if hasattr(value, "tolist"):  # numpy
        return plain(value.tolist())
    if hasattr(value, "isoformat"):
        return None if value != value else value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


def show(value: Any) -> None:
    """Print rows (a list of mappings, a frame) or one mapping as a table."""
    from rich.console import Console

    value = plain(value)
    console = Console()
    if not console.is_terminal:  # into a file or a pipe, as wide as it needs to be
        console.width = WIDE
    if isinstance(value, dict):
        value = [{"name": name, "value": item} for name, item in _flat(value)]
    if isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
        console.print(table(value))
    else:
        console.print("no rows" if value == [] else value)


def _flat(value: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, Any]]:
    """Names and values, those of a mapping within the mapping after its own name and a dot."""
    for key, item in value.items():
        if isinstance(item, dict) and item:
            yield from _flat(item, f"{within}{key}.")
        else:
            yield f"{within}{key}", item


def table(rows: list[dict[str, Any]]) -> Any:
    """A rich table of rows, numbers to the right, an absent value as a dash."""
    from rich.table import Table

    columns = list(dict.fromkeys(key for row in rows for key in row))
    made = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        numeric = all(isinstance(row.get(column), int | float | None) for row in rows)
        made.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        made.add_row(*[_cell(row.get(column)) for column in columns])
    return made


def _cell(value: Any) -> str:
    from rich.markup import escape

    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    return escape(value if isinstance(value, str) else json.dumps(value))
