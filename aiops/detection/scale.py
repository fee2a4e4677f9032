"""Robust scales, learned on the train part alone and free of units."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator

CONSTANT_SCORE = 5.0  # what a column that never moved in train scores at its largest move so far


class RobustScale(BaseEstimator):
    """Distance from the train median in units of the train spread.

    The spread is the larger of IQR / 1.35 and the standard deviation. No floor is set by
    the size of the values, so that neither a factor nor a constant added changes the answer.
    A column constant in train has no spread: once it moves it scores 5 times its move over
    the largest move up to that row. A column without any value in train is left out (NaN).
    """

    def fit(self, X: np.ndarray, y: Any = None) -> Self:
        """Learn from X, float64 (n_windows, n_columns), NaN for what is missing."""
        seen = ~np.isnan(X).all(axis=0)
        self.center_ = np.full(X.shape[1], np.nan)
        self.spread_ = np.full(X.shape[1], np.nan)
        self.center_[seen] = np.nanmedian(X[:, seen], axis=0)
        low, high = np.nanquantile(X[:, seen], [0.25, 0.75], axis=0)
        self.spread_[seen] = np.maximum((high - low) / 1.35, np.nanstd(X[:, seen], axis=0))
        still = np.zeros(X.shape[1], dtype=bool)
        still[seen] = np.nanmin(X[:, seen], axis=0) == np.nanmax(X[:, seen], axis=0)
        self.spread_[still] = 0.0  # a mean of equal floats may differ from them by rounding
        return self

    def transform(self, X: np.ndarray) -> np.ndarray:
        """Scaled deviation, same shape as X, NaN where X is NaN; causal."""
        moved = X - self.center_
        still = self.spread_ == 0
        scaled = moved / np.where(still, 1.0, self.spread_)
        if still.any():
            scaled[:, still] = _against_largest(moved[:, still])
        return scaled


def _against_largest(moved: np.ndarray) -> np.ndarray:
    largest = np.fmax.accumulate(np.abs(moved), axis=0)
    divisor = np.where(largest > 0, largest, 1.0)
    return CONSTANT_SCORE * moved / divisor


def soften(z: np.ndarray, linear_to: float = 10.0) -> np.ndarray:
    """z as it is up to ``linear_to``, growing as the logarithm beyond: no cell owns the score."""
    size = np.abs(z)
    beyond = linear_to * (1.0 + np.log(np.maximum(size, linear_to) / linear_to))
    return np.sign(z) * np.where(size > linear_to, beyond, size)
