"""How far samples of the incident lie off normal ones, beyond what chance gives.

Effects are in one unit: log(1 + e), where e counts normal scales beyond the allowance for
samples of this size. 0 is what normal operation shows by chance.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

ALLOWANCE = 2.5  # standard errors that chance may take
LEVELS = (0.25, 0.5, 0.75, 0.9)  # the upper half twice: a third of slow requests is an incident
_FEW_NORMAL, _FEW_ABNORMAL = 5, 3
_BEYOND = 1.5 - 1e-9  # samples of the incident beyond a quantile, for it to be one
_IN_TAIL = 0.75  # a quantile of normal time beyond which its tail is the scale
_CHANCE = np.log(0.01)  # that as many of the incident's are the largest of all
_LEAST_SHARE, _LEAST_NS = 0.05, 1e3  # of a scale: of the median, and of the clock


def ascending(group: np.ndarray, value: np.ndarray) -> np.ndarray:
    """The order in which ``by_quantiles`` takes values: by group, ascending within it."""
    return np.lexsort((value, group))


def first_of(group: np.ndarray, request: np.ndarray) -> np.ndarray:
    """Which are the first of their group in their request, bool (n,)."""
    key = group * (request.max(initial=0) + 1) + request
    return ~pd.Series(key).duplicated().to_numpy()


def by_quantiles(group: np.ndarray, value: np.ndarray, normal: np.ndarray, abnormal: np.ndarray,
                 n_groups: int, first: np.ndarray | None = None) -> np.ndarray:
    """Effect by group, float (n_groups,): see ``moves``."""
    return moves(group, value, normal, abnormal, n_groups, first).effect


class Moves(NamedTuple):
    """By group: the effect, the quantile whose move it is, and its value before and during."""

    effect: np.ndarray
    level: np.ndarray
    before: np.ndarray
    during: np.ndarray


def moves(group: np.ndarray, value: np.ndarray, normal: np.ndarray, abnormal: np.ndarray,
          n_groups: int, first: np.ndarray | None = None) -> Moves:
    """Of each group the largest move of a quantile beyond its sampling error.

    The abnormal q-quantile is held against the normal quantile at q plus the standard error of
    q for these numbers of samples: where the normal tail is long, the allowance is too. Beyond
    the largest normal value only as many say something as chance would hardly put there. A move
    counts in scales: IQR / 1.35, at least 5 % of |median| and 1 microsecond, and in the upper
    quarter at least that of the normal tail.

    Args:
        group: group number of each value, int (n,); groups and values are ``ascending``.
        normal, abnormal: which values count on which side, bool (n,).
        first: which values are the first of their group in their request, bool (n,): what one
            request shows twice is one sample. All are samples when None.

    Returns:
        Effects as log(1 + scales), positive up, negative down; 0, and the other three NaN, where
        samples are few.
    """
    made = Moves(np.zeros(n_groups), *np.full((3, n_groups), np.nan))
    first = np.ones(len(group), dtype=bool) if first is None else first
    left, right = (_Sorted(group[side], value[side], first[side], n_groups)
                   for side in (normal, abnormal))
    ok = np.flatnonzero((left.samples >= _FEW_NORMAL) & (right.samples >= _FEW_ABNORMAL))
    if len(ok):
        scale = _Scale.of(left, ok)
        move = np.array([_move(left, right, ok, scale, q) for q in LEVELS])
        at = np.abs(move).argmax(axis=0)
        largest, level = move[at, np.arange(len(ok))], np.array(LEVELS)[at]
        made.effect[ok] = np.sign(largest) * np.log1p(np.abs(largest))
        made.level[ok] = level
        made.before[ok], made.during[ok] = left.quantile(ok, level), right.quantile(ok, level)
    return made


def proportions(k0: np.ndarray, n0: np.ndarray, k1: np.ndarray, n1: np.ndarray) -> np.ndarray:
    """z of k1 of n1 against k0 of n0, pooled, each count with half a success and a failure more."""
    p = (k0 + k1 + 1) / (n0 + n1 + 2)
    n0, n1 = np.maximum(n0, 1), np.maximum(n1, 1)
    made: np.ndarray = (k1 / n1 - k0 / n0) / np.sqrt(p * (1 - p) * (1 / n0 + 1 / n1))
    return made


class _Sorted:
    """Values by group, in ascending order."""

    def __init__(self, group: np.ndarray, value: np.ndarray, first: np.ndarray,
                 n_groups: int) -> None:
        self.value = value.astype(float)
        self.n = np.bincount(group, minlength=n_groups)
        self.samples = np.bincount(group[first], minlength=n_groups)
        self.first = np.r_[0, np.cumsum(self.n)[:-1]]

    def quantile(self, groups: np.ndarray, q: float | np.ndarray) -> np.ndarray:
        at = (self.n[groups] - 1) * np.clip(q, 0, 1)
        low = np.floor(at).astype(int)
        high = np.minimum(low + 1, self.n[groups] - 1)
        below, above = (self.value[self.first[groups] + i] for i in (low, high))
        made: np.ndarray = below + (above - below) * (at - low)
        return made


class _Scale(NamedTuple):
    """Of normal values: in the middle, and of the upper tail, which is no smaller."""

    middle: np.ndarray
    tail: np.ndarray

    @classmethod
    def of(cls, left: _Sorted, ok: np.ndarray) -> _Scale:
        centre = left.quantile(ok, 0.5)
        spread = (left.quantile(ok, 0.75) - left.quantile(ok, 0.25)) / 1.35
        middle = np.maximum(np.maximum(spread, _LEAST_SHARE * np.abs(centre)), _LEAST_NS)
        return cls(middle, np.maximum(middle, (left.quantile(ok, 0.95) - centre) / 1.645))


def _move(left: _Sorted, right: _Sorted, ok: np.ndarray, scale: _Scale, q: float) -> np.ndarray:
    """Scales that the q-quantile moved beyond the allowance, signed."""
    n0, n1 = left.samples[ok], right.samples[ok]
    by = ALLOWANCE * np.sqrt(1 / n0 + 1 / n1) * np.sqrt(q * (1 - q))
    beyond = n1 * (1 - q)
    rare = np.log(n1 / (n0 + n1)) * beyond < _CHANCE  # were all of these the largest of all
    told = (beyond >= _BEYOND) & ((q + by <= 1) | rare)
    now = right.quantile(ok, q)
    low = scale.tail if q > 0.5 else scale.middle
    high = np.where(q + by > _IN_TAIL, scale.tail, low)
    # an allowance beyond the largest value seen goes on in scales: three from end to end
    up = (now - left.quantile(ok, q + by)) / high - 3 * np.maximum(q + by - 1, 0)
    down = (left.quantile(ok, q - by) - now) / low - 3 * np.maximum(by - q, 0)
    return np.where(up >= down, np.maximum(up, 0), -np.maximum(down, 0)) * told
