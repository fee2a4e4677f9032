"""A clock that is coarse: what it cannot tell is in the interval."""

import numpy as np
import pandas as pd
import pytest

from aiops.changes.clock import step
from aiops.changes.effect import effect


def told(old: list[float], new: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"new": np.r_[np.zeros(len(old), bool), np.ones(len(new), bool)],
                         "ms": np.r_[old, new]})


def test_the_step_is_the_smallest_gap():
    assert step(np.array([5.0, 5.0, 7.0, 12.0])) == 2.0
    assert step(np.array([5.0, 5.0, 5.0])) == 5.0
    assert step(np.array([1.0, 1.2, 1.5])) == 0.0  # no two alike
    assert step(np.array([0.0, 0.0])) == np.inf
    assert step(np.array([0.3, 0.1 + 0.2, 0.6])) == pytest.approx(0.3)  # rounding is no step


@pytest.mark.parametrize("measure", ["mean", "typical"])
def test_times_that_do_not_vary_leave_a_step_open(measure):
    one = effect(told([5.0] * 200, [6.0] * 90), "ms", measure)
    assert (one.value, one.low, one.high) == pytest.approx((1.0, 0.0, 2.0), abs=1e-9)
    assert one.side == 0  # 5.4 and 5.6 may be told as 5 and 6
    far = effect(told([5.0, 6.0] * 100, [45.0] * 90), "ms", measure)
    assert far.side == 1
    assert far.low <= 38.5 < far.high
    assert (far.step, effect(told([5.0] * 9, [5.0] * 9), "ms", measure).side) == (1.0, 0)


def test_no_time_at_all_bounds_nothing():
    found = effect(told([0.0] * 50, [0.0] * 50), "ms", "mean")
    assert (found.low, found.high) == (-np.inf, np.inf)


@pytest.mark.parametrize("measure", ["mean", "typical"])
@pytest.mark.parametrize("scatter", [0.05, 0.3, 3.0])
def test_rounded_times_still_cover_what_was_added(measure, scatter):
    held = []
    for seed in range(200):
        rng = np.random.default_rng([seed, 1])
        true = 50.2 + rng.normal(0, scatter, 400)
        new = rng.random(400) < 0.3
        table = pd.DataFrame({"new": new, "ms": np.floor(true + 0.6 * new)})
        found = effect(table, "ms", measure)
        held.append(found.low <= 0.6 <= found.high)
    assert np.mean(held) >= 0.9


def test_a_fine_clock_costs_nothing():
    rng = np.random.default_rng(0)
    times = np.round(rng.gamma(2, 3, 600), 6)  # nanoseconds
    found = effect(told(list(times[:400]), list(times[400:])), "ms", "typical")
    assert found.step < 1e-3
