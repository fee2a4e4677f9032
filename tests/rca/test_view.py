"""A Case under a choice of windows: calm windows, and which span a log record was written in."""

import numpy as np
import pandas as pd
import pytest

from aiops.case import Case, Window
from aiops.rca.view import Arrays, View
from tests.rca.made import at, case_of
from tests.rca.made_requests import call, one_trace, span


def seconds(window: Window) -> tuple[float, float]:
    return tuple((each - at(0)).total_seconds() for each in window)


def rows(times: list[float], normal: list[tuple[float, float]],
         abnormal: tuple[float, float]) -> View:
    """A metric with a value at each of these seconds."""
    metrics = pd.DataFrame({"time": [at(each) for each in times], "service": "a", "name": "cpu",
                            "value": 1.0})
    return View.of(Case(normal=tuple((at(a), at(b)) for a, b in normal),
                        abnormal=(at(abnormal[0]), at(abnormal[1])), metrics=metrics))


LAYOUTS = {
    "one window": (range(100), [(0, 80)], (80, 100)),
    "a long incident": (range(100), [(0, 30)], (30, 100)),
    "before and after": (range(110), [(0, 40), (70, 110)], (40, 70)),
    "windows that touch": (range(100), [(0, 20), (40, 80), (20, 40)], (80, 100)),
    "many with gaps": (range(200), [(0, 12), (30, 50), (60, 90), (120, 150)], (160, 200)),
    "rows at the end alone": (range(74, 100), [(0, 80)], (80, 100)),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_calm_windows_lie_in_normal_time_and_leave_the_rest(layout):
    times, normal, abnormal = LAYOUTS[layout]
    view = rows(list(times), normal, abnormal)
    matrix, made = view.arrays.matrix, list(view.calm("matrix"))
    was, _ = view.sides(matrix)
    assert made
    for each in made:
        rest, window = each.sides(matrix)
        assert window.any()
        assert not (rest & window).any()
        assert ((rest | window) == was).all()  # no row is lost, none of other time comes in
        assert all(a >= b or c >= d for part in each.normal for a, b, c, d in [
            (part[0], each.abnormal[1], each.abnormal[0], part[1])])
        assert each.arrays is view.arrays


def test_calm_windows_are_as_long_as_the_incident_but_at_most_a_third_of_normal_time():
    for abnormal, wanted in ((20, 20), (70, 80 / 3)):
        view = rows(list(range(80 + abnormal)), [(0, 80)], (80, 80 + abnormal))
        lengths = [b - a for a, b in (seconds(each.abnormal) for each in view.calm("matrix"))]
        assert lengths == pytest.approx([wanted] * 4)


def test_calm_windows_are_strewn_over_the_rows():
    view = rows(list(range(100)), [(0, 80)], (80, 100))
    assert [seconds(each.abnormal)[0] for each in view.calm("matrix")] == pytest.approx(
        [0.5, 12.5, 27.5, 39.5])  # the last one ends 20 s before the incident: it may be late
    late = rows([*range(60, 80), 90], [(0, 80)], (80, 100))
    assert min(seconds(each.abnormal)[0] for each in late.calm("matrix")) >= 50
    assert len(list(view.calm("matrix", 2))) == 2


def test_without_rows_in_normal_time_there_is_no_calm_window():
    assert not list(rows([90, 91], [(0, 80)], (80, 100)).calm("matrix"))


# --- arrays -------------------------------------------------------------------------------
def test_arrays_are_made_once_whichever_windows_count():
    made: list[Arrays] = []
    view = rows(list(range(100)), [(0, 80)], (80, 100))
    views = [view, *view.calm("matrix")]

    def make(arrays: Arrays) -> int:
        made.append(arrays)
        return len(made)

    assert [each.arrays.once(make) for each in views] == [1] * 5
    assert len({id(each.arrays.matrix) for each in views}) == 1


def test_what_a_case_lacks_is_none():
    arrays = Arrays(case_of({"a": [1.0, 2.0]}, 1))
    assert arrays.spans is arrays.logs is None
    empty = one_trace(span("1", None, "a", 1, 5))
    assert Arrays(Case(normal=empty.normal, abnormal=empty.abnormal, traces=empty.traces[:0],
                       suspects=("a",))).spans is None


def test_edges_are_the_topology_else_what_spans_show():
    spans = [call("1", None, "a", "b", 1, 5), call("2", None, "a", "b", 2, 5),
             call("3", None, "b", "db", 2, 5), span("4", None, "b", 2, 5)]
    assert Arrays(one_trace(*spans)).edges.to_numpy().tolist() == [["a", "b"], ["b", "db"]]
    told = pd.DataFrame({"caller": ["x"], "callee": ["y"]})
    assert Arrays(one_trace(*spans, topology=told)).edges.to_numpy().tolist() == [["x", "y"]]
    assert Arrays(case_of({"a": [1.0, 2.0]}, 1)).edges.empty


# --- logs ---------------------------------------------------------------------------------
SPANS = [span("1", None, "a", 1.0, 900), span("2", "1", "b", 1.1, 100),
         span("3", "1", "b", 1.5, 100), span("1", None, "a", 2.0, 900, trace_id="u"),
         span("2", "1", "b", 2.1, 100, trace_id="u")]


def tied(records: list[tuple[float, str, str | None, str | None]], ids: bool = True) -> list[int]:
    """Rows of SPANS that records (second, service, trace, span) were written in."""
    logs = pd.DataFrame([{"time": at(second), "service": service, "severity_number": 9,
                          "body": "x", "trace_id": trace, "span_id": name}
                         for second, service, trace, name in records])
    logs = logs if ids else logs.drop(columns="span_id")
    return Arrays(one_trace(*SPANS, logs=logs)).logs.row.tolist()


def test_a_record_is_tied_to_the_span_that_it_tells():
    assert tied([(1.9, "b", "t", "2"), (1.05, "a", "t", "3")]) == [1, 2]


def test_a_span_id_is_looked_up_within_the_trace_that_is_told():
    assert tied([(2.2, "b", "u", "2"), (2.2, "a", "u", "1"), (1.2, "b", "t", "2")]) == [4, 3, 1]


def test_a_record_without_a_trace_is_tied_by_its_span_alone():
    assert tied([(1.6, "b", None, "3"), (1.6, "b", None, None)]) == [2, -1]


@pytest.mark.parametrize("ids", [True, False])
def test_a_record_that_tells_its_trace_counts_to_the_last_span_begun_by_then(ids):
    records = [(1.05, "a", "t", None), (1.2, "b", "t", None), (1.7, "b", "t", None),
               (1.05, "b", "t", None), (1.7, "c", "t", None), (1.7, "b", "gone", None),
               (2.2, "b", "u", None), (1.2, "b", None, None)]
    assert tied(records, ids) == [0, 1, 2, -1, -1, -1, 4, -1]


def test_a_span_that_is_not_there_leaves_the_trace_to_tell():
    assert tied([(1.2, "b", "t", "99")]) == [1]


def test_templates_are_mined_unless_told():
    logs = pd.DataFrame({"time": at(1), "service": "a", "severity_number": 9,
                         "body": ["took 5 ms", "took 7 ms", "gone"]})
    case = one_trace(*SPANS, logs=logs)
    mined = Arrays(case).logs
    assert mined.template.tolist() == [1, 1, 0]
    told = Arrays(one_trace(*SPANS, logs=logs.assign(template=["x", "y", "x"]))).logs
    assert np.asarray(told.templates)[told.template].tolist() == ["x", "y", "x"]
    assert mined.row.tolist() == [-1, -1, -1]


def test_a_span_that_two_services_answer_calls_both():
    spans = pd.DataFrame({
        "trace_id": "t", "span_id": ["a", "b", "c"], "parent_span_id": [None, "a", "a"],
        "service": ["front", "cart", "stock"], "operation": "op",
        "start": pd.Timestamp("2026-01-01", tz="UTC"), "duration_ns": [9, 3, 3]})
    case = Case(normal=[("2025-12-31T00:00:00Z", "2025-12-31T01:00:00Z")],
                abnormal=("2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z"), traces=spans)
    edges = View.of(case).arrays.edges
    assert set(zip(edges.caller, edges.callee, strict=True)) == {
        ("front", "cart"), ("front", "stock")}
