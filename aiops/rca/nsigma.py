"""N-sigma: the service whose metric rises most standard deviations above normal."""

from __future__ import annotations

import pandas as pd

from aiops.base import Ranker
from aiops.case import Case
from aiops.rca.series import blame, columns, varying


class NSigma(Ranker):
    """Largest z-score of the incident, by the mean and deviation of normal operation.

    Paper: used as a baseline in Pham et al., "BARO" (FSE 2024) and in RCAEval; as there, only
    a rise counts, and a column that is constant on one side is left out.
    """

    def rank(self, case: Case) -> pd.Series:
        """Blame: standard deviations; a service takes its highest column."""
        made = columns(case)
        usual = made.normal.groupby("column")["value"].agg(["mean", lambda v: v.std(ddof=0)])
        usual.columns = pd.Index(["mean", "deviation"])
        top = made.abnormal.groupby("column")["value"].max()
        z = ((top - usual["mean"]) / usual["deviation"]).reindex(varying(made))
        return blame(case, z, made.about["service"])
