"""The walk: its transitions, and where it ends up."""

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from aiops.errors import CaseError
from aiops.rca.random_walk import RandomWalk, _stationary
from tests.rca.made import case_of

RNG = np.random.default_rng(3)
CALLS = [("front", "mid"), ("mid", "deep"), ("mid", "idle")]


def noisy(rise: float) -> list[float]:
    return list(RNG.normal(0, 1, 60) + rise * (np.arange(60) >= 40))


def test_it_ends_where_similarity_does():
    series = {"front": noisy(20), "mid": noisy(20), "deep": noisy(20), "idle": noisy(0)}
    case = case_of(series, 40, CALLS, symptom={"service": "front", "metric": "latency"})
    got = RandomWalk().rank(case)
    assert got.index[0] == "deep"
    assert got.sum() == pytest.approx(1)
    assert got["idle"] < got["mid"]


def test_moves_are_ahead_back_and_stay():
    graph = nx.DiGraph(CALLS)
    nodes = ["deep", "front", "idle", "mid"]
    similar = pd.Series({"deep": 0.9, "front": 1.0, "idle": 0.1, "mid": 0.8})
    got = pd.DataFrame(RandomWalk(back=0.5)._moves(graph, nodes, similar, "front"), nodes, nodes)
    assert got.loc["mid"].to_dict() == pytest.approx(
        {"deep": 0.9, "idle": 0.1, "front": 0.5, "mid": 0.0})
    assert got.loc["deep"].to_dict() == pytest.approx(
        {"mid": 0.4, "deep": 0.9, "idle": 0.0, "front": 0.0})
    assert got.loc["front"].to_dict() == pytest.approx(
        {"mid": 0.8, "front": 0.0, "deep": 0.0, "idle": 0.0})


def test_the_shares_are_those_of_a_long_walk():
    moves = np.array([[0.0, 2.0, 1.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    prefer = pd.Series([0.5, 0.3, 0.2])
    p = np.array([[0, 2 / 3, 1 / 3], [1, 0, 0], [0.5, 0.3, 0.2]])
    share = np.full(3, 1 / 3)
    for _ in range(500):
        share = 0.15 * prefer.to_numpy() + 0.85 * share @ p
    assert _stationary(moves, prefer, 0.15).tolist() == pytest.approx(share.tolist())


def test_nothing_alike_is_nobody_to_blame():
    series = {"front": noisy(5), "mid": [1.0] * 60}
    case = case_of(series, 40, [("front", "mid")], symptom={"service": "front",
                                                            "metric": "latency"})
    assert not RandomWalk().rank(case).any()


def test_it_needs_calls():
    case = case_of({"front": noisy(5), "mid": noisy(5)}, 40,
                   symptom={"service": "front", "metric": "latency"})
    with pytest.raises(CaseError, match="needs a topology or traces"):
        RandomWalk().rank(case)
