"""What a detector learned of each column, and how far a row lies from it.

A deviation says in which column a window is unusual: seen, usual, and their distance in train
spreads. It is a reason to show, and the same for every detector that scales robustly; what a
detector makes of the columns together may tell more.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from aiops.detection.frame import matrix
from aiops.detection.per_service import PerService
from aiops.errors import InputError, NotFittedError


def learned(detector: PerService) -> pd.DataFrame:
    """Columns service, feature, usual, spread: the train median and spread, in the feature's unit.

    A feature without any value in train has neither (NaN); one that never moved has spread 0.
    """
    rows = [pd.DataFrame({"service": service, "feature": member.columns_,
                          "usual": member.scale_.center_, "spread": member.scale_.spread_})
            for service, member in _members(detector).items()]
    return pd.concat(rows, ignore_index=True)


def deviations(detector: PerService, X: pd.DataFrame) -> pd.DataFrame:
    """One row a cell of X that can be judged, farthest from usual first.

    Args:
        X: rows of service, window_start and features; services not seen in training are
            left out.

    Returns:
        service, window_start, feature, seen, usual (in the feature's unit), z (signed
        distance in train spreads; a column constant in train: 5 once it moves).
    """
    parts = [_cells(member, service, X[X.service == service].sort_values("window_start"))
             for service, member in _members(detector).items()]
    found = pd.concat(parts, ignore_index=True).dropna(subset=["z"])
    order = np.argsort(-found.z.abs().to_numpy(), kind="stable")
    return found.iloc[order].reset_index(drop=True)


def _cells(member: object, service: str, rows: pd.DataFrame) -> pd.DataFrame:
    columns, scale = member.columns_, member.scale_  # type: ignore[attr-defined]
    values = matrix(rows[columns])
    shape = values.shape
    return pd.DataFrame({
        "service": service,
        "window_start": rows.window_start.repeat(shape[1]).reset_index(drop=True),
        "feature": np.tile(np.array(columns, dtype=object), shape[0]),
        "seen": values.ravel(), "usual": np.broadcast_to(scale.center_, shape).ravel(),
        "z": scale.transform(values).ravel()})


def _members(detector: PerService) -> dict:
    if not hasattr(detector, "members_"):
        raise NotFittedError("the detector is not fitted. Call fit(X) first.")
    blind = [s for s, member in detector.members_.items() if not hasattr(member, "scale_")]
    if blind:
        raise InputError(f"{type(detector.detector).__name__} keeps no scale of its columns, so "
                         "that it cannot say what is usual. RobustZ and IsolationForest do.")
    return detector.members_
