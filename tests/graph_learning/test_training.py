"""A network learns what is to be learned, the same each time, and says how sure it is."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

from aiops.errors import InputError
from aiops.graph_learning import corpus, export, training
from aiops.graph_learning.training import Example
from aiops.rca import graph_network
from aiops.rca.incident_graph import KINDS, LINKS, NODES, IncidentGraph

N = 8


def example(rng: np.random.Generator, system: str = "", harmless: float = 0.2) -> Example:
    """A chain of calls; the culprit is who shows most, less what its callee shows more."""
    x = np.zeros((N, len(NODES)), dtype=np.float32)
    guilty = np.zeros(N, dtype=bool)
    own = np.abs(rng.normal(0, 0.2, N))
    if rng.random() > harmless:
        at = int(rng.integers(N))
        guilty[at] = True
        own[:at + 1] += 2.0  # all callers show it too, as much
    x[:, NODES.index("answer")] = own
    links = np.array([np.r_[np.arange(N - 1), np.arange(1, N)],
                      np.r_[np.arange(1, N), np.arange(N - 1)]])
    about = np.zeros((links.shape[1], len(LINKS)), dtype=np.float32)
    about[:N - 1, KINDS.index("calls")] = about[N - 1:, KINDS.index("called_by")] = 1.0
    order = rng.permutation(N)  # row old -> order[old]
    mixed, mine = np.zeros_like(x), np.zeros_like(guilty)
    mixed[order], mine[order] = x, guilty
    graph = IncidentGraph(tuple(f"s{at}" for at in range(N)), mixed, order[links], about,
                          np.zeros(N))
    return Example(graph, mine, system)


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    rng = np.random.default_rng(0)
    return [example(rng, f"made-{at // 4}") for at in range(400)]


@pytest.fixture(scope="module")
def network(examples: list[Example]) -> training.Network:
    return training.fit(examples, 12)


def test_it_learns_from_neighbours_what_no_suspect_shows_alone(
        network: training.Network) -> None:
    rng = np.random.default_rng(1)
    fresh = [each for each in (example(rng) for _ in range(120)) if each.culprits]
    right = [int(np.argmax(training.probabilities(network, each.graph)[0])) ==
             int(np.argmax(each.guilty)) for each in fresh]
    assert np.mean(right) > 0.9


def test_it_says_when_nobody_is_to_blame(network: training.Network) -> None:
    rng = np.random.default_rng(2)
    told = [(bool(each.culprits), training.probabilities(network, each.graph)[1] > 0.5)
            for each in (example(rng, harmless=0.5) for _ in range(100))]
    assert np.mean([guilty != nobody for guilty, nobody in told]) > 0.95


def test_probabilities_sum_to_one(network: training.Network, examples: list[Example]) -> None:
    for each in examples[:10]:
        suspects, nobody = training.probabilities(network, each.graph)
        assert suspects.sum() + nobody == pytest.approx(1.0, abs=1e-5)


def test_the_order_of_suspects_does_not_matter(network: training.Network,
                                               examples: list[Example]) -> None:
    graph = examples[0].graph
    order = np.random.default_rng(3).permutation(N)
    place = np.argsort(order)
    mixed = IncidentGraph(graph.names, graph.x[order], place[graph.links], graph.about, graph.total)
    np.testing.assert_allclose(training.probabilities(network, mixed)[0],
                               training.probabilities(network, graph)[0][order], rtol=1e-4)


def test_the_same_seed_is_the_same_network(examples: list[Example]) -> None:
    first, again, other = (training.probabilities(
        training.fit(examples[:80], 2, seed), examples[0].graph)[0] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)


def test_calibration_finds_the_temperature_that_fits_best(examples: list[Example]) -> None:
    apart = examples[300:]
    network = training.calibrate(training.fit(examples[:100], 6), apart)
    found = float(network.temperature)
    loss = {by: training._loss_at(network, training._batch(apart), by * found)
            for by in (0.5, 1.0, 2.0)}
    assert loss[1.0] < min(loss[0.5], loss[2.0]) - 0.005


def test_what_is_exported_answers_as_the_networks_do(
        network: training.Network, examples: list[Example], tmp_path: Path) -> None:
    other = training.fit(examples[:80], 2, 1)
    file = export.save([network, other], tmp_path / "n.onnx").read_bytes()
    assert not list(tmp_path.glob("*.part"))
    lonely = IncidentGraph(("a",), examples[0].graph.x[:1], np.zeros((2, 0), dtype=int),
                           np.zeros((0, len(LINKS)), dtype=np.float32), np.zeros(1))
    for graph in (*[each.graph for each in examples[:5]], lonely):
        expected = [training.probabilities(each, graph) for each in (network, other)]
        suspects, nobody = graph_network.ask(graph, network=file)
        np.testing.assert_allclose(suspects, np.mean([s for s, _ in expected], axis=0), atol=1e-5)
        assert nobody == pytest.approx(np.mean([n for _, n in expected]), abs=1e-5)


def test_an_export_leaves_no_warning_behind(network: training.Network, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        export.save([network], tmp_path / "n.onnx")


# --- the corpus --------------------------------------------------------------------------
def test_examples_come_back_as_they_were_but_for_names(examples: list[Example],
                                                       tmp_path: Path) -> None:
    corpus.save(examples[:7], tmp_path / "some.npz")
    for kept, each in zip(corpus.load(tmp_path / "some.npz"), examples[:7], strict=True):
        np.testing.assert_array_equal(kept.graph.x, each.graph.x)
        np.testing.assert_array_equal(kept.graph.links, each.graph.links)
        np.testing.assert_array_equal(kept.guilty, each.guilty)
        assert (kept.system, kept.fault) == (each.system, each.fault)
        assert "s0" not in kept.graph.names


def test_another_file_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    with pytest.raises(InputError, match="holds no examples"):
        corpus.load(tmp_path / "other.npz")


def test_a_split_keeps_systems_whole(examples: list[Example]) -> None:
    seen, apart = corpus.split(examples, 0.2, 0)
    assert not set(corpus.systems(seen)) & set(corpus.systems(apart))
    assert len(seen) + len(apart) == len(examples)
    assert len(corpus.systems(apart)) == 20


def test_a_made_example_knows_its_culprit() -> None:
    for each in corpus.made(4, 2):
        assert each.guilty.shape == (len(each.graph.names),)
        assert each.system == "made-4"
        assert each.fault
