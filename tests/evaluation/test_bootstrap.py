"""The bootstrap covers what it promises."""

import numpy as np
import pytest

from aiops.evaluation.bootstrap import interval, paired


def test_it_covers_the_true_mean_about_95_times_in_100():
    rng = np.random.default_rng(1)
    covered = [low <= 0.7 <= high for low, high in
               (interval(rng.random(60) < 0.7) for _ in range(200))]
    assert 0.88 <= np.mean(covered) <= 0.99


def test_pairing_sees_a_small_steady_gain():
    x = np.random.default_rng(2).normal(size=30)
    low, high = paired(x + 0.1, x)
    assert low == pytest.approx(0.1)
    assert high == pytest.approx(0.1)
    with pytest.raises(ValueError, match="same cases"):
        paired([1, 2], [1])
