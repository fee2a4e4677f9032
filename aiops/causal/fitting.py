"""Bounded least squares of many small mechanisms at once."""

from __future__ import annotations

import numpy as np

_ROUNDS = 60


def bounded(gram: np.ndarray, moment: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Slopes that minimise b'Gb - 2c'b within bounds, by coordinate descent over all problems.

    Each coordinate is solved in turn, for all problems in one step: a thousand mechanisms cost a
    handful of array operations, where a solver a mechanism costs a second.

    Args:
        gram: (n_problems, p, p), positive semidefinite; moment, low, high: (n_problems, p).

    Returns:
        (n_problems, p); a coordinate whose own gram is 0 stays at the bound nearest to 0.
    """
    slope = np.clip(np.zeros_like(moment), low, high)
    own = np.einsum("npp->np", gram)
    for _ in range(_ROUNDS):
        before = slope.copy()
        for k in range(moment.shape[1]):
            left = moment[:, k] - np.einsum("np,np->n", gram[:, k], slope)
            step = np.divide(left, own[:, k], out=np.zeros_like(left), where=own[:, k] > 0)
            slope[:, k] = np.clip(slope[:, k] + step, low[:, k], high[:, k])
        if np.abs(slope - before).max(initial=0.0) < 1e-9:
            break
    return slope
