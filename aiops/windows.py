"""Windows: half-open stretches of time (start, end), and what they cover together."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

Window = tuple[pd.Timestamp, pd.Timestamp]
NONE = pd.Timedelta(0)


def union(windows: Iterable[Window], gap: pd.Timedelta = NONE) -> list[Window]:
    """All time that any window covers, in order; pieces at most ``gap`` apart become one."""
    out: list[Window] = []
    for start, end in sorted(windows):
        if out and start <= out[-1][1] + gap:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((start, end))
    return out


def minus(windows: Iterable[Window], holes: Iterable[Window]) -> list[Window]:
    """What is left of each window, in their order, less what the holes cover."""
    out = list(windows)
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
    whole, at = union(windows), list(at)
    return sorted(overlap(whole, at) + minus(whole, at))


def length(windows: Iterable[Window]) -> pd.Timedelta:
    """How long they are together."""
    return sum((end - start for start, end in union(windows)), NONE)


def within(times: pd.Series, windows: Iterable[Window]) -> pd.Series:
    """Which times lie in any of the windows, bool; a missing time lies in none."""
    ns = times.dt.as_unit("ns").astype("int64").to_numpy()
    return pd.Series(inside(ns, windows), index=times.index)


def inside(ns: np.ndarray, windows: Iterable[Window]) -> np.ndarray:
    """Which times, int64 nanoseconds since 1970, lie in any of the windows, bool (n_times,)."""
    found = np.zeros(len(ns), dtype=bool)
    for start, end in windows:
        found |= (ns >= start.value) & (ns < end.value)
    return found
