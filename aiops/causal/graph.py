"""What causes what among the columns of an incident."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import networkx as nx
import numpy as np
import pandas as pd

from aiops.causal.requests import ERRORS, LATENCY
from aiops.causal.variables import ANSWER, LOAD, RESOURCE


class _Column(NamedTuple):
    label: str
    owner: str
    service: str
    name: str
    kind: str


def causes(about: pd.DataFrame, calls: nx.DiGraph, start: str | None = None) -> nx.DiGraph:
    """Cause -> effect over columns, without circles.

    From callee to caller for latency, errors and what is called as the symptom; from the caller's
    load to the callee's; a service without the variable is bridged. Within a service from load to
    resources and answers, from resources to answers, from errors to latency. What lies on a call
    causes how the caller answers, and is caused by the resources at its ends: a starved callee
    takes its calls late, a starved caller their answers. Of a circle of calls only those stay that
    lead away from the symptom.

    Args:
        about: a row a column: owner, service, name, kind.
        calls: caller -> callee, of services.
        start: the owner of the symptom; who nobody calls when None.
    """
    columns = [_Column(*row) for row in about[list(_Column._fields[1:])].itertuples(name=None)]
    of = {column.owner: column.service for column in columns}
    ways = _acyclic(calls, of.get(start or ""))
    made: nx.DiGraph = nx.DiGraph()
    made.add_nodes_from(about.index)
    made.add_edges_from(_along(columns, ways))
    for mine in _by(columns, "service").values():
        made.add_edges_from(_within(mine))
    made.add_edges_from(_on_calls(columns))
    return made


def _along(columns: Iterable[_Column], ways: nx.DiGraph) -> Iterator[tuple[str, str]]:
    """Along the calls: answers upwards, load downwards."""
    handed = _by([column for column in columns if column.kind != RESOURCE], "name")
    for group in handed.values():
        having = _by(group, "service")
        for caller, mine in having.items():
            for callee in _nearest(ways, caller, having):
                for a in mine:
                    for b in having[callee]:
                        yield (a.label, b.label) if a.kind == LOAD else (b.label, a.label)


def _within(mine: list[_Column]) -> Iterator[tuple[str, str]]:
    """Within a service; what does not tell its instance is of all of them."""
    by = _by(mine, "kind")
    for cause, effect in ((LOAD, RESOURCE), (LOAD, ANSWER), (RESOURCE, ANSWER)):
        yield from _of_one(by.get(cause, []), by.get(effect, []))
    failing, slow = ([each for each in mine if each.name == name] for name in (ERRORS, LATENCY))
    yield from _of_one(failing, slow)


def _of_one(causing: list[_Column], caused: list[_Column]) -> Iterator[tuple[str, str]]:
    for cause in causing:
        for effect in caused:
            if cause.owner == effect.owner or cause.service in (cause.owner, effect.owner):
                yield cause.label, effect.label


def _on_calls(columns: list[_Column]) -> Iterator[tuple[str, str]]:
    """What lies on a call; a metric of it acts on what its spans show, else on its caller."""
    answers = {(column.owner, column.name): column.label for column in columns
               if column.kind == ANSWER}
    resources = _by([column for column in columns if column.kind == RESOURCE], "service")
    of_caller = _by([column for column in columns if column.kind == ANSWER], "service")
    for column in [column for column in columns if "->" in column.owner]:
        caller, callee = column.owner.split("->", 1)
        if column.kind == ANSWER:
            if (caller, column.name) in answers:
                yield column.label, answers[caller, column.name]
            yield from ((each.label, column.label) for end in (caller, callee)
                        for each in resources.get(end, []))
        elif (column.owner, LATENCY) not in answers:
            yield from ((column.label, each.label) for each in of_caller.get(caller, []))


def _by(columns: Iterable[_Column], what: str) -> dict[str, list[_Column]]:
    made: dict[str, list[_Column]] = defaultdict(list)
    for column in columns:
        made[getattr(column, what)].append(column)
    return dict(made)


def _nearest(ways: nx.DiGraph, caller: str, having: Mapping[str, object]) -> list[str]:
    """The nearest callees that have the variable."""
    seen, found = {caller}, []
    ahead = list(ways.successors(caller)) if caller in ways else []
    while ahead:
        node = ahead.pop()
        if node in seen:
            continue
        seen.add(node)
        if node in having:
            found.append(node)
        else:
            ahead.extend(ways.successors(node))
    return found


def _acyclic(calls: nx.DiGraph, start: str | None) -> nx.DiGraph:
    """The calls, without those of a circle that lead back towards the symptom or stay level."""
    if nx.is_directed_acyclic_graph(calls):
        return calls
    begin = [start] if start in calls else [node for node in calls if not calls.in_degree(node)]
    far = nx.multi_source_dijkstra_path_length(calls, begin, weight=None) if begin else {}
    circle = {node: number for number, nodes in enumerate(
        nx.strongly_connected_components(calls)) for node in nodes}
    kept = nx.DiGraph()
    kept.add_nodes_from(calls)
    kept.add_edges_from((a, b) for a, b in calls.edges if circle[a] != circle[b]
                        or far.get(a, np.inf) < far.get(b, np.inf))
    return kept
