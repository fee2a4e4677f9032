"""Half-open windows: what they cover together, what is left, what lies within."""

import numpy as np
import pandas as pd
import pytest

from aiops import windows
from aiops.windows import Window

START = pd.Timestamp("2026-11-25T06:00:00Z")


def at(second: float) -> pd.Timestamp:
    return START + pd.Timedelta(seconds=second)


def made(*pairs: tuple[float, float]) -> list[Window]:
    return [(at(start), at(end)) for start, end in pairs]


def test_windows_that_touch_or_overlap_are_one():
    assert windows.union(made((4, 6), (0, 2), (2, 3), (5, 9), (6, 7))) == made((0, 3), (4, 9))
    assert windows.union([]) == []


def test_a_gap_that_is_allowed_is_closed():
    gap = pd.Timedelta(seconds=1)
    assert windows.union(made((0, 2), (3, 4), (5.5, 6)), gap) == made((0, 4), (5.5, 6))


def test_a_hole_leaves_what_lies_on_either_side():
    assert windows.minus(made((0, 9)), made((2, 3), (8, 12))) == made((0, 2), (3, 8))
    assert windows.minus(made((0, 9)), made((9, 12), (-1, 0))) == made((0, 9))
    assert windows.minus(made((1, 2)), made((0, 3))) == []


def test_what_is_left_of_each_window_stays_apart_and_in_its_place():
    assert windows.minus(made((5, 9), (0, 5)), made((6, 7))) == made((5, 6), (7, 9), (0, 5))


def test_the_overlap_is_what_both_cover():
    assert windows.overlap(made((0, 4), (6, 9)), made((3, 7), (9, 10))) == made((3, 4), (6, 7))


def test_a_split_covers_the_same_time_and_cuts_at_the_edges():
    pieces = windows.split(made((0, 6), (4, 9)), made((2, 3), (8, 20)))
    assert pieces == made((0, 2), (2, 3), (3, 8), (8, 9))


def test_time_covered_twice_is_as_long_as_once():
    assert windows.length(made((0, 4), (2, 6), (8, 9))) == pd.Timedelta(seconds=7)
    assert windows.length([]) == pd.Timedelta(0)


@pytest.mark.parametrize("unit", ["s", "us", "ns"])
def test_a_start_lies_within_its_window_and_an_end_does_not(unit):
    times = pd.Series([at(0), at(1), at(2), at(3), pd.NaT, at(5)], index=list("abcdef"))
    got = windows.within(times.astype(f"datetime64[{unit}, UTC]"), made((0, 1), (2, 5), (3, 4)))
    assert got.to_dict() == {"a": True, "b": False, "c": True, "d": True, "e": False, "f": False}


def test_nothing_lies_within_no_window():
    assert not windows.within(pd.Series([at(0)]), []).any()
    assert windows.inside(np.array([], dtype=np.int64), made((0, 1))).tolist() == []


def test_a_time_within_a_nanosecond_of_the_edges_is_told_apart():
    edge = at(1).value
    assert windows.inside(edge + np.array([-1, 0, 1]), made((1, 2))).tolist() == [
        False, True, True]
