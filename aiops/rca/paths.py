"""The way from where an incident was felt to who is blamed, along the call graph."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import networkx as nx
import pandas as pd

from aiops.case import Case
from aiops.explained import Step


def call_graph(edges: pd.DataFrame) -> nx.DiGraph:
    """Caller -> callee."""
    apart = edges[edges["caller"] != edges["callee"]]
    return nx.DiGraph(list(zip(apart["caller"], apart["callee"], strict=True)))


def path(case: Case, graph: nx.DiGraph, found: pd.DataFrame, to: str) -> list[Step]:
    """Services and the edges between them, from the symptom to the suspect ``to``.

    It starts at the symptom's service, else at the entry, else where nobody calls. Of the ways
    there the one is taken that passes what moved: an edge costs 1 / (1 + the larger effect of
    it and of its callee). Empty where there is no graph, or no way.

    Args:
        found: signals, as ``reasons.signals`` gives them.
    """
    effect = found.groupby("suspect")["effect"].max()
    weighted = nx.DiGraph()
    weighted.add_weighted_edges_from(
        (a, b, 1 / (1 + max(effect.get(f"{a}->{b}", 0.0), effect.get(b, 0.0))))
        for a, b in graph.edges)
    ends = to.split("->")  # an edge is reached through its caller
    nodes = next((way for start in _starts(case, weighted)
                  if (way := _way(weighted, start, ends[0]))), [])
    places = _places(nodes) + ([to] if nodes and len(ends) > 1 else [])
    return [_step(found, place, to) for place in places]


def _starts(case: Case, graph: nx.DiGraph) -> Iterator[set[str]]:
    """Where to start from, the best first."""
    stated = case.symptom["service"] if case.symptom else None
    yield from ({name} for name in (stated, case.entry_service) if name)
    yield {node for node in graph if not graph.in_degree(node)}


def _way(graph: nx.DiGraph, starts: set[str], to: str) -> list[str]:
    known = sorted(start for start in starts if start in graph)
    if to not in graph or not known:
        return []
    try:
        return list(nx.multi_source_dijkstra(graph, known, to)[1])
    except nx.NetworkXNoPath:
        return []


def _places(nodes: list[str]) -> list[str]:
    """Services with the edges between them."""
    out = nodes[:1]
    for caller, callee in pairwise(nodes):
        out += [f"{caller}->{callee}", callee]
    return out


def _step(found: pd.DataFrame, place: str, to: str) -> Step:
    mine = found[found["suspect"] == place]
    if "->" not in place:
        alone = mine[~_between(mine, found)]
        mine = mine if alone.empty and place == to else alone
    if mine.empty:
        return Step(place)
    best = mine.iloc[0]
    before, during = (None if pd.isna(best[side]) else float(best[side])
                      for side in ("before", "during"))
    return Step(place, best["evidence"], best["signal"], float(best["effect"]), before, during)


def _between(mine: pd.DataFrame, found: pd.DataFrame) -> pd.Series:
    """Which signals of a service are those of an edge of its."""
    edges = found[found["suspect"].str.contains("->", regex=False)]
    keys = ["evidence", "signal"]
    return pd.Series(pd.MultiIndex.from_frame(mine[keys]).isin(
        pd.MultiIndex.from_frame(edges[keys])), index=mine.index)
