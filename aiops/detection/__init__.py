"""Models that score windows, one a file; label-free, causal, blind to units and column order."""

from aiops.base import Detector
from aiops.detection.isolation_forest import IsolationForest
from aiops.detection.per_service import PerService, system_scores
from aiops.detection.robust_z import RobustZ

DETECTORS: dict[str, type[Detector]] = {
    "robust-z": RobustZ,
    "isolation-forest": IsolationForest,
}

__all__ = ["DETECTORS", "IsolationForest", "PerService", "RobustZ", "system_scores"]
