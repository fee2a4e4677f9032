"""Training on made systems: kept, judged beside the default, on systems that were kept apart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from aiops import rca
from aiops.graph_learning import corpus
from aiops.graph_learning.training import Example
from aiops.simulation import incidents
from aiops.workflows import graph_training as graph

SYSTEMS = 10


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("graph-ranker")


@pytest.fixture(scope="module")
def made(folder: Path) -> list[Example]:
    """Made one after the other: ten systems are no work for processes of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(graph.parallel, "each", lambda work, items, label: map(work, items))
        return graph.made(folder, SYSTEMS, 1)


def test_made_incidents_are_kept_and_made_once(folder: Path, made: list[Example],
                                               monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph.parallel, "each", lambda *a: pytest.fail("made again"))
    again = graph.made(folder, SYSTEMS, 1)
    assert [each.system for each in again] == [each.system for each in made]
    assert all(corpus.shows(each) or not each.culprits for each in made)


def test_judged_gives_the_default_the_same_cases(made: list[Example]) -> None:
    trained = graph.train(made, networks=1, epochs=1)
    figures = graph.judged(trained.networks, made, "made")
    n = {(each.model, each.metric): each.n for each in figures if each.slice == "all"}
    guilty = sum(bool(each.culprits) for each in made)
    assert n[graph.NAME, "ac@1"] == n[rca.DEFAULT, "ac@1"] == guilty
    table = graph.shown(figures)
    assert list(table["ranker"]) == [graph.NAME, rca.DEFAULT]


def test_the_default_is_judged_by_its_own_blame() -> None:
    """Beside the network stands what `aiops` ranks by without being asked."""
    one, case = corpus.made(1, 1)[0], next(iter(incidents(1, 1))).case
    blame = rca.rank(case).reindex(list(case.suspects))
    np.testing.assert_allclose(one.graph.total, blame.to_numpy(), rtol=1e-6)


def test_leave_one_out_never_learns_from_the_system_that_it_judges(
        made: list[Example], monkeypatch: pytest.MonkeyPatch) -> None:
    mine = [replace(each, system="recorded") for each in made]
    recorded = {name: mine[at:at + 3] for at, name in enumerate(("a", "b", "a-again"))}
    seen = []
    monkeypatch.setattr(graph, "_networks", lambda examples, *a: seen.append(examples))
    monkeypatch.setattr(graph, "judged", lambda networks, own, name: [])
    graph.leave_one_out(made[5:], recorded, {"b": mine[4:5]}, {"a-again": "a"}, networks=1)
    known = [[each for each in of if each.system == "recorded"] for of in seen]
    assert [len(of) for of in known] == [4, 6, 4]  # b and its past; a and a-again; as the first


def test_each_recorded_set_weighs_the_same(made: list[Example]) -> None:
    weighed = graph._weighed({"few": made[:1], "many": made[1:4]}, 6)
    assert [each.weight for each in weighed] == [3.0, 1.0, 1.0, 1.0]
