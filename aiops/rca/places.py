"""From places of the call graph that moved to who is behind them.

A place is a service's own work or what lies between two services (``caller->callee``). Who
moves them is told by the pattern: a slow network at one service delays every edge it touches,
a slow database all that lead to it, a crowded host everything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

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
    ends = [each.split("->") if what != OWN else ("", "")
            for each, what in zip(place, kind, strict=True)]
    caller = np.array([end[0] for end in ends], dtype=object)
    callee = np.array([end[1] for end in ends], dtype=object)
    edge = kind != OWN
    named = set(place) | set(caller) | set(callee)
    like = _pattern(np.where(edge, effect, 0.0))
    energy = max(float((effect[edge] ** 2).sum()), 1e-12)

    def of(suspect: str) -> float:
        if suspect not in named:
            anywhere = np.full(len(effect), "->" not in suspect)
            return _pattern(effect)(anywhere)
        if "->" in suspect:
            return _EDGE_FIRST * like(place == suspect)
        into, out = edge & (callee == suspect), edge & (caller == suspect)
        silent = effect[into & (kind == SILENT)]
        alone = silent.max(initial=0.0) * _ONE_CALLER * (silent**2).sum() / energy
        own = effect[(kind == OWN) & (place == suspect)].max(initial=0.0)
        return float(own + max(like(into), like(out & (kind == BETWEEN)), like(into | out), alone))

    return pd.Series({suspect: of(suspect) for suspect in suspects}, dtype=float)


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


def _pattern(effect: np.ndarray) -> Callable[[np.ndarray], float]:
    """How well a set of places explains the effects: cosine, times its largest effect."""
    length = np.sqrt((effect**2).sum())

    def like(chosen: np.ndarray) -> float:
        if not length or not chosen.any():
            return 0.0
        mine = effect[chosen]
        return float(mine.sum() / np.sqrt(len(mine)) / length * mine.max())

    return like


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
