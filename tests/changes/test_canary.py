"""Judgements that hold however often one looks."""


import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from aiops.changes import canary
from aiops.changes.canary import Counts, e_value, interval, judge
from aiops.errors import InputError


def test_few_releases_are_judged_wrongly_over_all_looks(bench):
    """200 releases: a hundred that are no worse, a hundred at the edge of what is accepted."""
    found = {(each.slice, each.metric.split()[0]): each.value for each in bench.simulated(100)}
    for kind in ("no worse", "worse by the tolerance"):
        assert found[kind, "wrong"] <= 0.05
        assert found[kind, "right"] >= 0.5  # and it does decide


def test_a_plainly_bad_release_is_rolled_back_at_once(bench):
    made = [bench.release(seed, {"failed": 0.1, "slow": 0.9}) for seed in range(20)]
    assert all(decision == canary.ROLL_BACK and when <= 2 * bench.STEP for decision, when in made)


def test_the_interval_holds_at_all_looks():
    missed = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        new, old = rng.random(2_000) < 0.15, rng.random(2_000) < 0.1
        looks = [interval(Counts(k, int(new[:k].sum()), k, int(old[:k].sum())))
                 for k in range(50, 2_001, 150)]
        missed += not all(low <= 0.05 <= high for low, high in looks)
    assert missed <= 5


def test_the_restricted_likelihood_is_the_largest_there_is():
    rng = np.random.default_rng(0)
    for _ in range(200):
        new, old = map(int, rng.integers(1, 400, 2))
        c = Counts(new, int(rng.integers(0, new + 1)), old, int(rng.integers(0, old + 1)))
        d = float(rng.uniform(-0.99, 0.99))
        searched = minimize_scalar(lambda p, c=c, d=d: -canary._log_likelihood(c, p + d, p),
                                   bounds=(max(0.0, -d), min(1.0, 1 - d)), method="bounded",
                                   options={"xatol": 1e-12})
        assert canary._restricted(c, d) == pytest.approx(-searched.fun, abs=1e-4)


def test_evidence_is_against_what_the_counts_contradict():
    worse = Counts(1_000, 100, 1_000, 20)
    assert e_value(worse, at_most=0.0) > 1e6
    assert e_value(worse, at_least=0.05) < 1
    assert e_value(Counts(0, 0, 0, 0), at_most=0.0) == pytest.approx(1.0)


def test_decisions():
    fine = Counts(5_000, 25, 5_000, 25)
    assert judge({"failed": fine}, {"failed": 0.01}).decision == "promote"
    assert judge({"failed": Counts(100, 20, 100, 0)}, {"failed": 0.01}).decision == "roll back"
    assert judge({"failed": Counts(100, 0, 100, 0)}, {"failed": 0.01}).decision == "hold"
    few = judge({"failed": Counts(20, 20, 500, 0)}, {"failed": 0.01})
    assert few.decision == "not enough data"
    assert "20 requests" in few.why


def test_two_outcomes_share_what_may_be_wrong():
    some = Counts(300, 19, 600, 6)
    assert 20 < e_value(some, at_most=0.0) < 40
    fine = Counts(300, 3, 600, 6)
    assert judge({"failed": some}, {"failed": 0.01}).decision == "roll back"
    both = judge({"failed": some, "slow": fine}, {"failed": 0.01, "slow": 0.01})
    assert both.decision == "hold"


def test_harm_within_the_tolerance_is_accepted():
    slightly = Counts(200_000, 1_800, 200_000, 1_000)
    told = judge({"failed": slightly}, {"failed": 0.01})
    assert told.looked[0].harm > 1e6
    assert told.decision == "promote"


def test_bad_input_is_refused():
    with pytest.raises(InputError, match="0 <= bad <= requests <= "):
        Counts(10, 11, 10, 0)
    with pytest.raises(InputError, match="10000000000"):
        Counts(10**12, 0, 10, 0)
    with pytest.raises(InputError, match="at least one outcome"):
        judge({}, {})
    with pytest.raises(InputError, match="tolerance within"):
        judge({"failed": Counts(1, 0, 1, 0)}, {"failed": 0.0})
    with pytest.raises(InputError, match="alpha"):
        judge({"failed": Counts(1, 0, 1, 0)}, {"failed": 0.1}, alpha=1.0)
