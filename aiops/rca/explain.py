"""An incident explained: who is blamed, on what evidence, by which way it was felt."""

from __future__ import annotations

import copy
from typing import Any

import pandas as pd

from aiops.base import Ranker
from aiops.case import Case
from aiops.explained import Explanation
from aiops.rca import reasons
from aiops.rca.evidence import EVIDENCE
from aiops.rca.exhibits import Shown
from aiops.rca.graph_network import GraphNetwork, moved_by
from aiops.rca.paths import call_graph, path
from aiops.rca.view import View

SHOWN = 5


def explain(case: Case, ranker: Ranker | str | None = None, shown: int = SHOWN) -> Explanation:
    """Rank the suspects of a Case and say why.

    Args:
        ranker: a ranker, fitted where it must be, or the name of one that needs no fitting;
            the default one when None.
        shown: suspects whose reasons are told.

    Raises:
        CaseError: the Case has nothing that the ranker could rank by.
        UsageError: no such ranker.
    """
    from aiops.rca import DEFAULT, make

    name = ranker if isinstance(ranker, str) else DEFAULT
    model = ranker if isinstance(ranker, Ranker) else make(name)
    ranks, view, terms = _asked(model, case)
    found = reasons.signals(view, _speaking(view, terms))
    if terms is None:
        label = type(model).__name__ if isinstance(ranker, Ranker) else name
        terms = ranks.to_frame(label)
        adds = found.pivot_table(index="suspect", columns="evidence", values="effect",
                                 aggfunc="max").reindex(ranks.index)
    else:
        terms = adds = terms.reindex(ranks.index)
    moved = moved_by(model.graph(case), str(ranks.index[0]), model.network) if isinstance(
        model, GraphNetwork) and len(ranks) else None
    return _explained(case, ranks, terms, adds, found, view, shown, moved)


def _explained(case: Case, ranks: pd.Series, terms: pd.DataFrame, adds: pd.DataFrame,
               found: pd.DataFrame, view: View, shown: int, moved: pd.DataFrame | None
               ) -> Explanation:
    graph = call_graph(view.arrays.edges)
    blamed = bool(len(ranks) and ranks.iloc[0] > 0)
    confidence, abstains = ranks.attrs.get("confidence"), ranks.attrs.get("abstains")
    named = reasons.culprits(terms, found, graph) if adds is terms else tuple(ranks.index[:blamed])
    return Explanation(
        case, ranks, terms, reasons.reasons(found, adds, list(ranks.index[:shown])),
        path(case, graph, found, str(ranks.index[0])) if blamed else [],
        None if confidence is None else float(confidence),
        None if abstains is None else bool(abstains), () if abstains else named, found,
        Shown(view), moved)


def _asked(model: Ranker, case: Case) -> tuple[pd.Series, View, pd.DataFrame | None]:
    """The ranks; of a ranker that sums terms of a View, that View and its terms as well.

    They are noted while it ranks: asking for them again would take as long as ranking does.
    """
    noted: list[tuple[View, pd.DataFrame]] = []
    listening: Any = copy.copy(model)
    if hasattr(model, "terms"):
        def terms(view: View, *args: Any, **kwargs: Any) -> pd.DataFrame:
            made: pd.DataFrame = model.terms(view, *args, **kwargs)
            noted.append((view, made))
            return made

        listening.terms = terms
    ranks = listening.rank(case)
    for view, made in noted:  # a ranker may look at calm windows as well
        if view.abnormal == case.abnormal and view.case is case:
            return ranks, view, made
    return ranks, View.of(case, getattr(model, "memory_", None)), None


def _speaking(view: View, terms: pd.DataFrame | None) -> list[str]:
    """The evidence that has data in this Case."""
    if terms is not None:
        return [name for name in EVIDENCE if name in terms]
    return [name for name, module in EVIDENCE.items() if module.blame(view) is not None]
