"""Better beyond noise, or not at all: what moves the champion's alias."""

import numpy as np
import pandas as pd
import pytest

from aiops.errors import InputError
from aiops.workflows.promotion import FEWEST_INCIDENTS, judge

NAMES = [f"r{i:03d}" for i in range(24)]


def precisions(mean: float, seed: int = 0, names: list[str] = NAMES) -> pd.Series:
    return pd.Series(np.random.default_rng(seed).normal(mean, 0.1, len(names)), index=names)


def test_a_clearly_better_challenger_is_promoted():
    verdict = judge(precisions(0.8), precisions(0.5, seed=1))
    assert verdict.decision == "promoted"
    assert verdict.promotes
    assert 0.2 < verdict.low < verdict.difference < verdict.high < 0.4
    assert verdict.reason.startswith("The challenger is better than the champion beyond noise.")
    assert "over 24 incidents" in verdict.reason


def test_a_worse_and_an_equal_challenger_are_refused():
    worse = judge(precisions(0.5), precisions(0.8, seed=1))
    assert (worse.decision, worse.promotes) == ("kept", False)
    assert worse.reason.startswith("The challenger is worse than the champion.")
    alike = judge(precisions(0.5), precisions(0.5, seed=1))
    assert alike.low < 0 < alike.high
    assert alike.reason.startswith("The challenger is not better than the champion beyond noise")
    assert alike.decision == "kept"
    assert judge(precisions(0.5), precisions(0.5)).decision == "kept"  # low is 0, not above it


def test_better_on_the_mean_alone_is_refused():
    step = pd.Series(np.where(np.arange(24) % 2, 0.3, -0.25), index=NAMES)
    verdict = judge(precisions(0.5) + step, precisions(0.5))
    assert verdict.low < 0 < verdict.difference
    assert (verdict.decision, verdict.promotes) == ("kept", False)


def test_rounding_is_no_progress():
    champion = precisions(0.5)
    assert judge(champion + 1e-15, champion).decision == "kept"


def test_the_first_is_held_against_chance():
    chance = pd.Series(0.3, index=NAMES)
    assert judge(precisions(0.5), chance, first=True).decision == "first"
    guess = judge(precisions(0.3, seed=5), chance, first=True)
    assert (guess.decision, guess.promotes) == ("kept", False)
    assert "not better than chance" in guess.reason


def test_few_incidents_prove_nothing_even_when_all_agree():
    few = NAMES[:FEWEST_INCIDENTS - 1]
    verdict = judge(precisions(0.9, names=few), precisions(0.1, names=few))
    assert verdict.low > 0
    assert verdict.decision == "kept"
    assert verdict.reason.startswith("5 incidents are too few")
    enough = NAMES[:FEWEST_INCIDENTS]
    assert judge(precisions(0.9, names=enough), precisions(0.1, names=enough)).promotes


def test_incidents_are_paired_by_name_not_by_place():
    challenger = pd.Series(np.linspace(0.2, 0.9, 24), index=NAMES)
    champion = (challenger - 0.01).iloc[::-1]
    verdict = judge(challenger, champion)
    assert verdict.decision == "promoted"
    assert verdict.low == pytest.approx(0.01)


def test_other_incidents_are_refused():
    with pytest.raises(InputError, match="same incidents twice.*Got 24.*23"):
        judge(precisions(0.5), precisions(0.5).iloc[1:])
    with pytest.raises(InputError, match="at least one"):
        judge(pd.Series(dtype=float), pd.Series(dtype=float))
