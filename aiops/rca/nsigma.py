"""N-sigma: the service whose metric rises most standard deviations above normal."""

from __future__ import annotations

import numpy as np
import pandas as pd

from aiops.base import Ranker
from aiops.case import Case
from aiops.rca.series import blame, columns, varying

EPS = np.finfo(float).eps


class NSigma(Ranker):
    """Largest z-score of the incident, by the mean and deviation of normal operation.

    Paper: used as a baseline in Pham et al., "BARO" (FSE 2024) and in RCAEval; as there, only
    a rise counts, and a column that is constant on one side is left out. So is one whose normal
    deviation is of rounding errors alone (told as scikit-learn's StandardScaler tells it):
    divided by it, any step would be millions of deviations.
    """

    def rank(self, case: Case) -> pd.Series:
        """Blame: standard deviations; a suspect takes its highest column."""
        made = columns(case)
        value = made.normal.groupby("column")["value"]
        mean, deviation = value.mean(), value.std(ddof=0)
        rounding = value.size() * mean.abs() * EPS
        top = made.abnormal.groupby("column")["value"].max()
        z = ((top - mean) / deviation.where(deviation > rounding)).reindex(varying(made)).dropna()
        return blame(case, made, z)
