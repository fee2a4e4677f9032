"""Metrics that keep their peer: what the caller sees of an edge and the callee does not."""

from __future__ import annotations

import numpy as np
import pandas as pd

from aiops.rca import places
from aiops.rca.matrix import shift
from aiops.rca.view import View

TABLE = "matrix"


def blame(view: View) -> pd.Series | None:
    """Edges whose caller's view moved more than the callee's, matched to who is behind them.

    Where the callee has no view of the edge, what it waits for itself is left out, and its own
    work is part of what the caller sees.
    """
    edges = _edges(view)
    if edges is None:
        return None
    gap = edges["gap"].to_numpy()
    kind = np.where(edges["answered"], places.BETWEEN, places.SILENT)
    return places.blame(gap, kind, edges.index.to_numpy(), view.suspects)


def signals(view: View) -> pd.DataFrame:
    """A row an edge, under both of its ends: the caller's effect, less the callee's."""
    edges = _edges(view)
    assert edges is not None
    rows = [pd.DataFrame({"suspect": edges.index.str.split("->").str[end],
                          "signal": "time between " + edges.index, "effect": edges["gap"],
                          "before": np.nan, "during": np.nan}) for end in (0, 1)]
    return pd.concat(rows, ignore_index=True)


def _edges(view: View) -> pd.DataFrame | None:
    """Per edge ``caller->callee``: gap, and whether the callee has a view of its own."""
    matrix = view.arrays.matrix
    if matrix is None or matrix.about["peer_service"].isna().all() or view.arrays.edges.empty:
        return None
    seen = matrix.about["peer_service"].notna().to_numpy()
    effect = np.log1p(np.abs(shift(matrix.values[:, seen], *view.sides(matrix))))
    about = matrix.about[seen]
    told = pd.Series(effect, index=about["service"] + "->" + about["peer_service"])
    back = pd.Series(effect, index=about["peer_service"] + "->" + about["service"])
    known = view.arrays.edges["caller"] + "->" + view.arrays.edges["callee"]
    caller, callee = (each[each.index.isin(known)].groupby(level=0).max()
                      for each in (told, back))
    if caller.empty:
        return None
    below = pd.Series(caller.to_numpy(), caller.index.str.split("->").str[0]).groupby(level=0).max()
    waited = pd.Series(below.reindex(caller.index.str.split("->").str[1]).to_numpy(), caller.index)
    seen_there = callee.reindex(caller.index).fillna(waited.fillna(0.0))
    gap = (caller - seen_there).clip(lower=0.0)
    return pd.DataFrame({"gap": gap, "answered": caller.index.isin(callee.index)})
