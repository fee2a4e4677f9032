"""Is the causal graph refuted by the data of normal operation?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import networkx as nx
import numpy as np
from scipy import stats

from aiops.causal.model import StructuralModel

LEVEL = 0.05  # of one test of independence
PERMUTATIONS = 20
MOST_TESTED = 30  # variables; beyond, the target and those nearest to it


@dataclass(frozen=True)
class Falsification:
    """The graph against the data.

    A graph says that a variable, given its causes, has nothing to do with those that it does not
    cause (the local Markov condition).

    Attributes:
        tested: pairs that must be independent. violated: those that are not, at 5 %.
        as_good: share of graphs with the variables' names shuffled that violate no larger share of
            theirs.
    """

    tested: int
    violated: int
    as_good: float

    @property
    def verdict(self) -> str:
        """"stands", "falsified", or "untested" where the data would take any graph.

        As in Eulig et al., "Toward falsifying causal graphs using a permutation-based test"
        (2023), a graph is falsified when it fits no better than shuffled ones; but one that
        violates no more than chance does is not: then the data cannot tell graphs apart.
        """
        if not self.tested:
            return "untested"
        if self.as_good <= LEVEL:
            return "stands"
        by_chance = stats.binom.ppf(1 - LEVEL, self.tested, LEVEL)
        return "falsified" if self.violated > by_chance else "untested"


def falsify(model: StructuralModel, seed: int = 0) -> Falsification:
    """Test the model's graph against normal operation, and shuffled graphs beside it.

    By partial correlation of ranks, with which monotone mechanisms are near enough to lines. At
    most 30 variables are tested, the target and those nearest to it, so that it stays fast on a
    thousand services; ways through others become edges.
    """
    names = _nearest(model)
    causes = nx.to_numpy_array(_bridged(model.variables.graph, names), nodelist=names) > 0
    z = stats.rankdata(model.normal[:, [model.names.index(name) for name in names]], axis=0)
    tested, violated = _violations(z, causes)
    if not tested:
        return Falsification(0, 0, 1.0)
    rng = np.random.default_rng(seed)
    shuffled = [_violations(z[:, rng.permutation(len(names))], causes)
                for _ in range(PERMUTATIONS)]
    as_good = np.mean([other <= violated for _, other in shuffled])
    return Falsification(tested, violated, float(as_good))


def _nearest(model: StructuralModel) -> list[str]:
    """The target and the variables nearest to it; what never moved cannot be tested."""
    moving = [name for j, name in enumerate(model.names) if np.ptp(model.normal[:, j]) > 0]
    target, graph = model.variables.target, model.variables.graph
    if target is None:
        return moving[:MOST_TESTED]
    far = nx.single_source_shortest_path_length(graph.reverse(copy=False), target)
    return sorted(moving, key=lambda name: far[name])[:MOST_TESTED]


def _bridged(graph: nx.DiGraph, names: Sequence[str]) -> nx.DiGraph:
    """The graph over some variables: ways through others become edges."""
    kept, made = set(names), nx.DiGraph()
    made.add_nodes_from(names)
    for name in names:
        seen: set[str] = set()
        ahead = list(graph.successors(name))
        while ahead:
            node = ahead.pop()
            if node in kept:
                made.add_edge(name, node)
            elif node not in seen:
                seen.add(node)
                ahead.extend(graph.successors(node))
    return made


def _violations(z: np.ndarray, causes: np.ndarray) -> tuple[int, int]:
    """Pairs that must be independent given the first's causes, and how many are not.

    Args:
        causes: [cause, effect], bool.
    """
    reach, tested, violated = _reach(causes), 0, 0
    for j in range(len(causes)):
        given = np.flatnonzero(causes[:, j])
        others = np.flatnonzero(~reach[j] & ~causes[:, j] & (np.arange(len(causes)) != j))
        freedom = len(z) - len(given) - 3
        if not len(others) or freedom < 3:
            continue
        r = _correlation(_without(z[:, [j, *others]], z[:, given]))
        score = np.abs(np.arctanh(np.clip(r, -0.999999, 0.999999))) * np.sqrt(freedom)
        tested += len(others)
        violated += int((score > stats.norm.ppf(1 - LEVEL / 2)).sum())
    return tested, violated


def _correlation(values: np.ndarray) -> np.ndarray:
    """Of the first column with each other one; values are without their mean."""
    length = np.linalg.norm(values, axis=0)
    made: np.ndarray = values[:, 0] @ values[:, 1:] / np.maximum(length[0] * length[1:], 1e-12)
    return made


def _without(values: np.ndarray, given: np.ndarray) -> np.ndarray:
    """What of values a linear function of ``given`` leaves."""
    x = np.c_[np.ones(len(values)), given]
    made: np.ndarray = values - x @ np.linalg.lstsq(x, values, rcond=None)[0]
    return made


def _reach(causes: np.ndarray) -> np.ndarray:
    """[ancestor, descendant], bool."""
    reach = causes.copy()
    for _ in range(len(causes).bit_length()):
        reach = reach | (reach.astype(int) @ reach.astype(int) > 0)
    return reach
