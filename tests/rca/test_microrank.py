"""MicroRank: who is slow, what counts, and the spectrum, by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from aiops.case import Case
from aiops.checks.incident import made_case
from aiops.errors import CaseError
from aiops.rca.microrank import MicroRank, _operations, _spectrum, _usual, _Weighed, _weighed
from aiops.rca.request_pagerank import pagerank, preference
from tests.rca.made import at, case_of


def request(trace: str, second: float, calls: dict[str, float], own: float = 10.0) -> pd.DataFrame:
    """front (``own`` ms) calls each service, which takes so many ms."""
    rows = [("0", None, "front", own + sum(calls.values()))] + [
        (str(n), "0", service, ms) for n, (service, ms) in enumerate(calls.items(), start=1)]
    made = pd.DataFrame(rows, columns=["span_id", "parent_span_id", "service", "ms"])
    return made.assign(trace_id=trace, operation="op", start=at(second),
                       duration_ns=(made["ms"] * 1e6).astype("int64")).drop(columns="ms")


def case(slow: str) -> Case:
    normal = [request(f"n{i}", i, {"cart": 20.0 + i % 2, "ship": 30.0}) for i in range(20)]
    late = [request(f"a{i}", 20 + i, {name: 20.0 + 200 * (name == slow)})
            for i, name in enumerate(["cart", "ship"] * 10)]
    return Case(normal=((at(0), at(20)),), abnormal=(at(20), at(40)),
                traces=pd.concat([*normal, *late]))


@pytest.mark.parametrize("slow", ["cart", "ship"])
def test_who_is_in_slow_requests_alone_is_blamed(slow):
    got = MicroRank().rank(case(slow))
    assert got.index[0] == slow
    assert got.iloc[0] == pytest.approx(1, abs=1e-6)


def test_self_time_is_less_the_children_and_the_request_is_as_long_as_its_root():
    made = _operations(request("t", 0, {"cart": 20.0, "ship": 30.0}))
    assert made["ms"].tolist() == [10.0, 20.0, 30.0]
    assert made["whole_ms"].tolist() == [60.0] * 3


def test_slow_is_longer_than_its_operations_take_by_the_slack():
    usual = _usual(_operations(pd.concat([request(f"t{i}", i, {"cart": 20.0 + 10 * (i % 2)})
                                          for i in range(4)])))  # cart 25 + 5, front 10
    spans = _operations(pd.concat([request("in", 0, {"cart": 79.0}),
                                   request("out", 0, {"cart": 81.0})]))
    assert MicroRank()._slow(spans, usual).to_dict() == {"in": False, "out": True}


def test_rare_kinds_of_requests_count_more():
    inside = sparse.csr_matrix(np.array([[1, 1, 1], [1, 1, 0]]))
    assert preference(inside, np.array([2, 2, 1]), False).tolist() == [0.25, 0.25, 0.5]
    short = preference(inside, np.array([2, 2, 1]), True)
    assert short.tolist() == pytest.approx([0.5 / (2 * 0.5 / 2 + 0.5) / 2] * 2 + [
        0.5 / (1 * 0.5 / 2 + 1) / 2])


def test_an_operation_in_more_requests_weighs_more():
    inside = sparse.csr_matrix(np.array([[1, 1, 1], [1, 0, 0]]))
    calls = sparse.csr_matrix(np.array([[0, 0], [1, 0]]))
    weight = pagerank(calls, inside, np.full(3, 1 / 3))
    assert weight[0] == 1
    assert 0 < weight[1] < 1


def test_the_spectrum_is_ochiais():
    index = pd.MultiIndex.from_tuples([("a", "op"), ("b", "op")])
    slow = _Weighed(pd.Series([1.0, 0.5], index), pd.Series([4.0, 1.0], index), 4)
    other = _Weighed(pd.Series([1.0], index[:1]), pd.Series([12.0], index[:1]), 12)
    got = _spectrum(slow, other)
    assert got["a", "op"] == pytest.approx(4 / np.sqrt((4 + 12) * 4))
    assert got["b", "op"] == pytest.approx(0.5 / np.sqrt(0.5 * (0.5 + 1.5)), rel=1e-4)


def test_nobody_is_blamed_without_slow_requests():
    assert not MicroRank().rank(case("nobody")).any()
    assert not MicroRank(slack_ms=1e6).rank(made_case()).any()
    assert _weighed(_operations(request("t", 0, {"cart": 1.0}).iloc[:0])).n == 0


def test_it_needs_traces():
    with pytest.raises(CaseError, match="MicroRank needs traces"):
        MicroRank().rank(case_of({"a": [1.0, 2.0]}, 1))
