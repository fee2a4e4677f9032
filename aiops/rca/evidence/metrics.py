"""Metrics of a service that moved away from normal."""

from __future__ import annotations

import numpy as np
import pandas as pd

from aiops.rca.matrix import Matrix, shift
from aiops.rca.view import View

TABLE = "matrix"
_SHARED_BY = 3  # services with a metric of this name, before what all have in common is left out


def blame(view: View) -> pd.Series | None:
    """Length of the vector of a suspect's effects, over the fourth root of their number.

    Half way between the largest, which finds one column among few, and the root mean square,
    which noise in one of many does not move. An effect is log(1 + scales beyond chance).
    """
    if view.arrays.matrix is None:
        return None
    effect, about = _effects(view, view.arrays.matrix)
    squares = (effect**2).groupby(about["owner"].to_numpy())
    length = np.sqrt(squares.sum() / np.sqrt(squares.size()))
    return length.reindex(view.suspects).fillna(0.0)


def signals(view: View) -> pd.DataFrame:
    """The columns that moved: medians before and during, in the metric's unit."""
    matrix = view.arrays.matrix
    assert matrix is not None
    effect, about = _effects(view, matrix)
    normal, abnormal = view.sides(matrix)
    own = matrix.about["peer_service"].isna().to_numpy()
    return pd.DataFrame({
        "suspect": about["owner"].to_numpy(), "signal": about["name"].to_numpy(), "effect": effect,
        "before": pd.DataFrame(matrix.values[normal][:, own]).median().to_numpy(),
        "during": pd.DataFrame(matrix.values[abnormal][:, own]).median().to_numpy()})


def _effects(view: View, matrix: Matrix) -> tuple[pd.Series, pd.DataFrame]:
    """Effect of each column that tells about one service; those with a peer tell about two."""
    own = matrix.about["peer_service"].isna().to_numpy()
    about = matrix.about[own].reset_index(drop=True)
    z = pd.Series(shift(matrix.values[:, own], *view.sides(matrix)))
    # what most services show under one name is load, or the node they share
    name = about["name"].to_numpy()
    common = z.groupby(name).transform("median")
    shared = about["owner"].groupby(name).transform("nunique") >= _SHARED_BY
    return np.log1p((z - common.where(shared, 0.0)).abs()), about
