"""Mechanisms: how far each cause moves each effect, learned for all variables at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import networkx as nx
import numpy as np
from scipy import sparse

from aiops.causal.fitting import bounded
from aiops.causal.variables import ANSWER, LOAD, RESOURCE, Variables

BEYOND = 2.0  # normal scales above the median, from where a mechanism may be steeper
STEEPER = {LOAD: 10.0, ANSWER: 2.0, RESOURCE: 2.0}  # slope beyond, at most, by kind of cause
_RIDGE = 1e-3  # of a row's weight: of two causes that move as one each takes half


@dataclass(frozen=True, eq=False)
class Mechanisms:
    """Slopes in normal scales, (n_variables, n_variables) sparse: [effect, cause].

    An effect is the sum over its causes of slope x z + beyond x max(z - 2, 0), plus its noise.
    Variables are in an order in which causes come first.
    """

    slope: sparse.csr_matrix
    beyond: sparse.csr_matrix

    def explained(self, z: np.ndarray) -> np.ndarray:
        """What causes do to each variable (n_rows, n_variables)."""
        made: np.ndarray = z @ self.slope.T
        if self.beyond.nnz:
            made = made + over(z) @ self.beyond.T
        return made

    def secants(self, normal: np.ndarray, abnormal: np.ndarray
                ) -> tuple[sparse.csr_matrix, np.ndarray]:
        """Slopes between the two means; and what each variable's spread adds to how far it lies
        beyond normal: see ``StructuralModel.between`` and ``spread_beyond``."""
        moved = abnormal.mean(axis=0) - normal.mean(axis=0)
        if not self.beyond.nnz:
            return self.slope, np.zeros_like(moved)
        higher = over(abnormal).mean(axis=0) - over(normal).mean(axis=0)
        share = np.divide(higher, moved, out=np.zeros_like(moved), where=np.abs(moved) > 1e-9)
        share = np.clip(share, 0.0, 1.0)
        return (self.slope + self.beyond @ sparse.diags(share)).tocsr(), higher - share * moved

    def follow(self, noise: np.ndarray, held: dict[int, np.ndarray],
               generations: Sequence[np.ndarray]) -> np.ndarray:
        """Values from noise, causes first; ``held`` variables keep what they are set to.

        Args:
            generations: variables whose causes are all in earlier ones, and can be told at once.
        """
        z = np.zeros_like(noise)
        for mine in generations:
            z[:, mine] = noise[:, mine] + z @ self.slope[mine].T
            if self.beyond[mine].nnz:
                z[:, mine] += over(z) @ self.beyond[mine].T
            for j in held.keys() & set(mine.tolist()):
                z[:, j] = held[j]
        return z


def over(z: np.ndarray) -> np.ndarray:
    """How far values lie beyond what normal operation had."""
    made: np.ndarray = np.maximum(z - BEYOND, 0.0)
    return made


class Family(NamedTuple):
    """Variables that have the same number p of causes, learned together.

    Attributes:
        effects: their numbers (n,). causes: (n, p).
        known: slopes that need not be learned, in normal scales (n, p); else NaN.
        least: the least slope (n, p): 0, but -1 at and of a resource, which may be what is left
            (free memory). What is handed to callers only raises, and so does demand.
        steeper: slope beyond normal, at most (n, p).
    """

    effects: np.ndarray
    causes: np.ndarray
    known: np.ndarray
    least: np.ndarray
    steeper: np.ndarray


def families(variables: Variables, names: list[str], scale: np.ndarray) -> list[Family]:
    """All variables that have causes; ``names`` and ``scale`` in the order of their numbers."""
    kind = variables.about["kind"].reindex(names).to_numpy()
    made = []
    for effects, causes in _alike(variables.graph, {name: j for j, name in enumerate(names)}):
        known = _known(variables.graph, names, scale, effects, causes)
        free = (kind[causes] == RESOURCE) | (kind[effects] == RESOURCE)[:, None]
        steeper = np.vectorize(STEEPER.get, otypes=[float])(kind[causes])
        made.append(Family(effects, causes, known, np.where(free, -1.0, 0.0),
                           np.where(np.isnan(known) & ~free, steeper, 0.0)))
    return made


def learn(of: list[Family], normal: np.ndarray, abnormal: np.ndarray, learn_from: str
          ) -> Mechanisms:
    """Mechanisms of all variables; see ``StructuralModel.fit``."""
    slope, beyond = [], []
    for family in of:
        b = _from_normal(normal, family)
        h = np.zeros_like(b)
        if learn_from == "both":
            b, h = _steeper(normal, abnormal, family, b)
        rows = np.repeat(family.effects, family.causes.shape[1])
        slope.append((b.ravel(), rows, family.causes.ravel()))
        beyond.append((h.ravel(), rows, family.causes.ravel()))
    n = normal.shape[1]
    return Mechanisms(_matrix(slope, n), _matrix(beyond, n))


def _alike(graph: nx.DiGraph, number: dict[str, int]) -> list[tuple[np.ndarray, np.ndarray]]:
    by_count: dict[int, list[tuple[int, list[int]]]] = {}
    for name, j in number.items():
        causes = sorted(number[cause] for cause in graph.predecessors(name))
        if causes:
            by_count.setdefault(len(causes), []).append((j, causes))
    return [(np.array([j for j, _ in group]), np.array([causes for _, causes in group]))
            for _, group in sorted(by_count.items())]


def _known(graph: nx.DiGraph, names: list[str], scale: np.ndarray, effects: np.ndarray,
           causes: np.ndarray) -> np.ndarray:
    made = np.array([[graph.edges[names[c], names[j]].get("slope", np.nan) for c in row]
                     for j, row in zip(effects, causes, strict=True)], dtype=float)
    return made * scale[causes] / scale[effects][:, None]


def _from_normal(normal: np.ndarray, family: Family) -> np.ndarray:
    """Slopes (n, p) by normal operation, by sign alone bounded; known ones as they are."""
    z = normal - normal.mean(axis=0)
    x, y = z[:, family.causes], z[:, family.effects]
    y = y - np.einsum("rnp,np->rn", x, np.nan_to_num(family.known))
    gram, moment = np.einsum("rnp,rnq->npq", x, x), np.einsum("rnp,rn->np", x, y)
    low = np.where(family.least < 0, -np.inf, 0.0)
    return _solved(gram, moment, len(z), family.known, low, np.full_like(low, np.inf))


def _steeper(normal: np.ndarray, abnormal: np.ndarray, family: Family, b: np.ndarray
             ) -> tuple[np.ndarray, np.ndarray]:
    """Slopes, and slopes beyond, raised within bounds as far as the incident's rows ask for."""
    causes, effects, usual = family.causes, family.effects, normal.mean(axis=0)
    x, y = (abnormal - usual)[:, causes], (abnormal - usual)[:, effects]
    features = np.concatenate([x, over(abnormal)[:, causes]], axis=2)
    left = y - np.einsum("rnp,np->rn", x, b)
    gram = np.einsum("rnp,rnq->npq", features, features)
    moment = np.einsum("rnp,rn->np", features, left)
    learned = np.isnan(family.known)
    low, high = (np.where(learned, side(to - b, 0.0), 0.0) for side, to in (
        (np.minimum, family.least), (np.maximum, 1.0)))
    none = np.zeros_like(low)
    extra = _solved(gram, moment, len(left), np.full_like(moment, np.nan),
                    np.concatenate([low, none], axis=1),
                    np.concatenate([high, family.steeper], axis=1))
    p = causes.shape[1]
    return b + extra[:, :p], extra[:, p:]


def _solved(gram: np.ndarray, moment: np.ndarray, n_rows: int, known: np.ndarray,
            low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Bounded slopes; those that are known as they are. The largest moments are solved first.

    So the order does not come from names.
    """
    fixed = ~np.isnan(known)
    moment = np.where(fixed, 0.0, moment)
    order = np.argsort(-np.round(np.abs(moment) / max(n_rows, 1), 9), axis=1, kind="stable")
    take = np.take_along_axis
    g = take(take(gram, order[:, :, None], axis=1), order[:, None, :], axis=2)
    g = g + _RIDGE * n_rows * np.eye(g.shape[1])
    bounds = [take(np.where(fixed, 0.0, each), order, axis=1) for each in (low, high)]
    solved = bounded(g, take(moment, order, axis=1), *bounds)
    made = np.empty_like(solved)
    np.put_along_axis(made, order, solved, axis=1)
    return np.where(fixed, np.nan_to_num(known), made)


def _matrix(parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]], n: int) -> sparse.csr_matrix:
    if not parts:
        return sparse.csr_matrix((n, n))
    values, rows, columns = (np.concatenate(each) for each in zip(*parts, strict=True))
    kept = values != 0
    return sparse.csr_matrix((values[kept], (rows[kept], columns[kept])), shape=(n, n))
