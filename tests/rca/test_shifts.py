"""Effects of samples: nothing by chance, the right sign, no unit, silent on few."""

import numpy as np
import pytest

from aiops.rca import shifts


def effect(normal: np.ndarray, abnormal: np.ndarray,
           first: np.ndarray | None = None) -> float:
    """Of one group; the values in the order that is asked for."""
    value = np.concatenate([normal, abnormal])
    side = np.arange(len(value)) < len(normal)
    group = np.zeros(len(value), dtype=int)
    order = shifts.ascending(group, value)
    return float(shifts.by_quantiles(group, value[order], side[order], ~side[order], 1,
                                     None if first is None else first[order])[0])


def times(rng: np.random.Generator, n: int, ms: float = 5.0) -> np.ndarray:
    """Latencies in ns: lognormal, as services' are."""
    return ms * 1e6 * np.exp(rng.normal(0, 0.5, n))


def test_an_effect_by_chance_is_rare_and_small():
    got = np.array([effect(times(rng, 400), times(rng, 60))
                    for rng in map(np.random.default_rng, range(200))])
    # four quantiles, each beyond 2.5 standard errors: 6 % of 3000 draws, none above 0.24
    assert (got != 0).mean() < 0.1
    assert np.abs(got).max() < 0.3


@pytest.mark.parametrize(("factor", "least", "most"), [(3.0, 1.0, 2.5), (0.2, -1.5, -0.3)])
def test_slower_is_positive_and_faster_negative(factor, least, most):
    rng = np.random.default_rng(1)
    got = effect(times(rng, 400), factor * times(rng, 60))
    assert least < got < most


def test_a_third_of_slow_requests_is_an_effect_and_one_of_sixty_is_not():
    rng = np.random.default_rng(4)
    normal, now = times(rng, 400), times(rng, 60)
    third, one = now.copy(), now.copy()
    third[::3] *= 20
    one[0] *= 1000
    assert effect(normal, third) > 2
    assert abs(effect(normal, one)) < 0.1


def test_one_sample_is_no_quantile_however_far_it_lies():
    rng = np.random.default_rng(4)
    normal, now = times(rng, 400), times(rng, 10)
    now[0] *= 1e4  # a tenth of them: between the 0.9-quantile and the largest
    assert abs(effect(normal, now)) < 0.1


def test_above_the_median_a_long_normal_tail_is_the_scale():
    rng = np.random.default_rng(4)
    normal, now = (1e6 * rng.normal(10, 0.5, n) for n in (400, 60))
    normal[:32] += 50e6  # one of twelve is slow anyway
    slow, fast = now.copy(), now.copy()
    slow[:20] += 50e6  # then a third
    fast -= 5e6
    assert 0.3 < effect(normal, slow) < np.log1p(3)
    assert effect(normal, fast) < -np.log1p(5)  # and below it what most show


def test_an_effect_has_no_unit():
    rng = np.random.default_rng(3)
    normal, now = times(rng, 300), 3 * times(rng, 40)
    assert effect(normal, now) == pytest.approx(effect(normal * 1e3, now * 1e3))


def test_more_samples_allow_less_for_chance():
    rng = np.random.default_rng(4)
    few, many = (effect(times(rng, 10 * n), 1.6 * times(rng, n)) for n in (10, 400))
    assert few < many
    assert many > 0.2


@pytest.mark.parametrize(("n_normal", "n_abnormal", "told"), [
    (4, 50, False), (5, 50, True), (50, 2, False), (50, 3, True)])
def test_few_samples_tell_nothing(n_normal, n_abnormal, told):
    normal, now = 100e6 + np.arange(n_normal) * 1e3, 900e6 + np.arange(n_abnormal) * 1e3
    assert (effect(normal, now) > 0) is told


def test_what_one_request_shows_many_times_is_one_sample():
    normal, now = 100e6 + np.arange(50) * 1e3, 900e6 + np.arange(50) * 1e3
    first = np.ones(100, dtype=bool)
    assert effect(normal, now, first) == effect(normal, now) > 1
    first[52:] = False  # 50 values of two requests
    assert effect(normal, now, first) == 0
    group, request = np.array([0, 0, 0, 1, 1]), np.array([3, 3, 4, 3, 4])
    assert shifts.first_of(group, request).tolist() == [True, False, True, True, True]


def test_some_values_beyond_few_normal_ones_are_chance_and_all_are_not():
    normal = 5e6 + np.arange(6) * 1e5
    some = np.r_[5e6 + np.arange(8) * 5e4, 300e6, 400e6, 500e6, 600e6]
    assert effect(normal, some) == 0  # 4 of 12, and chance gives that to one in six
    assert effect(normal, some + 300e6) > 3


def test_a_tenth_of_fifteen_is_told():
    """1.5 samples lie beyond the .9 quantile, which floats put below 1.5."""
    normal = 5e6 + np.arange(1000) * 1e2
    slow = np.r_[5e6 + np.arange(13) * 5e3, 300e6, 400e6]
    assert effect(normal, slow) > 1


def test_a_quantile_held_against_a_long_tail_counts_in_its_scale():
    normal = np.r_[5e6 + np.arange(24) * 1e5, 28e6, 60e6, 90e6, 95e6]
    now = 80e6 + np.arange(5) * 1e6
    tail = (np.quantile(normal, 0.95) - np.median(normal)) / 1.645
    assert 0 < effect(normal, now) < np.log1p((now.max() - np.median(normal)) / tail)


def test_what_never_varied_moves_in_shares_of_itself():
    still = np.full(100, 10e6)
    got = effect(still, still + 2e6)  # a scale is 5 % of 10 ms, so four of them
    assert got == pytest.approx(np.log1p(4))
    assert effect(still, still) == 0


def test_groups_do_not_touch_one_another():
    rng = np.random.default_rng(5)
    a, b = times(rng, 400), times(rng, 60)
    slow = 4 * times(rng, 60)
    value = np.concatenate([a, b, a, slow])
    group = np.repeat([2, 0], [460, 460])  # 1 has no values
    normal = np.tile(np.arange(460) < 400, 2)
    order = shifts.ascending(group, value)
    got = shifts.by_quantiles(group[order], value[order], normal[order], ~normal[order], 4)
    assert got[[1, 2, 3]].tolist() == [0, 0, 0]
    assert got[0] == pytest.approx(effect(a, slow))


# --- shares -------------------------------------------------------------------------------
def test_proportions_count_standard_errors_of_the_difference():
    [z] = shifts.proportions(*(np.array([n]) for n in (10, 100, 30, 100)))
    p = 41 / 202
    assert z == pytest.approx(0.2 / np.sqrt(p * (1 - p) * (1 / 100 + 1 / 100)))


def test_proportions_sign_and_nothing_seen():
    k0, n0, k1, n1 = np.array([[5, 100, 0, 100], [0, 50, 0, 10], [0, 0, 0, 0], [0, 0, 3, 3],
                               [20, 40, 1, 40]]).T
    z = shifts.proportions(k0, n0, k1, n1)
    assert z[:3] == pytest.approx([-2.08, 0, 0], abs=0.01)
    assert np.isfinite(z).all()
    assert z[3] > 1 > 0 > z[4]


def test_shares_of_the_same_coin_rarely_part():
    rng = np.random.default_rng(6)
    n0, n1 = np.full(2000, 500), np.full(2000, 100)
    z = shifts.proportions(rng.binomial(n0, 0.1), n0, rng.binomial(n1, 0.1), n1)
    assert np.abs(z.mean()) < 0.1
    assert z.std() == pytest.approx(1, abs=0.1)
    assert (z > shifts.ALLOWANCE).mean() < 0.02
