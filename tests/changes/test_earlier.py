"""A before and after at earlier moments: how far chance and drift move it."""

import pandas as pd
import pytest

from aiops.case import Case
from aiops.changes import impacts
from tests.changes.made import CHANGE, START, made


def the(case: Case):
    (found,) = impacts(case, draws=1)
    return found


def test_a_change_at_once_moves_it_beyond_all_earlier_moments():
    found = the(made(n=1_200, ms=15.0, at_once=True))
    mean, typical, _ = found.shifts
    assert mean.p == typical.p == pytest.approx(1 / 21)
    assert mean.low < 0 < mean.high < 15 < mean.value + 5
    assert typical.cuts == 20
    assert 26 <= typical.side <= 30
    assert "earlier moments" in str(found)
    assert found.verdict == "not identifiable"


def test_where_nothing_changed_it_lies_among_them():
    p = [the(made(n=900, at_once=True, seed=seed)).shifts[1].p for seed in range(20)]
    assert sum(each <= 0.1 for each in p) <= 4
    assert 0.3 < sum(p) / len(p) < 0.8


def test_few_requests_make_few_moments():
    typical = the(made(n=200, ms=15.0, at_once=True)).shifts[1]
    assert 2 <= typical.cuts <= 5
    assert typical.p >= 1 / 6


def test_a_drift_before_the_change_shows_as_what_it_is():
    case = made(n=1_200, at_once=True)
    since = (case.traces["start"] - START).dt.total_seconds()
    slower = (since * 0.3e6).astype("int64") * (case.traces["service"] != "cart")
    found = the(Case(normal=case.normal, abnormal=case.abnormal,
                     traces=case.traces.assign(duration_ns=case.traces["duration_ns"] + slower)))
    mean = found.shifts[0]
    assert found.effects[0].low > 10  # the plain before and after, which takes drift for effect
    assert mean.p > 0.05


def test_a_canary_has_one_as_well():
    found = the(made(n=1_200, ms=15.0))
    assert found.verdict == "harmful"
    assert found.shifts[1].p == pytest.approx(1 / 21)


def test_seconds_that_a_case_leaves_out_are_no_matter():
    case = made(n=1_200, ms=15.0)
    gap = case.traces["start"].between(CHANGE - pd.Timedelta("9s"), CHANGE - pd.Timedelta("0.2s"))
    found = the(Case(normal=case.normal, abnormal=case.abnormal, traces=case.traces[~gap]))
    assert found.shifts[1].p == pytest.approx(1 / 21)


def test_without_time_before_there_is_none():
    case = made(n=600, ms=15.0, at_once=True)
    late = case.traces[case.traces["start"] >= CHANGE - pd.Timedelta("3s")]
    found = the(Case(normal=case.normal, abnormal=case.abnormal, traces=late))
    assert found.shifts == []
