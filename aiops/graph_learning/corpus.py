"""Examples to learn from: made ones, recorded ones, and both as one file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from aiops.case import Case
from aiops.errors import InputError
from aiops.graph_learning.training import Example
from aiops.rca.evidence import LEARN
from aiops.rca.incident_graph import GROUPS, LINKS, NODES, IncidentGraph
from aiops.rca.view import View
from aiops.simulation import incidents

_SIGNALS = [NODES.index(name) for group in GROUPS if group != "sum" for name in GROUPS[group]]
_LEAST = 0.3  # of an effect
_COLUMNS = ("x", "links", "about", "guilty", "total", "nodes", "edges", "system", "fault")


def made(seed: int, number: int) -> list[Example]:
    """Incidents of one made system."""
    found = []
    for each in incidents(seed, number):
        found.append(of_case(each.case, each.truth, f"made-{seed}", memory(each.past)))
    return found


def memory(past: Sequence[Case]) -> dict[str, Any]:
    """What evidence learns of past incidents, without labels."""
    return {name: learn(past) for name, learn in LEARN.items()} if past else {}


def of_case(case: Case, truth: Mapping[str, Any], system: str, known: Mapping[str, Any]
            ) -> Example:
    """An example of a Case and its truth."""
    graph = IncidentGraph.of(View.of(case, known))
    guilty = np.isin(np.array(graph.names, dtype=object), list(truth["culprits"]))
    return Example(graph, guilty, system, str(truth.get("fault") or ""))


def shows(example: Example) -> bool:
    """Whether any culprit shows anything: who shows nothing can be learned by heart alone."""
    seen = example.graph.x[example.guilty][:, _SIGNALS]
    return bool(np.abs(seen).max(initial=0.0) > _LEAST)


def save(examples: Sequence[Example], path: Path) -> None:
    """Write examples as one compressed npz file, without names; whole or not at all."""
    columns: dict[str, Any] = {
        "x": np.concatenate([e.graph.x for e in examples]),
        "links": np.concatenate([e.graph.links for e in examples], axis=1).astype(np.int32),
        "about": np.concatenate([e.graph.about for e in examples]),
        "total": np.concatenate([e.graph.total for e in examples]),
        "guilty": np.concatenate([e.guilty for e in examples]),
        "nodes": np.array([len(e.guilty) for e in examples]),
        "edges": np.array([e.graph.links.shape[1] for e in examples]),
        "system": np.array([e.system for e in examples]),
        "fault": np.array([e.fault for e in examples])}
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.stem + ".part.npz")
    np.savez_compressed(part, **columns)
    part.replace(path)


def load(path: Path) -> list[Example]:
    """Read examples that ``save`` wrote; suspects are numbered, not named.

    Raises:
        InputError: another file, or one of graphs with other features.
    """
    with np.load(path, allow_pickle=False) as held:
        if set(held.files) != set(_COLUMNS):
            raise InputError(f"{path} holds no examples: it has {', '.join(held.files)}. Make it "
                             "anew: delete it and run the training again.")
        columns = {name: held[name] for name in _COLUMNS}
    if (columns["x"].shape[1], columns["about"].shape[1]) != (len(NODES), len(LINKS)):
        raise InputError(f"{path} holds graphs with other features than the code has. Delete it "
                         "and run the training again.")
    return list(_examples(columns))


def _examples(of: Mapping[str, np.ndarray]) -> Iterator[Example]:
    node, edge = (np.r_[0, np.cumsum(of[name])] for name in ("nodes", "edges"))
    for at in range(len(of["nodes"])):
        n, m = slice(node[at], node[at + 1]), slice(edge[at], edge[at + 1])
        names = tuple(f"{number}" for number in range(of["nodes"][at]))
        graph = IncidentGraph(names, of["x"][n], of["links"][:, m].astype(np.int64),
                              of["about"][m], of["total"][n])
        yield Example(graph, of["guilty"][n], str(of["system"][at]), str(of["fault"][at]))


def split(examples: Sequence[Example], share: float, seed: int
          ) -> tuple[list[Example], list[Example]]:
    """Examples to train on, and a share of the systems kept apart."""
    systems = sorted({each.system for each in examples})
    apart = set(np.random.default_rng(seed).permutation(systems)[:round(share * len(systems))])
    return ([e for e in examples if e.system not in apart],
            [e for e in examples if e.system in apart])


def systems(examples: Iterable[Example]) -> list[str]:
    """Their systems, each once, in order."""
    return list(dict.fromkeys(each.system for each in examples))
