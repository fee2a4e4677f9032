"""Planted cheats must be caught, honest models must pass."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator

from aiops.base import Detector
from aiops.checks.detectors import detector_checks, frames
from aiops.detection import DETECTORS, RobustZ
from aiops.errors import ContractError


def broken(model: Detector) -> set[str]:
    names = set()
    for name, check in detector_checks(model):
        try:
            check()
        except ContractError:
            names.add(name.split("[")[0])
    return names


@pytest.mark.parametrize("name", sorted(DETECTORS))
def test_every_detector_keeps_the_contract(name: str) -> None:
    assert broken(DETECTORS[name]()) == set()


def test_boolean_flags_are_swept() -> None:
    names = [name for name, _ in detector_checks(RobustZ())]
    assert "causal[soften=False]" in names
    assert "causal[soften=True]" in names


class WholeSeries(RobustZ):
    def score(self, X: pd.DataFrame) -> np.ndarray:
        scores = super().score(X)
        return (scores - scores.min()) / (np.ptp(scores) or 1.0)


class WrongSign(RobustZ):
    def score(self, X: pd.DataFrame) -> np.ndarray:
        return -super().score(X)


class Clock(Detector):
    """Knows only how late it is."""

    def fit(self, X: pd.DataFrame, y: object = None) -> "Clock":
        return self

    def score(self, X: pd.DataFrame) -> np.ndarray:
        return X.index.as_unit("ns").asi8.astype(np.float64)


class Position(RobustZ):
    """Honest, but for knowing at which window of a recording the fault begins."""

    def score(self, X: pd.DataFrame) -> np.ndarray:
        at = np.arange(len(X))
        return super().score(X) + 100.0 * ((at >= 12) & (at < 21))


class PositionTimes(RobustZ):
    """The same, but only what is odd anyway is raised: a usual window gives nothing away."""

    def score(self, X: pd.DataFrame) -> np.ndarray:
        at = np.arange(len(X))
        return super().score(X) * (1.0 + 100.0 * ((at >= 12) & (at < 21)))


class Names(RobustZ):
    """Looks at one column, found by its name."""

    def score(self, X: pd.DataFrame) -> np.ndarray:
        if "error_rate" not in X:
            return np.zeros(len(X))
        return X["error_rate"].fillna(0).to_numpy()


class FirstColumn(RobustZ):
    def score(self, X: pd.DataFrame) -> np.ndarray:
        return np.nan_to_num(X.iloc[:, 0].to_numpy())


class Meddler(RobustZ):
    def fit(self, X: pd.DataFrame, y: object = None) -> "Meddler":
        X.iloc[0, 0] = 0.0
        return super().fit(X)


class Remembers(RobustZ):
    def fit(self, X: pd.DataFrame, y: object = None) -> "Remembers":
        self.seen_ = pd.concat([getattr(self, "seen_", X.iloc[:0]), X])
        return super().fit(self.seen_)


@pytest.mark.parametrize(("cheat", "check"), [
    (WholeSeries, "causal"), (WrongSign, "orientation"), (Clock, "time"), (Names, "names"),
    (FirstColumn, "column_order"), (FirstColumn, "scale"), (FirstColumn, "offset"),
    (Position, "position"), (PositionTimes, "position"),
    (Meddler, "no_mutation"), (Remembers, "refit")])
def test_a_planted_cheat_is_caught(cheat: type[BaseEstimator], check: str) -> None:
    assert check in broken(cheat())


def test_the_planted_anomaly_leaves_rows_after_it() -> None:
    _, test, labels = frames()
    assert labels.sum() == 20
    assert not labels[-1]
    assert len(test) == len(labels)
