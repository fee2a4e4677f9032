"""CIRCA: the service whose metric its callees' do not explain, and who explains its callers."""

from __future__ import annotations

from collections.abc import Collection

import networkx as nx
import numpy as np
import pandas as pd

from aiops.base import Ranker
from aiops.case import Case
from aiops.rca.aligned import symptom, wide
from aiops.rca.graph import call_graph, reached
from aiops.rca.instances import with_instances
from aiops.rca.series import columns, ordered

_EPS = np.finfo(float).eps


class Circa(Ranker):
    """Regression-based hypothesis test with descendant adjustment.

    Paper: Li et al., "Causal Inference-Based Root Cause Analysis for Online Service Systems
    with Intervention Recognition" (KDD 2022). A metric of a service is regressed on the same
    metric of its callees (effects run from callee to caller) over normal operation; its score
    is the largest |z| of the residual in the abnormal window. A score of at least 3 gains the
    largest unadjusted score among its effects, its callers, where one under 3 is passed through
    to its own callers.

    The graph is the call graph and each metric has a copy of it, as Hardt et al. run CIRCA on
    PetShop (CLeaR 2024): services without the metric are bridged, missing values are the
    side's mean, and where a symptom is stated its metric alone is looked at. The paper's
    graph of traffic, saturation, latency and errors within a service needs to be told which
    metric is which, and is left out.

    A residual that normally does not move keeps the scale 1, as scikit-learn's StandardScaler
    gives it in both implementations, so that its unit leaks into the rank: ``aiops.checks``
    names it, and without it the published figures on availability are out of reach (a cause's
    availability is often a constant 100 %).

    Differs: circles of calls are allowed; instances of a service are averaged, unless they are
    suspects; without a symptom a service takes its highest metric. PetShop's figures are PyRCA's,
    which adjusts in place, in the order of the graph's nodes, so that gains pile up along a chain:
    AC@1 / AC@3 on the low load .36 / .86 for latency and .42 / 1 for availability, as we measured
    too when doing so. The paper's adjustment, which no order of nodes changes, gives .29 / .71 and
    .25 / 1.

    Args:
        threshold: of an abnormal score, in standard deviations.
    """

    def __init__(self, threshold: float = 3.0) -> None:
        self.threshold = threshold

    def rank(self, case: Case) -> pd.Series:
        """Blame: standard deviations, adjusted."""
        made, graph = columns(case), with_instances(call_graph(case), case)
        names = made.about["name"]
        if case.symptom:
            target, _ = symptom(case, made)
            names = names[names == names[target]]
        sides = [_by_name(side, made.about, names.index) for side in (made.normal, made.abnormal)]
        scores = [self._adjusted(_scores(sides[0][name], sides[1][name], graph), graph)
                  for name in sorted(sides[0])]
        return ordered(case, pd.concat(scores).groupby(level=0).max())

    def _adjusted(self, score: pd.Series, graph: nx.DiGraph) -> pd.Series:
        high = score[score >= self.threshold]
        gain = {service: max((score.get(effect, 0.0) for effect in reached(
            graph.predecessors, service, high.index)), default=0.0)
            for service in high.index if service in graph}
        return score.add(pd.Series(gain, dtype=float), fill_value=0.0)


def _by_name(side: pd.DataFrame, about: pd.DataFrame, kept: pd.Index) -> dict[str, pd.DataFrame]:
    """By metric: a row a time, a column a suspect; what is missing is the suspect's mean."""
    known = about.loc[kept].drop_duplicates(["name", "owner"])[["name", "owner"]]
    number = about.loc[kept].groupby(["name", "owner"]).ngroup()
    side = side[side["column"].isin(kept)]
    whole = wide(side.assign(column=side["column"].map(number)))
    out = {}
    for name, own in known.groupby("name"):
        part = whole[whole.columns.intersection(number[own.index])].dropna(how="all")
        owner = dict(zip(number[own.index], own["owner"], strict=True))
        out[str(name)] = part.rename(columns=owner).fillna(part.mean().rename(owner))
    return out


def _scores(normal: pd.DataFrame, abnormal: pd.DataFrame, graph: nx.DiGraph) -> pd.Series:
    """Largest |z| of each service's residual."""
    both = normal.columns.intersection(abnormal.columns)
    families = {name: [name, *_parents(graph, name, both)] for name in both}
    return pd.Series({name: _z(normal[family].to_numpy(), abnormal[family].to_numpy())
                      for name, family in families.items()}, dtype=float)


def _parents(graph: nx.DiGraph, name: str, having: Collection[str]) -> list[str]:
    """The nearest callees that have the metric."""
    if name not in graph:
        return []
    return sorted(reached(graph.successors, name, having).intersection(having))


def _z(normal: np.ndarray, abnormal: np.ndarray) -> float:
    """Largest |z| of the first column's residual on the others."""
    x, y = normal[:, 1:], normal[:, 0]
    mean, scale = x.mean(axis=0), _scale(x)  # slopes then do not depend on the parents' units
    slope = np.linalg.lstsq((x - mean) / scale, y - y.mean(), rcond=None)[0]
    residual, new = (side[:, 0] - y.mean() - (side[:, 1:] - mean) / scale @ slope
                     for side in (normal, abnormal))
    return float(np.abs(new - residual.mean()).max() / _scale(residual, np.abs(y).max()))


def _scale(values: np.ndarray, size: float | None = None) -> np.ndarray:
    """Standard deviation; 1 where it is of rounding errors alone, told by the values' size."""
    deviation = values.std(axis=0)
    largest = np.abs(values).max(axis=0) if size is None else size
    return np.where(deviation > 10 * len(values) * _EPS * largest, deviation, 1.0)
