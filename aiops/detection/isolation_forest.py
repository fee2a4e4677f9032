"""Windows that random cuts set apart quickly."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.ensemble import IsolationForest as _Forest

from aiops.base import Detector
from aiops.detection.frame import matrix
from aiops.detection.scale import RobustScale
from aiops.errors import InputError, NotFittedError


class IsolationForest(Detector):
    """Isolation Forest (Liu, Ting, Zhou, ICDM 2008) over robustly scaled columns.

    Works from a cold start: two windows are enough to fit, no label is used. As published
    it cannot see a column that was constant in train. Missing cells count as usual.

    Args:
        n_trees: trees of the forest.
        max_windows: windows drawn for each tree.
        seed: of the random cuts.

    Scaling comes first because the trees cut in 32-bit floats, where a small wave on a large
    constant would be lost; columns are put in an order of their content, so that the random
    cuts depend neither on their order nor on their names.
    """

    def __init__(self, n_trees: int = 100, max_windows: int = 256, seed: int = 0) -> None:
        self.n_trees = n_trees
        self.max_windows = max_windows
        self.seed = seed

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:
        """Grow the trees on X (n_windows, n_columns); y is not used."""
        values = matrix(X)
        if len(values) < 2 or np.isnan(values).all():
            raise InputError(
                f"IsolationForest needs at least 2 windows with values. Got {len(values)}.")
        self.columns_ = list(X.columns)
        self.scale_ = RobustScale().fit(values)
        scaled = np.nan_to_num(self.scale_.transform(values))
        self.order_ = np.argsort(np.tanh(scaled).mean(axis=0), kind="stable")
        self.forest_ = _Forest(
            n_estimators=self.n_trees, max_samples=min(self.max_windows, len(values)),
            random_state=self.seed, n_jobs=1).fit(scaled[:, self.order_])
        return self

    def score(self, X: pd.DataFrame) -> np.ndarray:
        """Anomaly score, float64 (n_windows,), in (0, 1); higher is more anomalous."""
        if not hasattr(self, "forest_"):
            raise NotFittedError("IsolationForest is not fitted. Call fit(X) first.")
        scaled = np.nan_to_num(self.scale_.transform(matrix(X, self.columns_)))
        if not len(scaled):
            return np.empty(0)
        return -self.forest_.score_samples(scaled[:, self.order_])
