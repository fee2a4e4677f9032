"""Bounded least squares of many small mechanisms at once."""

from __future__ import annotations

import numpy as np

_ROUNDS = 60


def bounded(gram: np.ndarray, moment: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Slopes that minimise b'Gb - 2c'b within bounds, over all problems at once.

    What lies within its bounds unbounded is that; the rest goes by coordinate descent, each
    coordinate in turn for all problems in one step: a thousand mechanisms cost a handful of array
    operations, where a solver a mechanism costs a second.

    Args:
        gram: (n_problems, p, p), positive definite; moment, low, high: (n_problems, p).
    """
    slope: np.ndarray = np.linalg.solve(gram, moment[:, :, None])[:, :, 0]
    out = ((slope < low) | (slope > high)).any(axis=1)
    if out.any():
        slope[out] = _descended(slope[out], gram[out], moment[out], low[out], high[out])
    return slope


def _descended(slope: np.ndarray, gram: np.ndarray, moment: np.ndarray, low: np.ndarray,
               high: np.ndarray) -> np.ndarray:
    slope, own = np.clip(slope, low, high), np.einsum("npp->np", gram)
    for _ in range(_ROUNDS):
        before = slope.copy()
        for k in range(moment.shape[1]):
            left = moment[:, k] - np.einsum("np,np->n", gram[:, k], slope)
            slope[:, k] = np.clip(slope[:, k] + left / own[:, k], low[:, k], high[:, k])
        if np.abs(slope - before).max() < 1e-9:
            break
    return slope
