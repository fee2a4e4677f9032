"""Spans as arrays: parents, own time, who was called, and where a failure began."""

import numpy as np
import pandas as pd
import pytest

from aiops.case import Case
from aiops.rca import spans as spans_module
from aiops.rca.places import BETWEEN, OWN, SILENT
from aiops.rca.spans import Spans
from aiops.windows import inside
from tests.rca.made import at
from tests.rca.made_requests import MS, Row, call, one_trace, span


def spans_of(*rows: Row) -> Spans:
    return Spans(one_trace(*rows))


# --- parents ------------------------------------------------------------------------------
def test_a_parent_is_looked_up_within_the_trace():
    got = spans_of(span("2", "1", "b", 1, 5), span("1", None, "a", 1, 9),
                   span("1", None, "c", 2, 9, trace_id="u"),
                   span("2", "1", "d", 2, 5, trace_id="u"), span("3", "gone", "d", 2, 5))
    assert got.parent.tolist() == [1, -1, -1, 2, -1]


def test_a_table_without_any_parent_has_roots_alone():
    assert spans_of(span("1", None, "a", 1, 9), span("2", None, "a", 1, 9)).parent.tolist() == [
        -1, -1]


# --- own time -----------------------------------------------------------------------------
def slow_own(rows: list[Row]) -> list[int]:
    """Nanoseconds of each span in which no child runs, counted one by one."""
    made = []
    for row in rows:
        begin = row["start"].value
        free = set(range(begin, begin + row["duration_ns"]))
        for child in rows:
            if child["parent_span_id"] == row["span_id"]:
                start = child["start"].value
                free -= set(range(start, start + child["duration_ns"]))
        made.append(len(free))
    return made


def random_tree(rng: np.random.Generator) -> list[Row]:
    """Twelve spans of up to 40 ns; children may overlap, start early, end late, last nothing."""
    rows = [span("0", None, "a", 1, 40e-6)]
    for n in range(1, 12):
        begin = pd.Timedelta(int(rng.integers(-5, 45)), unit="ns")
        rows.append(span(str(n), str(rng.integers(0, n)), "a", 1, 0) | {
            "start": at(1) + begin, "duration_ns": int(rng.integers(0, 41))})
    return [rows[i] for i in rng.permutation(len(rows))]


@pytest.mark.parametrize("seed", range(40))
def test_own_time_is_what_no_child_covers(seed):
    rows = random_tree(np.random.default_rng(seed))
    assert spans_of(*rows).own.tolist() == slow_own(rows)


def test_children_that_overlap_are_taken_off_once():
    got = spans_of(span("1", None, "a", 1, 100), span("2", "1", "a", 1.01, 40),
                   span("3", "1", "a", 1.03, 40), span("4", "1", "a", 1.02, 10))
    assert (got.own / MS).tolist() == [40, 40, 40, 10]


# --- who was called -----------------------------------------------------------------------
def test_the_callee_is_who_answered_else_whom_the_span_names():
    got = spans_of(span("1", None, "a", 1, 90), call("2", "1", "a", "alias", 1, 50),
                   span("3", "2", "b", 1, 40), call("4", "1", "a", "db", 1, 5),
                   call("5", "1", "a", None, 1, 5))
    assert got.callee.tolist() == [None, "b", None, "db", None]
    assert got.answer.tolist() == [-1, 2, -1, -1, -1]
    assert got.client.tolist() == [False, True, False, True, True]
    assert got.speaks.tolist() == [False, True, False, False, False]


def test_without_kinds_a_span_whose_one_child_is_of_another_service_calls():
    rows = [span("1", None, "a", 1, 90), span("2", "1", "a", 1, 50), span("3", "2", "b", 1, 40),
            span("4", "1", "c", 1, 5)]
    table = pd.DataFrame(rows).drop(columns=["kind", "peer_service", "status_code"])
    got = Spans(Case(normal=((at(0), at(40)),), abnormal=(at(40), at(60)), traces=table))
    assert got.client.tolist() == [False, True, False, False]  # 1 has two children
    assert got.callee.tolist() == [None, "b", None, None]
    assert not got.error.any()


# --- failures -----------------------------------------------------------------------------
def test_a_call_that_nobody_answers_is_lost_where_the_callee_sends_spans():
    got = spans_of(span("1", None, "a", 1, 90), call("2", "1", "a", "b", 1, 50),
                   call("3", "1", "a", "db", 1, 50), span("9", None, "b", 1, 40))
    assert got.failed.tolist() == [False, True, False, False]
    assert (got.kind[1], got.place[1]) == (BETWEEN, "a->b")


def test_a_failure_began_at_the_last_span_in_error_on_the_way_down():
    bad = {"status_code": "error"}
    got = spans_of(span("1", None, "a", 1, 90, **bad), call("2", "1", "a", "b", 1, 50, **bad),
                   span("3", "2", "b", 1, 40, **bad), call("4", "3", "b", "db", 1, 5, **bad),
                   span("5", "3", "b", 1, 2), span("6", None, "c", 1, 5, **bad))
    assert got.origin.tolist() == [3, 3, 3, 3, 4, 5]
    assert (got.kind[3], got.place[3]) == (SILENT, "b->db")
    assert (got.kind[5], got.place[5]) == (OWN, "c")


def test_an_error_of_a_child_that_its_parent_survived_is_its_own():
    got = spans_of(span("1", None, "a", 1, 90), span("2", "1", "a", 1, 50, status_code="error"),
                   span("3", "2", "b", 1, 9))
    assert got.origin[1] == 1
    assert not got.failed[0]


def test_a_call_in_error_that_was_answered_well_speaks_against_the_callee():
    got = spans_of(call("1", None, "a", "b", 1, 50, status_code="error"),
                   span("2", "1", "b", 1, 60))
    assert (got.origin[0], got.kind[0], got.place[0]) == (0, OWN, "b")


# --- which spans --------------------------------------------------------------------------
def test_a_span_belongs_where_its_trace_begins():
    late = one_trace(span("2", "1", "b", 41, 5), span("1", None, "a", 39, 9000),
                     span("1", None, "a", 40, 9, trace_id="u"))
    got = Spans(late)
    assert inside(got.begun, late.normal).tolist() == [True, True, False]
    assert inside(got.begun, [late.abnormal]).tolist() == [False, False, True]
    assert not inside(got.begun, [(at(0), at(39))]).any()


def many(prefix: str = "t") -> Case:
    """A thousand normal traces of three spans, and forty of the incident."""
    rows = [span(str(k), None if not k else "0", "a", 39 if n < 1000 else 41, 5,
                 trace_id=f"{prefix}{n}") for n in range(1040) for k in range(3)]
    return one_trace(*rows)


def test_of_many_normal_spans_whole_traces_are_left_out_by_their_id(monkeypatch):
    monkeypatch.setattr(spans_module, "NORMAL_SPANS", 900)
    case = many()
    got = Spans(case)
    of_trace = got.trace_ids.value_counts()
    assert set(of_trace) == {3}
    assert inside(got.begun, [case.abnormal]).sum() == 120  # all of them
    assert 200 < inside(got.begun, case.normal).sum() / 3 < 400
    again = Case(normal=case.normal, abnormal=case.abnormal,
                 traces=case.traces.sample(frac=1, random_state=0))
    assert set(Spans(again).trace_ids) == set(of_trace.index)
    assert set(Spans(many("u")).trace_ids.str[1:]) != set(of_trace.index.str[1:])


def test_few_normal_spans_are_all_kept():
    assert len(Spans(many())) == 3120


def test_the_order_of_rows_does_not_tell_where_a_failure_began():
    bad = {"status_code": "error"}
    rows = [call("1", None, "a", "b", 1, 90, **bad), span("2", "1", "b", 1.01, 40, **bad),
            span("3", "1", "c", 1.05, 30, **bad)]
    for order in ([0, 1, 2], [0, 2, 1], [2, 1, 0]):
        got = spans_of(*(rows[n] for n in order))
        first, answer = got.origin[order.index(0)], got.answer[order.index(0)]
        assert got.ids[first] == "2"  # of several failed children the first
        assert got.ids[answer] == "3"  # of several answers the last: a retry's


def test_spans_that_are_one_anothers_ancestors_come_to_an_end():
    bad = {"status_code": "error"}
    got = spans_of(span("1", "3", "a", 1, 9, **bad), span("2", "1", "a", 1, 9, **bad),
                   span("3", "2", "a", 1, 9, **bad), span("4", "4", "b", 1, 9, **bad))
    assert set(got.origin[:3]) <= {0, 1, 2}
    assert got.origin[3] == 3
