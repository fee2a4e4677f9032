"""The path of a stated symptom: who moves with it, and is not explained by whom it calls."""

from __future__ import annotations

import numpy as np
import pandas as pd

from aiops.rca import places
from aiops.rca.aligned import pearson
from aiops.rca.matrix import quantiles
from aiops.rca.view import View

TABLE = "matrix"
WEIGHT = 4.0  # a stated symptom leads
EXPLAINED = 0.7  # of a caller's blame, by the callee that is blamed most
_RECENT = 20  # normal rows next to the incident that the correlation takes in
_FLOOR = 0.05  # correlation below which it says nothing
_FEW = 3  # rows that a correlation needs
_ROUNDING = 1e-9
_SPREAD = 0.01  # least scale, as a share of the median


def blame(view: View) -> pd.Series | None:
    """log(1 + scales in the symptom's direction) times its correlation with the symptom.

    Only columns of the symptom's own name are compared, in the direction in which that metric is
    skewed over all services (up for latency, down for availability). The correlation with the
    symptom is taken over the incident and over the last normal rows with it, and a caller loses
    what its worst callee explains.
    """
    found = _found(view)
    if found is None:
        return None
    moved, owner = found
    by_owner = moved["blame"].groupby(owner).max()
    left = places.hand_down(by_owner, view.arrays.edges, EXPLAINED)
    return WEIGHT * left.reindex(view.suspects).fillna(0.0)


def signals(view: View) -> pd.DataFrame:
    """The symptom's metric at every service."""
    found = _found(view)
    assert found is not None
    moved, owner = found
    assert view.case.symptom is not None
    return pd.DataFrame({"suspect": owner, "signal": f"{view.case.symptom['metric']} moves with "
                         "the symptom", "effect": WEIGHT * moved["blame"],
                         "before": moved["before"], "during": moved["during"]})


def _found(view: View) -> tuple[pd.DataFrame, np.ndarray] | None:
    matrix, symptom = view.arrays.matrix, view.case.symptom
    if matrix is None or symptom is None:
        return None
    named = (matrix.about["name"] == symptom["metric"]).to_numpy()
    owner = matrix.about.loc[named, "owner"].to_numpy(dtype=object)
    at = np.flatnonzero(owner == symptom["service"])
    normal, abnormal = view.sides(matrix)
    if not len(at) or not abnormal.any() or not normal.any():
        return None
    return _moved(matrix.values[:, named], normal, abnormal, int(at[0])), owner


def _moved(values: np.ndarray, normal: np.ndarray, abnormal: np.ndarray,
           at: int) -> pd.DataFrame:
    """By column: blame before callees explain it, mean before and during."""
    calm, now = values[normal], values[abnormal]
    sign = _bad_direction(calm)
    z = np.maximum(_scales(calm, now, sign), 0.0)
    rows = np.r_[np.flatnonzero(normal)[-_RECENT:], np.flatnonzero(abnormal)]
    along = np.maximum(_correlation(values[rows], at), _FLOOR)
    along *= np.maximum(_correlation(now, at), _FLOOR)
    along[at] = np.median(np.delete(along, at)) if len(along) > 1 else 1.0
    with np.errstate(invalid="ignore"):
        before, during = (np.nansum(side, axis=0) / (~np.isnan(side)).sum(axis=0)
                          for side in (calm, now))
    return pd.DataFrame({"blame": np.log1p(z) * along, "before": before, "during": during})


def _scales(calm: np.ndarray, now: np.ndarray, sign: float) -> np.ndarray:
    """Scales that the incident's mean lies off normal means of as many rows, bad direction > 0.

    A column whose means never moved counts ten times the share of rows beyond its normal range.
    """
    rolling = np.sort(_rolling(calm, len(now)), axis=0)
    p5, low, middle, high, p95 = quantiles(rolling, (0.05, 0.25, 0.5, 0.75, 0.95))
    scale = np.where(high > low, (high - low) / 1.35, (p95 - p5) / 3.29)
    still = ~(scale > _ROUNDING * np.abs(middle))  # running sums round: that is no movement
    scale = np.maximum(np.nan_to_num(scale), _SPREAD * np.abs(middle))
    n = (~np.isnan(now)).sum(axis=0)
    off = sign * (np.nansum(now, axis=0) / np.maximum(n, 1) - middle)
    tail = quantiles(np.sort(calm, axis=0), (0.02, 0.98))[1 if sign > 0 else 0]
    beyond = 10 * (sign * (now - tail) > 0).sum(axis=0) / np.maximum(n, 1)
    z = np.where(still, beyond * (off > 0), off / np.where(scale > 0, scale, 1))
    there = (~np.isnan(calm)).mean(axis=0) > 0.2
    return np.where(there & (n > 0), np.nan_to_num(z), 0.0)


def _bad_direction(calm: np.ndarray) -> float:
    """+1 or -1: the side of the longer tail, by the sign of the skew of most columns."""
    off = calm - np.nansum(calm, axis=0) / np.maximum((~np.isnan(calm)).sum(axis=0), 1)
    skew = np.sign(np.nansum(off**3, axis=0)).sum()
    return 1.0 if skew >= 0 else -1.0


def _rolling(values: np.ndarray, length: int) -> np.ndarray:
    """Means of ``length`` rows in turn, NaN where none of them has a value."""
    length = min(length, len(values))
    there = ~np.isnan(values)
    zero = np.zeros((1, values.shape[1]))
    total = np.vstack([zero, np.nan_to_num(values).cumsum(axis=0)])
    n = np.vstack([zero, there.cumsum(axis=0)])
    total, n = total[length:] - total[:-length], n[length:] - n[:-length]
    return np.where(n > 0, total / np.maximum(n, 1), np.nan)


def _correlation(values: np.ndarray, at: int) -> np.ndarray:
    """Pearson's correlation with column ``at`` over rows where both are, 0 where it has none."""
    r, n = pearson(pd.DataFrame(values), at)
    return np.where(n >= _FEW, r.fillna(0.0), 0.0)
