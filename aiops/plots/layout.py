"""Layered layout of a directed graph: callers left, callees right, few crossings.

Pure Python: longest path for the layer, a bend for each layer an edge skips, barycentre
sweeps for the order, isotonic spacing for the height (Sugiyama, Tagawa and Toda 1981).
100 services and 220 edges take about 0.25 s.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import networkx as nx
import numpy as np

Edge = tuple[str, str]
_SWEEPS, _PULLS, _BEND_ROOM = 24, 60, 0.35


@dataclass(frozen=True)
class Bend:
    """Where a long edge crosses a layer between its ends."""

    edge: Edge
    layer: int


@dataclass(frozen=True)
class Layout:
    """``position`` of nodes and bends (x layers right, y up); ``bends`` by edge."""

    position: dict[Hashable, tuple[int, float]]
    bends: dict[Edge, list[Bend]]


def layered(graph: nx.DiGraph, room: Mapping[Hashable, float] | None = None) -> Layout:
    """Place the nodes; ``room`` is the height each takes with its margin, 1 when not given."""
    dag = _acyclic(graph)
    layer: dict[Hashable, int] = {}
    for node in nx.topological_sort(dag):
        layer[node] = max((layer[p] + 1 for p in dag.predecessors(node)), default=0)
    full, bends = _with_bends(dag, layer)
    order = _untangle(full, layer)
    height = _space(full, order, room or {})
    for a, b in sorted(set(graph.edges) - set(dag.edges)):  # drawn as it is, against the flow
        bends[a, b] = []
    return Layout({n: (layer[n], -height[n]) for n in full}, bends)


def _acyclic(graph: nx.DiGraph) -> nx.DiGraph:
    dag = nx.DiGraph()
    dag.add_nodes_from(sorted(graph))
    dag.add_edges_from(sorted(e for e in graph.edges if e[0] != e[1]))
    while not nx.is_directed_acyclic_graph(dag):
        dag.remove_edge(*nx.find_cycle(dag)[-1][:2])
    return dag


def _with_bends(dag: nx.DiGraph, layer: dict) -> tuple[nx.DiGraph, dict[Edge, list[Bend]]]:
    full, bends = nx.DiGraph(), {}
    full.add_nodes_from(dag)
    for a, b in dag.edges:
        bends[a, b] = [Bend((a, b), k) for k in range(layer[a] + 1, layer[b])]
        layer.update({bend: bend.layer for bend in bends[a, b]})
        nx.add_path(full, [a, *bends[a, b], b])
    return full, bends


def _untangle(full: nx.DiGraph, layer: dict) -> dict[int, list]:
    rows: dict[int, list] = {}
    for node in sorted(full, key=str):
        rows.setdefault(layer[node], []).append(node)
    y = {n: float(i) for row in rows.values() for i, n in enumerate(row)}
    best, least = rows, np.inf
    for sweep in range(_SWEEPS):
        near = full.successors if sweep % 2 else full.predecessors
        for depth in sorted(rows, reverse=bool(sweep % 2)):
            row = rows[depth]
            pull = {n: float(np.mean([y[m] for m in near(n)] or [y[n]])) for n in row}
            row.sort(key=lambda n: (pull[n], str(n)))
            y.update({n: i - (len(row) - 1) / 2 for i, n in enumerate(row)})
        cost = sum(abs(y[a] - y[b]) for a, b in full.edges)
        if cost < least:
            best, least = {d: list(r) for d, r in rows.items()}, cost
    return best


def _space(full: nx.DiGraph, order: dict[int, list],
           room: Mapping[Hashable, float]) -> dict[Hashable, float]:
    """Pull each node towards its neighbours, keeping order and distance within a layer."""
    y = {n: i - (len(row) - 1) / 2 for row in order.values() for i, n in enumerate(row)}
    around = {n: list(nx.all_neighbors(full, n)) for n in full}
    for _ in range(_PULLS):
        for row in order.values():
            want = [np.mean([y[m] for m in around[n]] or [y[n]]) for n in row]
            need = [_BEND_ROOM if isinstance(n, Bend) else room.get(n, 1.0) for n in row]
            gap = [(a + b) / 2 for a, b in zip(need, need[1:], strict=False)]
            offset = np.cumsum([0.0, *gap])
            y.update(zip(row, isotonic(np.array(want) - offset) + offset, strict=True))
    return y


def isotonic(values: Sequence[float] | np.ndarray) -> np.ndarray:
    """Nearest non-decreasing sequence (pool adjacent violators)."""
    pools: list[tuple[float, int]] = []
    for value in values:
        pools.append((float(value), 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (b, m), (a, n) = pools.pop(), pools.pop()
            pools.append(((a * n + b * m) / (n + m), n + m))
    return np.concatenate([[mean] * n for mean, n in pools]) if pools else np.array([])
