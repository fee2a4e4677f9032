"""Ranked correlation: the anomalous service that moves most surely with the symptom."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from aiops.base import Ranker
from aiops.case import Case
from aiops.rca.aligned import beside, pearson, symptom
from aiops.rca.series import Columns, blame, columns

_MAD = 1.4826  # of a normal distribution
_FEWEST, _THIRD = 10, 2
_SMALLEST = np.finfo(float).tiny


class RankedCorrelation(Ranker):
    """Services whose metric is anomalous beside the symptom's, by the p-value of Pearson's r.

    Paper: the baseline "ranked correlation" of Hardt et al., "The PetShop Dataset: Finding
    Causes of Performance Issues across Microservices" (CLeaR 2024), with the defaults of its
    repository: correlation within the abnormal window; a column is anomalous when it lies
    more than 5 median absolute deviations off at the third row, or, where the symptom itself
    is not, at the first later row where it is. The symptom's own service is not ranked.

    Differs: all ranks are given, not three; columns in steps of another length are averaged
    over the symptom's steps; and a symptom that is not stated is guessed
    (``aligned.symptom``), then compared with every column.

    Args:
        pooled: correlate over normal and abnormal rows together.
        threshold: of anomalous columns, in median absolute deviations.
    """

    def __init__(self, pooled: bool = False, threshold: float = 5.0) -> None:
        self.pooled = pooled
        self.threshold = threshold

    def rank(self, case: Case) -> pd.Series:
        """Blame: minus the log10 of the p-value; 0 for whom no column is anomalous."""
        made = columns(case)
        target, others = symptom(case, made)
        rows = beside(made.abnormal, target, others)
        suspicious = others.intersection(self._anomalous(made, rows, target))
        if self.pooled:
            rows = pd.concat([beside(made.normal, target, suspicious), rows])
        surely = _surely(*pearson(rows[[target, *suspicious]], target))
        return blame(case, made, surely.drop(target).dropna())

    def _anomalous(self, made: Columns, rows: pd.DataFrame, target: int) -> pd.Index:
        """Columns that are anomalous at the row where the symptom is; none where it never is."""
        group = made.normal.groupby("column")["value"]
        median = group.median()[group.size() >= _FEWEST]
        off = (made.normal["value"] - made.normal["column"].map(median)).abs()
        mad = off.groupby(made.normal["column"]).median() * _MAD
        seen = rows.columns.intersection(median.index)
        far = (rows[seen] - median[seen]).abs() > self.threshold * mad[seen]
        late = far.iloc[min(_THIRD, len(far) - 1):]
        if target not in late or not late[target].any():
            return pd.Index([])
        at = late.loc[late[target].idxmax()]
        return at.index[at]


def _surely(r: pd.Series, n: pd.Series) -> pd.Series:
    """Minus log10 of the p-value of no correlation; 0 for two rows, which always correlate."""
    free = n - 2
    t = r.abs() * np.sqrt(free / np.maximum(1 - r**2, _SMALLEST))
    p = 2 * stats.t.sf(t, free.where(free > 0))
    return -np.log10(np.maximum(pd.Series(p, index=r.index), _SMALLEST)).where(free > 0, r * 0.0)
