"""Random walk: where a walker ends up who follows, up and down the calls, what moves alike."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pandas as pd

from aiops.base import Ranker
from aiops.case import Case
from aiops.rca.aligned import beside, pearson, symptom
from aiops.rca.graph import call_graph
from aiops.rca.instances import with_instances
from aiops.rca.series import Columns, columns, ordered, worst


class RandomWalk(Ranker):
    """Personalised PageRank over the call graph, weighted by correlation with the symptom.

    Papers: Kim et al., "Root Cause Detection in a Service-Oriented Architecture" (MonitorRank,
    SIGMETRICS 2013): from a service the walker goes on to a callee by the callee's similarity
    to the symptom, back to a caller by ``back`` times the caller's, and stays by how much more
    similar the service is than all its callees; where it starts anew it prefers similar
    services, never the symptom's own. Wu et al., "MicroRCA" (NOMS 2020): a service is as
    similar as the one of its metrics that correlates best.

    Differs: similarity is |Pearson's r| over the normal and the abnormal window; the ranks are
    the walk's stationary distribution itself, not a count of steps; MonitorRank's clusters of
    services that history finds alike are left out, for a Case has no history, and so are
    MicroRCA's hosts.

    Args:
        restart: probability of starting anew.
        back: weight of going back to a caller.
    """

    def __init__(self, restart: float = 0.15, back: float = 0.1) -> None:
        self.restart = restart
        self.back = back

    def rank(self, case: Case) -> pd.Series:
        """Blame: the share of time that the walker spends at a service."""
        made = columns(case)
        target, others = symptom(case, made)
        similar = _similar(made, target, others)
        start = made.about.loc[target, "owner"]
        graph = with_instances(call_graph(case), case)
        graph.add_nodes_from([*similar.index, start])
        nodes = sorted(graph)
        prefer = similar.reindex(nodes).fillna(0.0)
        if not prefer.any():
            return ordered(case, prefer)
        moves = self._moves(graph, nodes, prefer.where(prefer.index != start, 1.0), start)
        return ordered(case, _stationary(moves, prefer / prefer.sum(), self.restart))

    def _moves(self, graph: nx.DiGraph, nodes: list[str], similar: pd.Series,
               start: str) -> np.ndarray:
        """Transition weights, a row a service; the symptom's own service is none to stay at."""
        calls = nx.to_numpy_array(graph, nodelist=nodes, weight=None)
        s = similar.to_numpy()
        ahead = calls * s
        stay = np.maximum(s - ahead.max(axis=1, initial=0.0), 0.0) * (similar.index != start)
        return ahead + self.back * calls.T * s * (1 - calls) + np.diag(stay)


def _similar(made: Columns, target: int, others: pd.Index) -> pd.Series:
    """By suspect: the largest |r| of its columns with the symptom's."""
    rows = pd.concat([beside(side, target, others) for side in (made.normal, made.abnormal)])
    r, _ = pearson(rows, target)
    return worst(made, r.reindex(others).abs().dropna())


def _stationary(moves: np.ndarray, prefer: pd.Series, restart: float) -> pd.Series:
    """The stationary distribution; who has no move starts anew."""
    out = moves.sum(axis=1, keepdims=True)
    p = np.divide(moves, out, out=np.tile(prefer.to_numpy(), (len(moves), 1)), where=out > 0)
    share = np.linalg.solve(np.eye(len(p)) - (1 - restart) * p.T, restart * prefer.to_numpy())
    return pd.Series(np.round(share, 12), index=prefer.index)  # so that ties stay ties
