"""The three verbs of a model: a Detector scores, a Ranker ranks, a Policy decides.

Models follow scikit-learn's habits: constructors only store, ``fit`` forgets what was
fitted before, learned attributes end in ``_``. ``aiops.checks`` holds them to it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

from sklearn.base import BaseEstimator

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from aiops.case import Case


class Detector(BaseEstimator, ABC):
    """Scores the windows of one series.

    X is a numeric frame, one row a window (index: its start), one column a feature in
    the unit its name tells.
    """

    @abstractmethod
    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:
        """Learn normal operation from X; labels y are optional."""

    @abstractmethod
    def score(self, X: pd.DataFrame) -> np.ndarray:
        """Anomaly score a window, float64 (n_windows,), higher is more anomalous.

        The score of a window uses this window and earlier ones only.
        """


class Ranker(BaseEstimator, ABC):
    """Ranks the suspects of an incident.

    A ranker may say how sure it is, in ``attrs`` of the Series it returns: ``confidence``, the
    probability that the first suspect is a culprit (0 to 1), and ``abstains`` (bool): it would
    rather name nobody, because this looks like no incident, or like one that it cannot
    explain. The ranks stand all the same. One that states neither never abstains.
    """

    uses_labels: bool = False  # a ranker that learns from confirmed incidents says so
    hindsight: bool = False  # a yardstick fitted on the very cases that it is scored on says so

    def fit(self, cases: Sequence[Case], y: Any = None) -> Self:
        """See past incidents and normal operation; without y unlabelled.

        Args:
            y: the culprits of each case, a list of names a case; only for who uses labels.
        """
        return self

    @abstractmethod
    def rank(self, case: Case) -> pd.Series:
        """Blame by suspect, float64, highest first, over all of ``case.suspects``.

        Raises:
            CaseError: the Case has nothing that this ranker could rank by.
        """

    def parts(self) -> dict[str, Ranker]:
        """What each evidence says alone, as rankers by name; none where there is only one."""
        return {}


class Policy(BaseEstimator, ABC):
    """Decides which scores are worth a page."""

    @abstractmethod
    def fit(self, scores: np.ndarray, y: Any = None) -> Self:
        """Learn what scores are usual."""

    @abstractmethod
    def decide(self, scores: np.ndarray) -> np.ndarray:
        """One bool a window."""
