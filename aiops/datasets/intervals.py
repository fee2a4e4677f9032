"""Stretches of time: sorted lists of half-open (start, end) that do not overlap."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from aiops.case import Window

NONE = pd.Timedelta(0)


def union(windows: Iterable[Window], gap: pd.Timedelta = NONE) -> list[Window]:
    """All time that any window covers; pieces at most ``gap`` apart become one."""
    out: list[Window] = []
    for start, end in sorted(windows):
        if out and start <= out[-1][1] + gap:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((start, end))
    return out


def minus(windows: Iterable[Window], holes: Iterable[Window]) -> list[Window]:
    """What the windows cover and the holes do not."""
    out = union(windows)
    for start, end in holes:
        pieces = [piece for a, b in out for piece in ((a, min(b, start)), (max(a, end), b))]
        out = [(a, b) for a, b in pieces if a < b]
    return out


def overlap(windows: Iterable[Window], others: Iterable[Window]) -> list[Window]:
    """What both cover."""
    both = [(max(a, c), min(b, d)) for a, b in union(windows) for c, d in union(others)]
    return [(a, b) for a, b in both if a < b]


def split(windows: Iterable[Window], at: Iterable[Window]) -> list[Window]:
    """The same time in pieces, each wholly inside or wholly outside of ``at``."""
    windows, at = list(windows), list(at)
    return sorted(overlap(windows, at) + minus(windows, at))


def length(windows: Iterable[Window]) -> pd.Timedelta:
    """How long they are together."""
    return sum((end - start for start, end in union(windows)), NONE)


def within(times: pd.Series, windows: Iterable[Window]) -> pd.Series:
    """Which times lie in any of the windows."""
    merged = union(windows)
    if not merged or times.empty:
        return pd.Series(False, index=times.index)
    edges = pd.DatetimeIndex([edge for window in merged for edge in window]).as_unit("ns")
    passed = edges.searchsorted(times.dt.as_unit("ns"), side="right")  # odd inside of a window
    return pd.Series(passed % 2 == 1, index=times.index)
