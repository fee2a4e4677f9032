"""CIRCA: residuals, their adjustment, and what its published scaler does."""

from dataclasses import replace

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import StandardScaler

from aiops.rca.circa import Circa, _parents, _z
from tests.rca.made import case_of

RNG = np.random.default_rng(5)
DEEP = RNG.normal(5, 1, 60) + 20 * (np.arange(60) >= 50)
FRONT = 2 * DEEP + RNG.normal(1, 1, 60)


def test_a_caller_explained_by_its_callee_is_not_blamed():
    case = case_of({"front": list(FRONT), "deep": list(DEEP)}, 50, [("front", "deep")])
    got = Circa().rank(case)
    assert got.index.tolist() == ["deep", "front"]
    alone = case_of({"front": list(FRONT), "deep": list(DEEP)}, 50, [("front", "front")])
    assert Circa().rank(alone)["front"] > 10


def test_scores_are_those_of_scikit_learn():
    x, y = np.c_[DEEP, RNG.normal(0, 1e6, 60)], FRONT
    fitted = LinearRegression().fit(x[:50], y[:50])
    scaler = StandardScaler().fit((y - fitted.predict(x))[:50, None])
    wanted = np.abs(scaler.transform((y - fitted.predict(x))[50:, None])).max()
    both = np.c_[y, x]
    assert _z(both[:50], both[50:]) == pytest.approx(wanted)


def test_a_constant_column_keeps_the_scale_1_as_published():
    normal, abnormal = np.full((20, 1), 100.0), np.array([[97.0], [99.0]])
    assert _z(normal, abnormal) == pytest.approx(3.0)


def test_a_high_score_gains_its_largest_effect_through_low_ones():
    graph = nx.DiGraph([("front", "mid"), ("mid", "deep"), ("other", "deep")])
    score = pd.Series({"front": 9.0, "mid": 1.0, "deep": 5.0, "other": 4.0})
    got = Circa()._adjusted(score, graph)
    assert got.to_dict() == {"front": 9.0, "mid": 1.0, "deep": 14.0, "other": 4.0}
    stopped = Circa()._adjusted(score.replace(1.0, 3.5), graph)
    assert stopped["deep"] == 5 + 4


def test_services_without_the_metric_are_bridged():
    graph = nx.DiGraph([("front", "queue"), ("queue", "worker"), ("front", "cart")])
    assert _parents(graph, "front", {"front", "worker", "cart"}) == ["cart", "worker"]


def test_a_circle_of_calls_is_no_trouble():
    case = case_of({"a": list(FRONT), "b": list(DEEP)}, 50, [("a", "b"), ("b", "a")])
    assert len(Circa().rank(case)) == 2


def test_a_stated_symptom_looks_at_its_metric_alone():
    case = case_of({"front": list(FRONT), "deep": list(DEEP)}, 50, [("front", "deep")],
                   symptom={"service": "front", "metric": "latency"})
    loud = case.metrics.assign(name="cpu", service="front", value=range(len(case.metrics)))
    assert Circa().rank(replace(case, metrics=pd.concat([case.metrics, loud]))).to_dict() == \
        pytest.approx(Circa().rank(case).to_dict())
