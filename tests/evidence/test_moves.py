"""Which series moved, and what tells one series of a metric from the others."""

import pandas as pd
import pytest

from aiops.evidence.moves import labels, moves

TIME = pd.date_range("2026-11-25T06:00Z", periods=40, freq="5s")
NORMAL, ABNORMAL = [(TIME[0], TIME[20])], (TIME[20], TIME[39])


def series(name, before, during):
    """A series with a value in each step of ``before`` and ``during``; null: none sent."""
    value = [*before, *[before[-1]] * (20 - len(before)), *[during] * 20]
    return pd.DataFrame({"time": TIME, "name": name, "value": value}).dropna()


def told(*frames):
    return moves(pd.concat(frames), NORMAL, ABNORMAL)


def test_a_median_that_doubled_beyond_all_seen_moved_and_the_farthest_is_first():
    found = told(series("same", [3.0], 3.0), series("twice", [1.0], 2.0),
                 series("tenfold", [1.0], 10.0), series("less", [4.0], 1.0))
    assert found.moved.to_dict() == {"tenfold": True, "less": True, "twice": True, "same": False}
    assert list(found.index) == ["tenfold", "less", "twice", "same"]
    assert found.loc["less", ["before", "during"]].tolist() == [4.0, 1.0]


@pytest.mark.parametrize(("before", "during"), [
    ([1.0, 5.0, 1.0], 4.0),  # fourfold, and seen before
    ([1.0], 1.9),  # never seen, and not twice
])
def test_what_was_seen_before_or_is_small_did_not_move(before, during):
    assert not told(series("x", before, during)).moved["x"]


def test_a_series_that_came_and_one_that_went_moved():
    came, went = series("came", [0.0], 3.0), series("went", [2.0], None)
    found = told(came, went)
    assert found.moved.all()
    assert pd.isna(found.during["went"])
    assert not told(series("silent", [0.0], 0.0)).moved["silent"]


def test_a_series_is_told_by_what_differs_from_its_like():
    names = ["pool{host=a,state=idle}", "pool{host=a,state=used}", "cpu{host=a}"]
    assert labels(names, names) == {names[0]: ("pool", "idle"), names[1]: ("pool", "used"),
                                    names[2]: ("cpu", "")}
