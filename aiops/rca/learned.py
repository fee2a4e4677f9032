"""A ranker that learns from a system's own confirmed incidents: a product of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import ClassifierMixin
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier

from aiops.base import Ranker
from aiops.case import Case
from aiops.errors import InputError, NotFittedError
from aiops.rca.alert_features import DECIMALS, AlertHistory
from aiops.rca.listwise import Listwise
from aiops.rca.series import columns, ordered, shift

VOTES = (1.0, 1.0, 0.5)  # of the two forests and Listwise: chosen on TVDiag's train splits
Features = Callable[[Case], pd.DataFrame]


class Learned(Ranker):
    """Scores each suspect by how much it looks like the culprits of confirmed incidents.

    Two forests, one of extremely randomised trees (Geurts et al., Machine Learning 63, 2006)
    and one boosted on histograms (Ke et al., NeurIPS 2017), see a row a suspect: culprit or not.
    ``Listwise`` sees the suspects of a case together: which of them. Each gives shares of blame
    that sum to 1 in a case, and their mean, in which it counts half a forest, is the answer. What
    they see is ``AlertHistory.features`` where cases have alerts, else ``effects``.

    It is judged under the protocol of TVDiag (arXiv 2407.19711): train and test incidents are of
    one system, whose instances both have. That protocol also allows features that name an
    instance; here none does, so that renaming services in history and case alike permutes the
    answer. What an instance usually raises is known, and tells instances apart.

    Args:
        features: suspects' features of a Case, one row a suspect, columns the same for all
            Cases; made from alerts or metrics when None.
        trees: in each forest.
        seed: of the forests.
    """

    uses_labels = True

    def __init__(self, features: Features | None = None, trees: int = 100, seed: int = 0) -> None:
        self.features = features
        self.trees = trees
        self.seed = seed

    def fit(self, cases: Sequence[Case], y: Any = None) -> Self:
        """Learn from confirmed incidents; where there is none, nothing is learned.

        Args:
            y: the culprits of each case, a list of names a case.

        Raises:
            InputError: y is missing or not of the cases' length.
        """
        cases = list(cases)
        if y is None or len(list(y)) != len(cases):
            raise InputError("Learned.fit needs y: the culprits of each of the cases. Got "
                             f"{'none' if y is None else len(list(y))} for {len(cases)} cases.")
        past, self.features_ = self._sources(cases)
        rows, culprit, number = _examples([past(case) for case in cases], list(y))
        self.columns_ = list(rows.columns)
        self.forests_, self.listwise_ = [], None
        if culprit.any():
            made = rows.to_numpy()
            self.forests_ = [forest.fit(made, culprit) for forest in self._forests()]
            self.listwise_ = Listwise().fit(made, culprit, number)
        return self

    def rank(self, case: Case) -> pd.Series:
        """Blame: the share of it, from 0 to 1; it sums to 1 where anybody is to blame."""
        listwise = getattr(self, "listwise_", None)
        if listwise is None:
            raise NotFittedError("Learned.rank needs fit(cases, culprits) first, with a case "
                                 "whose culprits are among its suspects.")
        found = self.features_(case)
        rows = found.reindex(columns=self.columns_, fill_value=0.0).to_numpy()
        votes = [_share(forest.predict_proba(rows)[:, 1]) for forest in self.forests_]
        blame = np.average([*votes, listwise.share(rows)], axis=0, weights=VOTES)
        return ordered(case, pd.Series(blame.round(DECIMALS), index=found.index))

    def _sources(self, cases: Sequence[Case]) -> tuple[Features, Features]:
        """Features of a case of the past, and of a new one."""
        if self.features is not None:
            return self.features, self.features
        if any(case.alerts is None for case in cases):
            return effects, effects
        history = AlertHistory(cases)
        return lambda case: history.features(case, past=True), history.features

    def _forests(self) -> list[ClassifierMixin]:
        return [
            ExtraTreesClassifier(self.trees, min_samples_leaf=2, max_features=0.2,
                                 class_weight="balanced", random_state=self.seed),
            HistGradientBoostingClassifier(max_iter=self.trees, max_leaf_nodes=12,
                                           l2_regularization=5.0, max_features=0.3,
                                           early_stopping=False, random_state=self.seed)]


def effects(case: Case) -> pd.DataFrame:
    """How far a suspect's metrics and spans moved: strongest, 1.5-power mean, share beyond 5.

    In log(1 + normal scales), as ``aiops.rca.series.shift`` measures them.

    Raises:
        CaseError: the Case has neither metrics nor traces.
    """
    made = columns(case)
    off = shift(made).abs()
    owner = made.about["owner"].reindex(off.index)
    size = np.log1p(off)
    found = pd.DataFrame({"most": size.groupby(owner).max(),
                          "mean": (size**1.5).groupby(owner).mean() ** (1 / 1.5),
                          "beyond": (off > 5.0).groupby(owner).mean()})
    whole = found.reindex(sorted(case.suspects)).fillna(0.0)
    whole["most_share"] = whole["most"] / max(whole["most"].max(), 1e-9)
    return whole.round(DECIMALS)


def _examples(features: Sequence[pd.DataFrame], culprits: Sequence[Sequence[str]],
              ) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Suspects of all cases below each other, who was it, and of which case (a number).

    No name says who is which. Forests draw rows by number, so within a case rows stand in the
    order of their features.
    """
    parts = []
    for number, (rows, guilty) in enumerate(zip(features, culprits, strict=True)):
        rows = rows.assign(culprit=rows.index.isin(list(guilty)))
        parts.append(rows.sort_values(list(rows), kind="stable").assign(number=number))
    nothing = pd.DataFrame({"culprit": [], "number": []})
    whole = pd.concat(parts, ignore_index=True) if parts else nothing
    return (whole.drop(columns=["culprit", "number"]).fillna(0.0),
            whole["culprit"].to_numpy(bool), whole["number"].to_numpy(int))


def _share(probability: np.ndarray) -> np.ndarray:
    return probability / max(probability.sum(), 1e-9)
