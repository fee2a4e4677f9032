"""From places of the call graph that moved to who is behind them.

A place is a service's own work or what lies between two services (``caller->callee``). Who
moves them is told by the pattern: a slow network at one service delays every edge it touches,
a slow database all that lead to it, a crowded host everything.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

OWN, BETWEEN, SILENT = "own", "between", "silent"  # silent: to a peer that sends no spans
_ONE_CALLER = 0.9  # a silent peer may be slow for one caller alone: then its pool may be why
_CALLER_PART = 0.5  # of a failure that begins between it and its callee
_EDGE_FIRST = 1.02  # an edge that is a suspect goes before an end that explains no more than it


def blame(effect: np.ndarray, kind: np.ndarray, place: np.ndarray, suspects: Sequence[str]
          ) -> pd.Series:
    """Blame by suspect, float.

    A suspect's blame is the effect on its own work, plus the largest effect on its edges times
    the cosine between the vector of all edges' effects and the suspect's own pattern: its
    incoming edges, its outgoing ones, or both. Whom no telemetry names (a host) is matched with
    all places at once.

    Args:
        effect: how much each place moved, float >= 0 (n_places,).
        kind: OWN, BETWEEN or SILENT; place: a service, or ``caller->callee``.
    """
    index = pd.Index(list(suspects), dtype=object)
    edge = kind != OWN
    caller, callee = _ends(place, edge)
    by, to, at = (index.get_indexer(names) for names in (caller, callee, place))
    moved, twice = np.where(edge, effect, 0.0), caller == callee
    silent = np.where(kind == SILENT, to, -1)
    alone = _ONE_CALLER * _largest(effect, silent, len(index)) * _share(
        moved, silent, len(index))
    whose = [_match(np.r_[moved, moved], np.r_[to, np.where(twice, -1, by)], len(index), moved),
             *(_match(moved, who, len(index), moved)
               for who in (to, np.where(kind == BETWEEN, by, -1))), alone]
    service = _largest(effect, np.where(edge, -1, at), len(index)) + np.max(whose, axis=0)
    as_edge = _EDGE_FIRST * _match(moved, np.where(edge, at, -1), len(index), moved)
    everything = _match(effect, np.zeros(len(effect), dtype=int), 1, effect)
    found = np.where(index.isin([*place, *caller, *callee]), service, everything)
    is_edge = index.str.contains("->", regex=False)
    return pd.Series(np.where(is_edge, as_edge, found), index=index, dtype=float)


def _ends(place: np.ndarray, edge: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Caller and callee of edges, "" of what is none."""
    ends = [each.split("->") if between else ("", "")
            for each, between in zip(place, edge, strict=True)]
    caller, callee = (np.array([end[side] for end in ends], dtype=object) for side in (0, 1))
    return caller, callee


def _match(effect: np.ndarray, who: np.ndarray, n: int, whole: np.ndarray) -> np.ndarray:
    """By suspect, how well its places explain the whole: cosine, times their largest effect.

    Args:
        who: number of the suspect that each effect is of; -1: of none.
        whole: all effects, which the cosine is to.
    """
    mine = who >= 0
    total = np.bincount(who[mine], effect[mine], n)
    places = np.maximum(np.bincount(who[mine], minlength=n), 1)
    length = float(np.sqrt((whole**2).sum())) or 1.0
    return np.asarray(total / np.sqrt(places) / length * _largest(effect, who, n))


def _largest(effect: np.ndarray, who: np.ndarray, n: int) -> np.ndarray:
    """By suspect, the largest of its effects, 0 where it has none."""
    made = np.zeros(n)
    np.maximum.at(made, who[who >= 0], effect[who >= 0])
    return made


def _share(effect: np.ndarray, who: np.ndarray, n: int) -> np.ndarray:
    """By suspect, its part of the sum of all squares."""
    mine = who >= 0
    squares = np.bincount(who[mine], effect[mine]**2, n)
    return np.asarray(squares / (float((effect**2).sum()) or 1.0))


def direct(effect: np.ndarray, kind: np.ndarray, place: np.ndarray,
           suspects: Sequence[str]) -> pd.Series:
    """Blame by suspect of what begins at one place, as a failure does: the largest effect.

    What lies between two services is the edge's, where edges are suspects, else the callee's;
    the caller takes part.
    """
    edge = kind != OWN
    ends = [str(each).split("->") for each in place]
    shares = [(place, np.where(edge, _EDGE_FIRST, 1.0)),
              (np.array([end[-1] for end in ends], dtype=object), edge.astype(float)),
              (np.array([end[0] for end in ends], dtype=object), edge * _CALLER_PART)]
    each = pd.concat([pd.Series(effect * share, index=who) for who, share in shares])
    return each.groupby(level=0).max().reindex(list(suspects)).fillna(0.0).astype(float)


def hand_down(blame: pd.Series, edges: pd.DataFrame, share: float) -> pd.Series:
    """Blame, less what a callee's blame explains: a caller that only shows its callee's failure.

    Args:
        edges: caller, callee.
        share: of the smaller of the two blames that the caller loses.
    """
    return blame - share * np.minimum(blame, worst_callee(blame, edges))


def worst_callee(blame: pd.Series, edges: pd.DataFrame) -> pd.Series:
    """The largest blame among whom each calls; 0 for who calls nobody."""
    edges = edges[edges["caller"].isin(blame.index) & edges["callee"].isin(blame.index)
                  & (edges["caller"] != edges["callee"])]
    worst = pd.Series(blame.reindex(edges["callee"]).to_numpy()).groupby(
        edges["caller"].to_numpy()).max()
    return worst.reindex(blame.index).fillna(0.0)


def by_suspect(found: pd.DataFrame) -> pd.DataFrame:
    """Reasons by place (kind, place, signal, effect, ...) as reasons by suspect.

    An edge's is one for the edge and for both of its ends.
    """
    edge = found["kind"] != OWN
    ends = found.assign(suspect=found["place"].where(~edge, found["place"].str.split("->")))
    own = found[edge]
    own = own.assign(suspect=own["place"])  # all of found's, where no place is an edge, adds rows
    return pd.concat([ends.explode("suspect"), own])[
        ["suspect", "signal", "effect", "before", "during"]].reset_index(drop=True)
