"""How fine the clock is that took the latencies, as they tell it themselves."""

from __future__ import annotations

import numpy as np

_SAME = 1e-9  # of the largest value: rounding of the computer, no step of a clock


def step(y: np.ndarray) -> float:
    """The finest step that values tell, in their unit.

    0 where no two values are alike: then the clock is finer than what it took. Otherwise the
    smallest gap between two that differ, zero counted among them: a million values of exactly
    5 ms say nothing finer than 5 ms. Infinite where all are zero.
    """
    gaps = np.diff(np.sort(np.r_[0.0, np.abs(y)]))
    same = gaps <= _SAME * np.abs(y).max(initial=0.0)
    if not same[1:].any():
        return 0.0
    return float(gaps[~same].min()) if not same.all() else float("inf")


def stuck(y: np.ndarray, group: np.ndarray, groups: int) -> np.ndarray:
    """By group: whether more than half of its values are exactly the same.

    Where they scatter over several steps the rounding averages out of a mean; here it does not.
    """
    tied = np.unique(y, return_inverse=True)[1]
    part, count = np.unique(group * (int(tied.max(initial=0)) + 1) + tied, return_counts=True)
    most = np.zeros(groups)
    np.maximum.at(most, part // (int(tied.max(initial=0)) + 1), count)
    return np.asarray(2 * most > np.bincount(group, minlength=groups))
