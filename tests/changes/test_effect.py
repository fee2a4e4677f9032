"""Differences and their intervals: right by definition, and they cover what was planted."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep

from aiops.changes.effect import effect
from aiops.errors import InputError


def drawn(seed: int, n: int = 120, shift: float = 0.0, share: float = 0.3) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    new = rng.random(n) < share
    return pd.DataFrame({"new": new, "ms": rng.gamma(2, 3, n) + shift * new,
                         "failed": rng.random(n) < 0.05 + 0.1 * new * (shift > 0),
                         "route": rng.integers(0, 3, n)})


@pytest.mark.parametrize("measure", ["mean", "typical"])
@pytest.mark.parametrize("strata", [(), ("route",)])
def test_intervals_of_latency_cover_the_shift(measure, strata):
    made = [effect(drawn(seed, shift=4.0), "ms", measure, strata) for seed in range(200)]
    assert np.mean([each.low <= 4.0 <= each.high for each in made]) >= 0.92
    assert abs(np.mean([each.value for each in made]) - 4.0) < 0.3


def test_intervals_of_shares_cover_the_difference():
    made = [effect(drawn(seed, n=300, shift=1.0), "failed", "share", ("route",))
            for seed in range(200)]
    assert np.mean([each.low <= 0.1 <= each.high for each in made]) >= 0.92
    assert np.mean([each.side > 0 for each in made]) > 0.4


@pytest.mark.parametrize(("outcome", "measure"), [("ms", "mean"), ("ms", "typical"),
                                                  ("failed", "share")])
def test_nothing_is_found_where_there_is_nothing(outcome, measure):
    made = [effect(drawn(seed), outcome, measure, ("route",)) for seed in range(200)]
    assert np.mean([each.side != 0 for each in made]) <= 0.08


def test_the_typical_effect_is_the_median_of_all_differences():
    table = drawn(3, n=41, shift=2.0)
    pairs = np.subtract.outer(table.loc[table["new"], "ms"].to_numpy(),
                              table.loc[~table["new"], "ms"].to_numpy())
    found = effect(table, "ms", "typical")
    assert found.value == pytest.approx(np.median(pairs), abs=0.05)
    assert found.low < found.value < found.high


def test_an_outlier_widens_the_mean_alone():
    table = drawn(5, shift=4.0)
    table.loc[table.index[table["new"]][0], "ms"] = 9_000.0
    assert effect(table, "ms", "mean").side == 0
    assert effect(table, "ms", "typical").side == 1


def test_another_mix_of_requests_is_no_effect():
    rng = np.random.default_rng(0)
    slow = rng.random(2_000) < 0.5
    table = pd.DataFrame({"new": rng.random(2_000) < np.where(slow, 0.8, 0.1), "route": slow,
                          "ms": rng.gamma(2, 3, 2_000) + 30.0 * slow})
    for measure in ("mean", "typical"):
        assert effect(table, "ms", measure).side == 1
        assert effect(table, "ms", measure, ["route"]).side == 0


def test_without_strata_they_are_the_textbook_intervals():
    table = drawn(7, shift=2.0)
    new, old = table[table["new"]], table[~table["new"]]
    mean = effect(table, "ms", "mean", level=0.98)
    welch = stats.ttest_ind(new["ms"], old["ms"], equal_var=False).confidence_interval(0.98)
    assert (mean.low, mean.high) == pytest.approx((welch.low, welch.high))
    share = effect(table, "failed", "share")
    newcombe = confint_proportions_2indep(new["failed"].sum(), len(new), old["failed"].sum(),
                                          len(old), method="newcomb", compare="diff")
    assert (share.low, share.high) == pytest.approx(newcombe, abs=0.02)


def test_too_few_to_bound_the_typical_effect_have_no_bound():
    table = pd.DataFrame({"new": [True, True, False, False], "ms": [9.0, 10.0, 1.0, 2.0]})
    found = effect(table, "ms", "typical", level=0.98)
    assert (found.low, found.high) == (-np.inf, np.inf)


def test_a_rare_stratum_that_fails_more_is_no_effect():
    wrong = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        rare = np.r_[np.ones(25, dtype=bool), np.zeros(400, dtype=bool)]
        new = np.r_[np.arange(25) < 20, rng.random(400) < 0.3]
        failed = rng.random(425) < np.where(rare, 0.3, 0.01)
        table = pd.DataFrame({"new": new, "failed": failed, "rare": rare})
        wrong += effect(table, "failed", "share", ["rare"]).side != 0
    assert wrong <= 0.06 * 200


def test_units_do_not_matter():
    table = drawn(1, shift=4.0)
    for measure in ("mean", "typical"):
        ms = effect(table, "ms", measure, ["route"])
        ns = effect(table.assign(ms=table["ms"] * 1e6), "ms", measure, ["route"])
        assert (ns.low, ns.value, ns.high) == pytest.approx(
            (ms.low * 1e6, ms.value * 1e6, ms.high * 1e6))


def test_no_failure_on_either_side_still_has_an_interval():
    found = effect(drawn(2).assign(failed=False), "failed", "share")
    assert found.low < 0 < found.high
    assert found.value == 0


def test_strata_without_both_versions_are_left_out_and_told():
    table = drawn(4, n=300)
    table.loc[table["route"] == 2, "new"] = True
    found = effect(table, "ms", "mean", ["route"])
    assert found.left_out == (table["route"] == 2).sum()
    assert found.n_new + found.n_old == (table["route"] != 2).sum()


def test_what_cannot_be_compared_is_an_error():
    table = drawn(0, n=20).assign(new=False)
    with pytest.raises(InputError, match="two requests on the new"):
        effect(table, "ms", "mean")
    with pytest.raises(InputError, match="one of mean, typical, share"):
        effect(drawn(0), "ms", "median")
    with pytest.raises(InputError, match="Missing: tenant"):
        effect(drawn(0), "ms", "mean", ["tenant"])
