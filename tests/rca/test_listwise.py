"""A choice among the suspects of a case, beside logistic regression, which it is for two."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from aiops.rca.listwise import Listwise

RNG = np.random.default_rng(0)


def pairs(n: int = 60) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two suspects a case; the higher first feature is to blame, mostly, whatever its level."""
    rows = RNG.normal(size=(2 * n, 3)) + np.repeat(10 * RNG.normal(size=(n, 1)), 2, axis=0)
    more = (rows[::2, 0] > rows[1::2, 0]) ^ (RNG.random(n) < 0.1)
    return rows, np.stack([more, ~more], axis=1).ravel(), np.repeat(np.arange(n), 2)


def test_for_two_suspects_it_is_logistic_regression_of_their_difference():
    rows, culprit, case = pairs()
    model = Listwise(penalty=0.1).fit(rows, culprit, case)
    difference = (rows[::2] - rows[1::2]) / rows.std(axis=0)
    known = LogisticRegression(C=1 / (0.1 * len(difference)), fit_intercept=False,
                               tol=1e-9).fit(difference, culprit[::2])
    assert model.weights_ == pytest.approx(known.coef_[0], abs=1e-3)
    assert model.share(rows[:2])[0] == pytest.approx(known.predict_proba(difference[:1])[0, 1],
                                                     abs=1e-3)


def test_culprits_of_a_case_share_its_blame_and_cases_without_one_teach_nothing():
    rows = np.array([[1.0], [1.0], [0.0], [0.0], [5.0], [0.0]])
    culprit = np.array([True, True, False, False, False, False])
    both = Listwise(penalty=1e-6).fit(rows[:4], culprit[:4], np.zeros(4, int))
    assert both.share(rows[:4]) == pytest.approx([0.5, 0.5, 0, 0], abs=0.01)
    case = np.array([0, 0, 0, 0, 1, 1])
    assert Listwise().fit(rows, culprit, case).share(rows[4:])[0] > 0.5


def test_a_feature_that_never_varied_counts_for_nothing():
    rows, culprit, case = pairs()
    rows[:, 2] = 0.1
    model = Listwise().fit(rows, culprit, case)
    other = rows[:2].copy()
    other[0, 2] = 1e6
    assert model.share(other).tolist() == model.share(rows[:2]).tolist()
    assert model.share(other).sum() == pytest.approx(1)
