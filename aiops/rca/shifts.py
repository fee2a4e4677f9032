"""How far samples of the incident lie off normal ones, beyond what chance gives.

Effects are in one unit: log(1 + e), where e counts normal scales beyond the allowance for
samples of this size. 0 is what normal operation shows by chance.
"""

from __future__ import annotations

import numpy as np

ALLOWANCE = 2.5  # standard errors that chance may take
LEVELS = (0.25, 0.5, 0.75, 0.9)  # the upper half twice: a third of slow requests is an incident
_FEW_NORMAL, _FEW_ABNORMAL = 5, 3
_BEYOND = 1.5  # samples of the incident beyond a quantile, for it to be one


def ascending(group: np.ndarray, value: np.ndarray) -> np.ndarray:
    """The order in which ``by_quantiles`` takes values: by group, ascending within it."""
    return np.lexsort((value, group))


def by_quantiles(group: np.ndarray, value: np.ndarray, normal: np.ndarray, abnormal: np.ndarray,
                 n_groups: int, floor: float = 0.05, least: float = 1e3) -> np.ndarray:
    """Effect by group: the largest move of a quantile beyond its sampling error.

    The abnormal q-quantile is held against the normal quantile at q plus the standard error of
    q for these numbers of samples: where the normal tail is long, the allowance is too. A move
    counts in scales: IQR / 1.35, at least ``floor`` of |median| and ``least``, and of the upper
    quantiles at least that of the normal tail.

    Args:
        group: group number of each value, int (n,); groups and values are ``ascending``.
        normal, abnormal: which values count on which side, bool (n,).

    Returns:
        log(1 + scales), float (n_groups,), positive up, negative down; 0 where samples are few.
    """
    effect = np.zeros(n_groups)
    left, right = (_Sorted(group[side], value[side], n_groups) for side in (normal, abnormal))
    ok = np.flatnonzero((left.n >= _FEW_NORMAL) & (right.n >= _FEW_ABNORMAL))
    if not len(ok):
        return effect
    middle = left.quantile(ok, 0.5)
    spread = (left.quantile(ok, 0.75) - left.quantile(ok, 0.25)) / 1.35
    scale = np.maximum(np.maximum(spread, floor * np.abs(middle)), least)
    error = ALLOWANCE * np.sqrt(1 / left.n[ok] + 1 / right.n[ok])
    tail = np.maximum(scale, (left.quantile(ok, 0.95) - middle) / 1.645)
    moves = np.array([_move(left, right, ok, tail if q > 0.5 else scale, error, q)
                      for q in LEVELS])
    strongest = np.abs(moves).argmax(axis=0)
    move = moves[strongest, np.arange(len(ok))]
    effect[ok] = np.sign(move) * np.log1p(np.abs(move))
    return effect


def proportions(k0: np.ndarray, n0: np.ndarray, k1: np.ndarray, n1: np.ndarray) -> np.ndarray:
    """z of k1 of n1 against k0 of n0, pooled, each count with half a success and a failure more."""
    p = (k0 + k1 + 1) / (n0 + n1 + 2)
    n0, n1 = np.maximum(n0, 1), np.maximum(n1, 1)
    made: np.ndarray = (k1 / n1 - k0 / n0) / np.sqrt(p * (1 - p) * (1 / n0 + 1 / n1))
    return made


class _Sorted:
    """Values by group, in ascending order."""

    def __init__(self, group: np.ndarray, value: np.ndarray, n_groups: int) -> None:
        self.value = value.astype(float)
        self.n = np.bincount(group, minlength=n_groups)
        self.first = np.r_[0, np.cumsum(self.n)[:-1]]

    def quantile(self, groups: np.ndarray, q: float | np.ndarray) -> np.ndarray:
        at = (self.n[groups] - 1) * np.clip(q, 0, 1)
        low = np.floor(at).astype(int)
        high = np.minimum(low + 1, self.n[groups] - 1)
        below, above = (self.value[self.first[groups] + i] for i in (low, high))
        made: np.ndarray = below + (above - below) * (at - low)
        return made


def _move(left: _Sorted, right: _Sorted, ok: np.ndarray, scale: np.ndarray, error: np.ndarray,
          q: float) -> np.ndarray:
    """Scales that the q-quantile moved beyond the allowance, signed."""
    by = error * np.sqrt(q * (1 - q))
    told = right.n[ok] * (1 - q) >= _BEYOND
    now = right.quantile(ok, q)
    # an allowance beyond the largest value seen goes on in scales: three from end to end
    up = (now - left.quantile(ok, q + by)) / scale - 3 * np.maximum(q + by - 1, 0)
    down = (left.quantile(ok, q - by) - now) / scale - 3 * np.maximum(by - q, 0)
    return np.where(up >= down, np.maximum(up, 0), -np.maximum(down, 0)) * told
