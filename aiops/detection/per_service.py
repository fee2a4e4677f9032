"""One detector a service, and a pooled one for services not seen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import clone

from aiops.base import Detector
from aiops.errors import InputError, NotFittedError

KEYS = ["service", "window_start"]
FEWEST_WINDOWS = 8  # a service with fewer train windows is scored by the pooled detector


class PerService(Detector):
    """Fits a clone of ``detector`` on each service, and one on all rows together.

    X is a frame of the columns ``service`` (text), ``window_start`` and the detector's own,
    rows in any order. With ``standardise`` the scores of each member are set to 0 at its
    train median and to 1 at its train 99 % point, so that services can be compared.
    """

    def __init__(self, detector: Detector, standardise: bool = True) -> None:
        self.detector = detector
        self.standardise = standardise

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:
        """Learn normal operation of every service in X; y is not used."""
        parts = {service: rows for service, _, rows in _by_service(X)}
        if not parts:
            raise InputError("PerService needs at least one row. Got an empty frame.")
        kept = {s: rows for s, rows in parts.items() if len(rows) >= FEWEST_WINDOWS}
        self.members_ = {s: clone(self.detector).fit(rows) for s, rows in kept.items()}
        self.pooled_ = clone(self.detector).fit(pd.concat(parts.values()))
        self.levels_ = {s: _level(self.members_[s].score(rows)) for s, rows in kept.items()}
        self.pooled_level_ = _level(self.pooled_.score(pd.concat(parts.values())))
        return self

    def score(self, X: pd.DataFrame) -> np.ndarray:
        """Anomaly score a row of X, float64 (n_rows,), in the order of the rows."""
        if not hasattr(self, "pooled_"):
            raise NotFittedError("PerService is not fitted. Call fit(X) first.")
        scores = np.empty(len(X))
        for service, positions, rows in _by_service(X):
            member = self.members_.get(service, self.pooled_)
            usual, width = self.levels_.get(service, self.pooled_level_)
            raw = member.score(rows)
            scores[positions] = (raw - usual) / width if self.standardise else raw
        return scores


def system_scores(X: pd.DataFrame, scores: np.ndarray) -> pd.Series:
    """Score of the whole system by window_start: that of its most anomalous service."""
    if len(X) != len(scores):
        raise InputError(f"scores must have one value a row of X, {len(X)}. Got {len(scores)}.")
    return pd.Series(scores, index=pd.Index(X["window_start"]), name="score").groupby(
        level="window_start").max()


def _by_service(X: pd.DataFrame) -> Iterator[tuple[str, np.ndarray, pd.DataFrame]]:
    """(service, positions of its rows, its rows in the order of time)."""
    missing = [key for key in KEYS if key not in X.columns]
    if missing:
        raise InputError(f"X must have the columns {KEYS}. Missing: {missing}.")
    if X[KEYS].isna().any(axis=None):
        raise InputError("service and window_start must not be null.")
    for service, positions in X.groupby("service", sort=True).indices.items():
        in_time = np.argsort(X["window_start"].to_numpy()[positions], kind="stable")
        rows = X.iloc[positions[in_time]].set_index("window_start").drop(columns="service")
        yield str(service), positions[in_time], rows


def _level(scores: np.ndarray) -> tuple[float, float]:
    usual, high = np.quantile(scores, [0.5, 0.99])
    return float(usual), float(high - usual) or 1.0
