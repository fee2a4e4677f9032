"""BARO: the service whose metric rises highest above its normal median, in IQRs."""

from __future__ import annotations

import numpy as np
import pandas as pd

from aiops.base import Ranker
from aiops.case import Case
from aiops.rca.series import blame, columns, quantiles, varying

_BYTES, _MEGABYTE = "By", 1e6
_CONSTANT = 10 * np.finfo(float).eps


class Baro(Ranker):
    """BARO's robust scorer, as published.

    Paper: Pham et al., "BARO: Robust Root Cause Analysis for Microservices via Multivariate
    Bayesian Online Change Point Detection" (FSE 2024); scorer and preprocessing as in RCAEval:
    constant columns left out, memory in megabytes, only a rise counts.

    A column whose IQR is 0 (as scikit-learn's RobustScaler sees it: under 10 eps) keeps the
    scale 1, so that its unit leaks into the rank: the published figures hold only with memory
    in megabytes, and ``aiops.checks`` names it.

    Args:
        megabytes: turn columns in bytes (unit "By") into megabytes first, as published.
    """

    def __init__(self, megabytes: bool = True) -> None:
        self.megabytes = megabytes

    def rank(self, case: Case) -> pd.Series:
        """Blame: IQRs above the median; a suspect takes its highest column."""
        made = columns(case)
        factor = pd.Series(1.0, index=made.about.index)
        if self.megabytes:
            factor[made.about["unit"] == _BYTES] = 1 / _MEGABYTE
        q = quantiles(made.normal, 0.25, 0.5, 0.75).mul(factor, axis=0)
        iqr = q[0.75] - q[0.25]
        top = made.abnormal.groupby("column")["value"].max() * factor
        z = ((top - q[0.5]) / iqr.where(iqr >= _CONSTANT, 1.0)).reindex(varying(made))
        return blame(case, made, z)
