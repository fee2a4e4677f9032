"""Anomaly traversal: anomalous services none of whose callees is anomalous."""

from __future__ import annotations

import networkx as nx
import pandas as pd

from aiops.base import Ranker
from aiops.case import Case
from aiops.rca.graph import call_graph
from aiops.rca.instances import services, with_instances
from aiops.rca.series import columns, ordered, shift, worst


class Traversal(Ranker):
    """Walks the call graph from the symptom down to where anomalies end.

    Papers: Chen et al., "CauseInfer" (INFOCOM 2014); Liu et al., "MicroHECL" (ICSE-SEIP 2021);
    as the baseline of Hardt et al., "The PetShop Dataset" (CLeaR 2024), a cause is blamed with
    the sum of the anomaly scores along its most anomalous path to the symptom. Where that
    refuses a cycle, services that call each other in a circle are taken as one.

    The call graph is the Case's topology, else what its traces show. The target is the
    symptom's service, else the entry; where none is stated, or it is not anomalous itself,
    causes are blamed with their own score.

    Args:
        threshold: a service is anomalous when a metric lies this many normal scales off.
    """

    def __init__(self, threshold: float = 5.0) -> None:
        self.threshold = threshold

    def rank(self, case: Case) -> pd.Series:
        """Blame: scales off normal, summed along the path; 0 for who is no cause."""
        made = columns(case)
        score = worst(made, shift(made).abs())
        anomalous = score[score > self.threshold]
        graph = with_instances(call_graph(case), case)
        graph.add_edges_from((of, instance) for instance, of in services(case).items())
        graph = graph.subgraph(anomalous.index).copy()
        graph.add_nodes_from(anomalous.index)
        return ordered(case, _causes(graph, anomalous, _targets(case)))


def _targets(case: Case) -> list[str]:
    """The service that the symptom is told of, and its instances."""
    target, of = case.symptom["service"] if case.symptom else case.entry_service, services(case)
    return [target, *of.index[of == target]] if target else []


def _causes(graph: nx.DiGraph, score: pd.Series, targets: list[str]) -> pd.Series:
    """Blame of the members of groups that call no anomalous group."""
    groups = nx.condensation(graph)
    weight = {g: max(score[s] for s in groups.nodes[g]["members"]) for g in groups}
    top = {groups.graph["mapping"][target] for target in targets if target in graph}
    path = _heaviest(groups, weight, top) if top else weight
    return pd.Series({service: path[g] - weight[g] + score[service]
                      for g in groups if not groups.out_degree(g) and g in path
                      for service in groups.nodes[g]["members"]}, dtype=float)


def _heaviest(groups: nx.DiGraph, weight: dict[int, float], top: set[int]) -> dict[int, float]:
    """Weight of the heaviest path from a target to each group that one reaches."""
    best = {group: weight[group] for group in top}
    for g in nx.topological_sort(groups):
        for callee in groups.successors(g) if g in best else ():
            best[callee] = max(best.get(callee, 0.0), best[g] + weight[callee])
    return best
