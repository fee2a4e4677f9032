"""How far a window lies from the usual, column by column."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd

from aiops.base import Detector
from aiops.detection.frame import matrix
from aiops.detection.scale import RobustScale, soften
from aiops.errors import InputError, NotFittedError


class RobustZ(Detector):
    """Root mean square of robust z-scores over the columns that have a value.

    Args:
        soften: let a cell count linearly to 10 scales and logarithmically beyond.

    A window without any value scores 0: nothing seen, nothing to say.
    """

    def __init__(self, soften: bool = True) -> None:
        self.soften = soften

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:
        """Learn median and spread a column from X (n_windows, n_columns); y is not used."""
        values = matrix(X)
        if len(values) < 2 or np.isnan(values).all():
            raise InputError(f"RobustZ needs at least 2 windows with values. Got {len(values)}.")
        self.columns_ = list(X.columns)
        self.scale_ = RobustScale().fit(values)
        return self

    def score(self, X: pd.DataFrame) -> np.ndarray:
        """Anomaly score, float64 (n_windows,), in train spreads; higher is more anomalous."""
        if not hasattr(self, "scale_"):
            raise NotFittedError("RobustZ is not fitted. Call fit(X) first.")
        z = self.scale_.transform(matrix(X, self.columns_))
        if self.soften:
            z = soften(z)
        seen = np.maximum((~np.isnan(z)).sum(axis=1), 1)
        return np.sqrt(np.nansum(z * z, axis=1) / seen)
