"""Intervals by the bootstrap: resample what is independent (cases, incidents, series)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

RESAMPLES, SEED, CONFIDENCE = 2000, 20260131, 0.95


def interval(values: ArrayLike, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Percentile interval of the mean over independent values.

    It covers the choice of cases, not the choice of settings. All values equal give an
    interval of no width: with few cases read n beside it.
    """
    x = np.asarray(values, dtype=float)
    if not len(x):
        raise ValueError("interval needs at least one value. Got none.")
    draws = np.random.default_rng(SEED).integers(0, len(x), (RESAMPLES, len(x)))
    low, high = np.quantile(x[draws].mean(axis=1), [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def resampled(statistic: Callable[[np.ndarray], float], strata: ArrayLike,
              resamples: int = 500, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Percentile interval of a figure that is no mean.

    Args:
        statistic: takes how often each item counts, float (n_items,).
        strata: which stratum an item is of (n_items,); each keeps its number of items, so that
            a figure of incidents and controls never lacks one of them.
    """
    of, rng = np.asarray(strata), np.random.default_rng(SEED)
    drawn = np.empty(resamples)
    for i in range(resamples):
        times = np.zeros(len(of))
        for stratum in np.unique(of):
            items = np.flatnonzero(of == stratum)
            np.add.at(times, rng.choice(items, len(items)), 1.0)
        drawn[i] = statistic(times)
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def paired(challenger: ArrayLike, champion: ArrayLike,
           confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Interval of the mean difference, challenger less champion, over the same cases."""
    a, b = np.asarray(challenger, dtype=float), np.asarray(champion, dtype=float)
    if a.shape != b.shape:
        raise ValueError(f"paired needs the same cases twice. Got {a.shape} and {b.shape}.")
    return interval(a - b, confidence)
