"""Whose child a span is, what no child covers, who calls whom."""

import time

import numpy as np
import pandas as pd
import pytest

from aiops.evidence import call_tree


def spans(*ids: tuple[str, str, str | None]) -> pd.DataFrame:
    return pd.DataFrame(list(ids), columns=["trace_id", "span_id", "parent_span_id"])


def test_a_parent_is_of_the_same_trace():
    seen = spans(("t", "2", "1"), ("t", "1", None), ("u", "1", None), ("u", "2", "1"),
                 ("u", "3", "gone"), ("v", "4", "2"))
    assert call_tree.parents(seen).tolist() == [1, -1, -1, 2, -1, -1]


def test_of_spans_that_share_their_id_the_first_is_the_parent():
    seen = spans(("u", "1", None), ("t", "2", "1"), ("t", "1", None), ("t", "1", None))
    assert call_tree.parents(seen).tolist() == [-1, 2, -1, -1]


@pytest.mark.parametrize("kind", ["object", "str"])
def test_a_table_may_hold_roots_alone_or_nothing(kind):
    roots = spans(("t", "1", None), ("t", "2", None)).astype(kind)
    assert call_tree.parents(roots).tolist() == [-1, -1]
    assert call_tree.parents(roots[:0]).tolist() == []


def test_positions_do_not_depend_on_the_index():
    seen = spans(("t", "2", "1"), ("t", "1", None)).set_axis([7, 7])
    assert call_tree.parents(seen).tolist() == [1, -1]


def slow_parents(seen: pd.DataFrame) -> list[int]:
    keys = list(zip(seen["trace_id"], seen["span_id"], strict=True))
    asked = zip(seen["trace_id"], seen["parent_span_id"], strict=True)
    return [keys.index(key) if key in keys else -1 for key in asked]


@pytest.mark.parametrize("seed", range(20))
def test_parents_are_those_found_one_by_one(seed):
    rng = np.random.default_rng(seed)
    seen = pd.DataFrame(rng.integers(0, [4, 9, 12], (40, 3)).astype(str),
                        columns=["trace_id", "span_id", "parent_span_id"])
    assert call_tree.parents(seen).tolist() == slow_parents(seen)


def test_many_spans_take_little_time():
    n = 200_000
    number = np.arange(n)
    ids = pd.Series(number % (n // 2)).map("{:016x}".format)  # each is in two traces
    seen = pd.DataFrame({"trace_id": pd.Series(number // 20).map("{:032x}".format),
                         "span_id": ids, "parent_span_id": ids.shift().mask(number % 20 == 0)})
    begun = time.process_time()
    got = call_tree.parents(seen)
    assert time.process_time() - begun < 1.0  # some .1 s; a loop in Python takes longer
    assert got.tolist() == np.where(number % 20 == 0, -1, number - 1).tolist()


def test_a_span_crosses_where_its_parent_is_of_another_service():
    service = np.array(["a", "a", "b", "b"], dtype=object)
    assert call_tree.crossing(np.array([-1, 0, 1, 2]), service).tolist() == [2]


def test_what_children_cover_is_counted_once_and_within_their_parent():
    start = np.array([100, 90, 110, 112, 125, 160, 95, 170, 0])
    duration = np.array([80, 30, 20, 5, 10, 100, 5, 10, 2**62])  # their sum does not fit
    covered = call_tree.covered(np.array([-1, 0, 0, 0, 0, 0, 1, 5, -1]), start, duration)
    assert covered.tolist() == [55, 5, 0, 0, 0, 10, 0, 0, 0]  # of the first 100..135 and 160..180


def pairs(edges: pd.DataFrame) -> list[tuple[str, str]]:
    return list(edges.itertuples(index=False, name=None))


def test_edges_are_who_answered_else_whom_a_span_names():
    seen = spans(("t", "1", None), ("t", "2", "1"), ("t", "3", "2"), ("t", "4", "3"),
                 ("t", "5", "3"), ("u", "9", "2")).assign(service=list("aabbbc"))
    assert pairs(call_tree.edges(seen)) == [("a", "b")]
    named = seen.assign(peer_service=[None, "alias", None, "db", "db", None])
    assert pairs(call_tree.edges(named)) == [("a", "b"), ("b", "db")]


def test_without_calls_there_are_no_edges():
    assert call_tree.edges(spans(("t", "1", None)).assign(service="a")).empty
