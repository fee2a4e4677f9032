"""Put the SQL files together: one file is one common table expression of that name."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files
from itertools import pairwise
from string import Template
from typing import TYPE_CHECKING

import pandas as pd

from aiops.errors import InputError, UsageError
from aiops.features.histogram import bounds_ns

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

Pair = tuple[pd.Timestamp, pd.Timestamp]  # half-open
_OPEN_NS = 2**63 - 1  # upper bound of the last bucket
_LIMIT = 20_000_000  # rows: beyond it some clock is wrong, not the system large

_EXTENT = """
SELECT min(t), max(t) FROM (
    SELECT epoch_ns(start_time) AS t FROM spans UNION ALL
    SELECT epoch_ns(time) FROM logs UNION ALL SELECT epoch_ns(time) FROM metrics)
"""


@dataclass(frozen=True)
class Range:
    """Windows ``first`` to ``beyond`` (not included), counted from the epoch.

    Of these only the windows of ``pieces`` are asked for, pairs (first, beyond) in order.
    """

    window_ns: int
    first: int
    beyond: int
    pieces: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, connection: duckdb.DuckDBPyConnection, window_s: float,
           start: pd.Timestamp | None, end: pd.Timestamp | None) -> Range:
        """Every window that touches [start, end), whole; without them all the lake's."""
        if not (math.isfinite(window_s) and (window_ns := round(window_s * 1e9)) > 0):
            raise UsageError(f"window_s must be positive, got {window_s!r} seconds.")
        low, high = connection.execute(_EXTENT).fetchall()[0]
        first = _ns("start", start, 0 if low is None else low)
        beyond = _ns("end", end, first if high is None else high + 1)
        if beyond < first:
            raise InputError(f"end must not lie before start, got start={start}, end={end}.")
        whole = first // window_ns, -(-beyond // window_ns)
        return cls(window_ns, *whole, (whole,))

    def within(self, spans: Iterable[Pair]) -> Range:
        """Only the windows that lie wholly inside one of ``spans``, which must not overlap."""
        ns = sorted((_ns("start", start, 0), _ns("end", end, 0)) for start, end in spans)
        for (_, end), (start, _) in pairwise(ns):
            if start < end:
                at = pd.Timestamp(start, tz="UTC")
                raise InputError(f"Spans of time must not overlap, got two that hold {at}: "
                                 "a window of both would belong to neither.")
        cut = [(-(-start // self.window_ns), end // self.window_ns) for start, end in ns]
        pieces = tuple((max(a, self.first), min(b, self.beyond)) for a, b in cut
                       if max(a, self.first) < min(b, self.beyond))
        first, beyond = (pieces[0][0], pieces[-1][1]) if pieces else (self.first, self.first)
        return Range(self.window_ns, first, beyond, pieces)

    def __len__(self) -> int:
        return sum(beyond - first for first, beyond in self.pieces)

    def limit(self, services: int) -> None:
        """Refuse a range whose grid could not be meant."""
        if (rows := services * len(self)) > _LIMIT:
            begin, end = (pd.Timestamp(n * self.window_ns, tz="UTC")
                          for n in (self.first, self.beyond))
            raise InputError(
                f"{rows} rows of features from {begin} to {end} are over the {_LIMIT} allowed: "
                "give start and end, or a longer window_s (a wrong clock in the data?).")


def _ns(name: str, time: pd.Timestamp | None, default: int) -> int:
    if time is None:
        return default
    if (stamp := pd.Timestamp(time)).tzinfo is None:
        raise InputError(f"{name} must carry a time zone, got {time!r}.")
    return int(stamp.as_unit("ns").value)


def text(name: str) -> str:
    """The SQL of one file."""
    return (files("aiops.features") / "sql" / f"{name}.sql").read_text(encoding="utf-8")


def run(connection: duckdb.DuckDBPyConnection, span: Range, *names: str) -> pa.Table:
    """Run the last of ``names``, which may use those before it."""
    *parts, last = names
    query = ",\n".join(f"{name} AS MATERIALIZED (\n{text(name)})" for name in parts)
    filled = Template(f"WITH {query}\n{text(last)}" if parts else text(last)).substitute(
        window_ns=span.window_ns, first=span.first, beyond=span.beyond,
        firsts=[first for first, _ in span.pieces], beyonds=[beyond for _, beyond in span.pieces],
        bounds=[*bounds_ns()[:-1].tolist(), _OPEN_NS])
    return connection.sql(filled).to_arrow_table()
