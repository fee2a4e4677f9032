"""Why a suspect is blamed, in signals: what moved, from what to what, in which evidence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import networkx as nx
import numpy as np
import pandas as pd

from aiops.rca.evidence import EVIDENCE
from aiops.rca.view import View

COLUMNS = ["suspect", "evidence", "signal", "effect", "before", "during"]
_EACH = 3  # signals told of an evidence
_TELLS = 0.05  # share of a suspect's blame below which an evidence is not worth telling
SECOND = 0.6  # of the first's blame that a second culprit has, on evidence of its own
APART = 0.7  # of the second's own evidence that the next may have at most


def signals(view: View, evidence: Iterable[str]) -> pd.DataFrame:
    """Every signal of these evidence that moved: ``COLUMNS``, the strongest first.

    The effect is as the evidence states it, before calm windows silence any of it. What lies
    between two services stands under both of them, and under the edge (``caller->callee``).
    """
    parts = [EVIDENCE[name].signals(view).assign(evidence=name) for name in evidence]
    if not parts:
        return pd.DataFrame(columns=COLUMNS)
    found = pd.concat([part.reindex(columns=COLUMNS).astype({"suspect": object, "signal": object})
                       for part in parts if len(part)] or [parts[0].reindex(columns=COLUMNS)])
    found = pd.concat([found, _on_edges(found[found["evidence"] == "peers"])])
    found = found[found["suspect"].notna() & (found["effect"] > 0)]
    found = found.sort_values(["effect", "suspect", "evidence", "signal"],
                              ascending=[False, True, True, True], kind="stable")
    return found.drop_duplicates(["suspect", "evidence", "signal"]).reset_index(drop=True)


def _on_edges(peers: pd.DataFrame) -> pd.DataFrame:
    """Signals of peers under their edge: they are told under its two ends alone."""
    edge = peers["signal"].astype(str).str.removeprefix("time between ")
    return peers.assign(suspect=edge)[edge.str.contains("->", regex=False)]


def reasons(found: pd.DataFrame, adds: pd.DataFrame, first: Sequence[str]) -> pd.DataFrame:
    """The strongest signals of these suspects, those of what adds most to each first.

    Where an evidence speaks against who has no signal of its own (a host is blamed when all
    moves), its strongest signals anywhere stand for it.

    Args:
        found: signals, as ``signals`` gives them.
        adds: suspect x evidence, what each adds; at least a twentieth of the blame is told.
    """
    told = adds.reindex(list(first)).fillna(0.0).rename_axis(index="suspect", columns="evidence")
    told = told.where(told.ge(_TELLS * told.sum(axis=1), axis=0) & (told > 0))
    pairs = told.stack().dropna().rename("adds").reset_index()
    own = pairs.merge(found, on=["suspect", "evidence"], how="left", indicator=True)
    silent = own.loc[own["_merge"] == "left_only", ["suspect", "evidence", "adds"]]
    anyone = found.drop(columns="suspect").drop_duplicates(["evidence", "signal"])
    rows = pd.concat([own[own["_merge"] == "both"], silent.merge(anyone, on="evidence")])
    at = pd.Series(range(len(first)), index=list(first), dtype=int)
    rows = rows.assign(at=rows["suspect"].map(at)).sort_values(
        ["at", "adds", "effect"], ascending=[True, False, False], kind="stable")
    return rows.groupby(["suspect", "evidence"], sort=False).head(_EACH)[COLUMNS].reset_index(
        drop=True)


def culprits(terms: pd.DataFrame, found: pd.DataFrame, graph: nx.DiGraph) -> tuple[str, ...]:
    """The first suspect; with it a second where there are two.

    A second culprit has at least ``SECOND`` of the first's blame on evidence of its own, and
    nobody else comes near it (the next has at most ``APART`` of that). Evidence is not its own
    when the first explains it: it calls the first, directly or through others; one of the two is
    an edge that ends at the other; or the evidence's strongest signal lies between the two. Two
    faults of which one calls the other are therefore taken for one.

    Args:
        terms: suspect x evidence, highest sum first.
        found: signals. graph: caller -> callee.
    """
    blame = terms.sum(axis=1)
    if blame.empty or blame.iloc[0] <= 0:
        return ()
    first = str(terms.index[0])
    if not (found["suspect"] == first).any():  # blamed for what all show: it explains all
        return (first,)
    own = pd.Series({rival: _own(terms.loc[rival], rival, first, found)
                     for rival in _rivals(terms, first, graph)}, dtype=float)
    own = own.sort_values(ascending=False, kind="stable")
    after = own.iloc[1] if len(own) > 1 else 0.0
    two = len(own) and own.iloc[0] >= SECOND * blame.iloc[0] and after <= APART * own.iloc[0]
    return (first, str(own.index[0])) if two else (first,)


def _rivals(terms: pd.DataFrame, first: str, graph: nx.DiGraph) -> list[str]:
    """Suspects behind the first whom it does not explain by its place alone."""
    ends = set(first.split("->"))
    above: set[str] = set()
    for end in ends & set(graph):  # in a circle nobody is above
        above |= nx.ancestors(graph, end) - nx.descendants(graph, end)
    blame = terms.sum(axis=1)
    near = blame.iloc[1:] > SECOND * APART * blame.iloc[0]  # with less nobody decides anything
    behind = blame.index[1:][near]
    return [rival for rival in behind
            if rival not in above and not ends & set(str(rival).split("->"))]


def _own(terms: pd.Series, rival: str, first: str, found: pd.DataFrame) -> float:
    """Blame of a rival less evidence whose strongest signal lies between it and the first."""
    mine = found[found["suspect"] == rival].drop_duplicates("evidence")
    between = found[found["suspect"].isin([f"{rival}->{first}", f"{first}->{rival}"])]
    shared = mine.merge(between, on=["evidence", "signal"])["evidence"]
    kept = np.isin(terms.index, mine["evidence"]) & ~np.isin(terms.index, shared)
    return float(terms[kept].sum())
