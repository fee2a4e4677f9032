"""Why: models that rank the suspects of an incident, one file a model."""

from __future__ import annotations

import pandas as pd

from aiops.base import Ranker
from aiops.case import Case
from aiops.errors import UsageError
from aiops.explained import Explanation
from aiops.rca.baro import Baro
from aiops.rca.best_single_metric import BestSingleMetric
from aiops.rca.causal import StructuralCausal
from aiops.rca.circa import Circa
from aiops.rca.correlation import RankedCorrelation
from aiops.rca.explain import explain
from aiops.rca.fusion import Fusion
from aiops.rca.graph_network import GraphNetwork
from aiops.rca.learned import Learned
from aiops.rca.microrank import MicroRank
from aiops.rca.nezha import Nezha
from aiops.rca.nsigma import NSigma
from aiops.rca.random_walk import RandomWalk
from aiops.rca.traversal import Traversal

__all__ = ["DEFAULT", "RANKERS", "Baro", "BestSingleMetric", "Circa", "Explanation", "Fusion",
           "GraphNetwork", "Learned", "MicroRank", "NSigma", "Nezha", "RandomWalk",
           "RankedCorrelation", "StructuralCausal", "Traversal", "explain", "make", "rank"]

RANKERS: dict[str, type[Ranker]] = {
    "fusion": Fusion,
    "nsigma": NSigma, "baro": Baro, "traversal": Traversal,
    "correlation": RankedCorrelation,
    "random-walk": RandomWalk,
    "circa": Circa,
    "causal": StructuralCausal,
    "gnn": GraphNetwork,
    "microrank": MicroRank,
    "nezha": Nezha,
    "learned": Learned,
    "best-single-metric": BestSingleMetric,
}
DEFAULT = "fusion"


def make(ranker: str) -> Ranker:
    """A ranker by name, with its default settings."""
    if ranker not in RANKERS:
        raise UsageError(f"The ranker parameter must be one of {', '.join(RANKERS)}. "
                         f"Got {ranker!r} instead.")
    return RANKERS[ranker]()


def rank(case: Case, ranker: str = DEFAULT) -> pd.Series:
    """Blame by suspect, highest first, by a ranker that needs no fitting."""
    return make(ranker).rank(case)
