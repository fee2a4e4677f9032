"""The best single metric, picked with hindsight: how easy is a data set?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Self

import pandas as pd

from aiops.base import Ranker
from aiops.case import Case
from aiops.errors import InputError, NotFittedError
from aiops.rca.series import blame, columns, shift


class BestSingleMetric(Ranker):
    """Ranks by the one metric name that ranks most confirmed causes first.

    A yardstick, no method: fitted on the very cases it is scored on (hindsight), it says
    how far a data set is solved by looking at one column. Where it ranks nearly all first,
    the faults are too strong.

    Attributes:
        metric_: the name picked. hits_: cases ranked first, by metric name.
    """

    uses_labels = True
    hindsight = True  # the bench fits it on the cases that it is scored on, and says so

    def fit(self, cases: Iterable[Case], y: Sequence[Sequence[str]] | Any = None) -> Self:
        """Pick the metric; y holds the culprits, in the order of the cases.

        Cases are taken one at a time, so they may come from a reader.
        """
        if y is None:
            raise InputError("BestSingleMetric.fit needs y: the culprits of each case.")
        hits: dict[str, int] = {}
        for case, culprits in zip(cases, y, strict=True):
            for name, hit in _hits(case, culprits).items():
                hits[str(name)] = hits.get(str(name), 0) + bool(hit)
        if not hits:
            raise InputError("BestSingleMetric.fit needs cases. Got none.")
        self.hits_ = hits
        self.metric_ = min(hits, key=lambda name: (-hits[name], name))
        return self

    def rank(self, case: Case) -> pd.Series:
        """Blame: scales off normal in the picked metric."""
        if not hasattr(self, "metric_"):
            raise NotFittedError("BestSingleMetric must see confirmed causes: call fit(cases, y).")
        made = columns(case)
        off = shift(made).abs()
        return blame(case, made, off[made.about["name"].reindex(off.index) == self.metric_])


def _hits(case: Case, culprits: Sequence[str]) -> pd.Series:
    """By metric name: does it put a culprit first, and nobody beside?"""
    made = columns(case)
    off = shift(made).abs()
    about = made.about.reindex(off.index)
    worst = off.groupby([about["name"], about["owner"]]).max().unstack()
    worst = worst.reindex(columns=sorted(case.suspects)).fillna(0.0)
    first = worst.eq(worst.max(axis=1), axis=0)
    alone = first.sum(axis=1).eq(1) & worst.gt(0).any(axis=1)
    return alone & first[[c for c in culprits if c in first]].any(axis=1)
