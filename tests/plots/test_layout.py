import networkx as nx
import numpy as np
import pytest

from aiops.plots.layout import isotonic, layered


def test_callers_stand_left_of_callees_and_boxes_keep_apart():
    graph = nx.DiGraph([("a", "b"), ("a", "c"), ("b", "d"), ("a", "d"), ("c", "e")])
    plan = layered(graph)
    for a, b in graph.edges:
        assert plan.position[a][0] < plan.position[b][0]
    assert len(plan.bends["a", "d"]) == 1  # it skips a layer
    for x in range(3):
        ys = sorted(plan.position[n][1] for n in graph if plan.position[n][0] == x)
        assert all(d >= 1 - 1e-9 for d in np.diff(ys))


def test_cycles_and_self_calls_are_laid_out():
    plan = layered(nx.DiGraph([("a", "b"), ("b", "a"), ("b", "b"), ("b", "c")]))
    assert {"a", "b", "c"} <= set(plan.position)
    assert ("a", "b") in plan.bends
    assert ("b", "a") in plan.bends


def test_order_of_edges_means_nothing():
    edges = [("a", "b"), ("a", "c"), ("c", "d"), ("b", "d")]
    assert layered(nx.DiGraph(edges)) == layered(nx.DiGraph(edges[::-1]))


@pytest.mark.parametrize(("given", "expected"), [
    ([3, 1, 2], [2, 2, 2]), ([1, 2, 3], [1, 2, 3]), ([1, 3, 2, 4], [1, 2.5, 2.5, 4])])
def test_isotonic(given, expected):
    assert isotonic(given).tolist() == expected
