"""A choice among suspects: who of a case's suspects was it, told by a linear score of each."""

from __future__ import annotations

from typing import Self

import numpy as np
from scipy.optimize import minimize

STEPS = 300  # of L-BFGS, at most


class Listwise:
    """Conditional logit (McFadden 1974), which ranking knows as ListNet (Cao et al., ICML 2007).

    A suspect's share of blame is the softmax, over the suspects of its case, of a linear score of
    standardised features. So a suspect is judged beside the others of its case, not by itself.

    Args:
        penalty: half of it times the weights' squared length is added to the mean loss of a case.
    """

    def __init__(self, penalty: float = 0.03) -> None:
        self.penalty = penalty

    def fit(self, rows: np.ndarray, culprit: np.ndarray, case: np.ndarray) -> Self:
        """Learn the weights of features.

        Args:
            rows: features, a row a suspect; rows of a case stand together.
            culprit: bool a row; a case with several shares its blame evenly, a case with none
                is left out.
            case: the number of a row's case.
        """
        told = np.isin(case, case[culprit])
        number = np.unique(case[told], return_inverse=True)[1]
        first = np.flatnonzero(np.diff(number, prepend=-1))
        blame = culprit[told] / np.bincount(number, culprit[told])[number]
        spread = rows.std(axis=0)
        self.mean_, self.scale_ = rows.mean(axis=0), np.where(spread > 1e-9, spread, np.inf)
        made = self._standard(rows[told])

        def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
            score = made @ weights
            score -= np.maximum.reduceat(score, first)[number]
            log_share = score - np.log(np.add.reduceat(np.exp(score), first))[number]
            slope = (np.exp(log_share) - blame) @ made / len(first) + self.penalty * weights
            return (-blame @ log_share / len(first) + self.penalty * weights @ weights / 2, slope)

        self.weights_ = minimize(loss, np.zeros(rows.shape[1]), jac=True, method="L-BFGS-B",
                                 options={"maxiter": STEPS}).x
        return self

    def share(self, rows: np.ndarray) -> np.ndarray:
        """Shares of blame of one case's suspects; they sum to 1."""
        score = self._standard(rows) @ self.weights_
        size = np.exp(score - score.max(initial=-np.inf))
        return np.asarray(size / size.sum())

    def _standard(self, rows: np.ndarray) -> np.ndarray:
        return np.asarray((rows - self.mean_) / self.scale_)
