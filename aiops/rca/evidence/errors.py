"""Where failures begin: spans in error none of whose children is, and calls nobody answered."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from aiops.rca import places, shifts
from aiops.rca.view import Arrays, View

TABLE = "spans"
_SURE = 1.5  # standard errors of the two shares that chance may take


class _Places(NamedTuple):
    at: np.ndarray  # number of the place of each span
    began: np.ndarray  # whether a failure began there, float
    kind: np.ndarray
    place: np.ndarray


def blame(view: View) -> pd.Series | None:
    """Shares of failed spans by place, by who is behind them.

    Counts are binomial: the effect is log(1 + 2 z beyond chance) of two shares.
    """
    if view.arrays.spans is None:
        return None
    found = _failures(view)
    return places.direct(found["effect"].to_numpy(), found["kind"].to_numpy(),
                         found["place"].to_numpy(), view.suspects)


def signals(view: View) -> pd.DataFrame:
    """A row a place, under both ends of an edge: share of failures before and during."""
    found = _failures(view)
    found["signal"] = "failures begin at " + found["place"] + ", share"
    return places.by_suspect(found)


def _failures(view: View) -> pd.DataFrame:
    """Per place: kind, share of spans where a failure began on both sides, effect."""
    made = view.arrays.once(_places)
    assert view.arrays.spans is not None
    (n0, k0), (n1, k1) = (
        (np.bincount(made.at[side], minlength=len(made.place)),
         np.bincount(made.at[side], weights=made.began[side], minlength=len(made.place)))
        for side in view.sides(view.arrays.spans))
    z = np.where(n1 > 0, shifts.proportions(k0, n0, k1, n1), 0.0)
    return pd.DataFrame({"place": made.place, "kind": made.kind,
                         "effect": np.log1p(2 * np.maximum(z - _SURE, 0)),
                         "before": k0 / np.maximum(n0, 1), "during": k1 / np.maximum(n1, 1)})


def _places(arrays: Arrays) -> _Places:
    spans = arrays.spans
    assert spans is not None
    began = spans.failed & (spans.origin == np.arange(len(spans)))
    at, names = pd.factorize(spans.place)
    _, first = np.unique(at, return_index=True)
    return _Places(at, began.astype(float), spans.kind[first], np.asarray(names, dtype=object))
