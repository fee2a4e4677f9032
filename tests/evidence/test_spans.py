"""Whom a request's time and calls are charged to."""

import pandas as pd
import pytest

from aiops.errors import SchemaError
from aiops.evidence import spans
from tests.traces import make_traces


@pytest.fixture
def calm() -> pd.DataFrame:
    return make_traces()


def test_time_is_charged_to_who_spends_it(calm):
    spent = spans.time_by_service(spans.prepare(calm))
    # frontend 22 - 12 covered by its call; the wire's 2 and payment's 10 - 4; the query's 4
    assert spent.to_dict() == pytest.approx({"frontend": 10.0, "paymentservice": 8.0, "db": 4.0})
    assert spent.sum() == pytest.approx(22.0)  # nothing lost, nothing counted twice


def test_network_time_is_charged_to_the_callee(calm):
    slow = make_traces(wire_ms=500.0, at_s=100.0)
    added = (spans.time_by_service(spans.prepare(slow))
             - spans.time_by_service(spans.prepare(calm)))
    assert added["paymentservice"] == pytest.approx(498.0)
    assert added["frontend"] == pytest.approx(0.0)


def test_children_at_the_same_time_are_counted_once():
    start = pd.Timestamp("2026-11-25T06:00:00Z")
    rows = [("t", "a", None, "x", "in", start, 100), ("t", "b", "a", "x", "k", start, 60),
            ("t", "c", "a", "x", "k", start, 40), ("t", "d", "a", "x", "k", start, 150)]
    frame = pd.DataFrame(rows, columns=["trace_id", "span_id", "parent_span_id", "service",
                                        "operation", "start", "duration_ns"])
    own = spans.charged(spans.prepare(frame)).set_index("span_id").own_ms
    assert own["a"] == 0.0  # 0..100 is covered, though the children sum up to 250


def test_calls_count_each_call_once(calm):
    calls = spans.calls(spans.prepare(calm)).set_index(["caller", "callee"])
    assert calls.calls.to_dict() == {("frontend", "paymentservice"): 40,
                                     ("paymentservice", "db"): 40}
    assert calls.p50_ms["frontend", "paymentservice"] == pytest.approx(12.0)


def test_a_repeated_span_counts_once_and_keeps_its_own_kind(calm):
    doubled = pd.concat([calm.iloc[:2], calm])
    pd.testing.assert_frame_equal(spans.prepare(doubled), spans.prepare(calm))


def test_missing_columns_are_named(calm):
    with pytest.raises(SchemaError, match="missing: operation"):
        spans.prepare(calm.drop(columns="operation"))


def test_an_error_begins_where_no_child_failed(calm):
    handed_on = calm.span_id.isin(["r", "c", "s"]) & calm.trace_id.isin(["t0-0", "t0-1"])
    failed = calm.assign(status_code=handed_on.map({True: "error", False: "ok"}))
    assert spans.failures(spans.prepare(failed)).to_dict() == {"paymentservice": 2 / 40}
