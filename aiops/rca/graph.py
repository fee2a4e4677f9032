"""Who calls whom in a Case, and what lies beyond whom."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any

import networkx as nx

from aiops.case import Case
from aiops.errors import CaseError
from aiops.evidence import call_tree
from aiops.rca.series import edge_suspects


def call_graph(case: Case) -> nx.DiGraph:
    """Caller -> callee, by the Case's topology, else by its traces.

    Raises:
        CaseError: the Case has neither.
    """
    if case.topology is not None:
        edges = case.topology
    elif case.traces is not None:
        edges = call_tree.edges(case.traces)
    else:
        raise CaseError("A call graph needs a topology or traces. "
                        f"This Case has {', '.join(case.tables)}.")
    edges = edges[edges["caller"] != edges["callee"]]
    made = nx.DiGraph(list(zip(edges["caller"], edges["callee"], strict=True)))
    for edge in edge_suspects(case):  # an edge that may be to blame lies between its ends
        nx.add_path(made, (edge.split("->")[0], edge, edge.split("->")[1]))
    return made


def entries(case: Case) -> list[str]:
    """Where users enter: the Case's entry service, else whom nobody calls."""
    if case.entry_service:
        return [case.entry_service]
    graph = call_graph(case)
    return sorted(node for node in graph if not graph.in_degree(node))


def reached(step: Callable[[Any], Iterable[Any]], start: Any, stops: Collection[Any]) -> set[Any]:
    """Nodes reached from ``start``, each path up to the first of ``stops``, which counts.

    ``step`` is a graph's ``successors`` or ``predecessors``. What is no stop is passed
    through and counts too; ``start`` itself does not, not even in a circle.
    """
    seen: set[Any] = set()
    ahead = list(step(start))
    while ahead:
        node = ahead.pop()
        if node in seen or node == start:
            continue
        seen.add(node)
        if node not in stops:
            ahead.extend(step(node))
    return seen
