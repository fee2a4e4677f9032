"""What a canary is judged by: requests served side by side, slow by a bound fixed before."""

import pandas as pd
import pytest

from aiops.case import Case
from aiops.changes import find
from aiops.changes.counting import count
from aiops.errors import InputError
from tests.changes.made import CHANGE, END, made


def test_counts_are_of_the_time_side_by_side():
    case = made(n=1_000, ms=40.0, failing=0.2)
    (change,) = find(case)
    failed, slow = count(case, change).values()
    assert 440 < failed.new + failed.old < 560
    assert failed.old_bad == 0
    assert 0.1 < failed.new_bad / failed.new < 0.3
    assert slow.new_bad == slow.new
    assert slow.old_bad / slow.old < 0.12


def test_slow_is_told_by_route():
    case = made(n=2_000, ms=40.0, slow_route=100.0)
    (change,) = find(case)
    slow = count(case, change)["slow"]
    assert slow.old_bad / slow.old < 0.1
    assert slow.new_bad / slow.new > 0.95  # on the fast route as well


def test_counts_may_be_taken_early():
    case = made(n=1_000)
    (change,) = find(case)
    early, late = (count(case, change, CHANGE + pd.Timedelta(at))["failed"]
                   for at in ("20s", "60s"))
    assert 0 < early.new < late.new


def test_all_at_once_is_nothing_to_count():
    case = made(at_once=True)
    (change,) = find(case)
    assert count(case, change)["failed"].new == 0


def test_without_normal_time_nothing_tells_what_is_slow():
    case = made(n=300)
    late = Case(normal=((CHANGE - pd.Timedelta("1s"), CHANGE),), abnormal=(CHANGE, END),
                traces=case.traces)
    (change,) = find(late)
    with pytest.raises(InputError, match="More|more normal time"):
        count(late, change)
