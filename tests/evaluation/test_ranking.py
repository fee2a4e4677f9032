"""Ranking metrics, against cases worked out by hand and a brute-force chance level."""

from itertools import permutations

import pandas as pd
import pytest

from aiops.errors import InputError
from aiops.evaluation import ranking
from aiops.evaluation.ranking import Outcome, chance, figures, ranks, scores, slices

FOUR = ("a", "b", "c", "d")


def test_ties_have_their_mean_rank_and_the_unranked_tie_last():
    got = ranks(pd.Series({"b": 2.0, "a": 2.0, "c": 5.0}), (*FOUR, "e"))
    assert got.to_dict() == {"c": 1.0, "a": 2.5, "b": 2.5, "d": 4.5, "e": 4.5}


def test_two_culprits_share_the_top():
    got = scores(pd.Series({"a": 3.0, "b": 2.0, "c": 1.0, "d": 0.0}), FOUR, ["a", "c"])
    assert (got["ac@1"], got["ac@3"], got["mrr"]) == (1.0, 1.0, 1.0)
    assert got["avg@5"] == pytest.approx((1 + 0.5 + 1 + 1 + 1) / 5)


def test_equal_blame_for_all_finds_nobody_first():
    assert scores(pd.Series(1.0, index=FOUR), FOUR, ["a"])["ac@1"] == 0.0


def test_misses():
    assert set(scores(None, FOUR, ["a"]).values()) == {0.0}
    assert set(scores(pd.Series({"a": 1.0}), FOUR, ["no-suspect"]).values()) == {0.0}
    with pytest.raises(InputError, match="without culprits"):
        scores(None, FOUR, [])
    with pytest.raises(InputError, match="once"):
        ranks(pd.Series([1.0, 2.0], index=["a", "a"]), FOUR)


@pytest.mark.parametrize("culprits", [["a"], ["a", "d"], ["a", "b", "c"], ["a", "elsewhere"]])
def test_chance_is_the_mean_over_all_rankings(culprits):
    all_scores = pd.DataFrame([
        scores(pd.Series(range(4), index=order, dtype=float), FOUR, culprits)
        for order in permutations(FOUR)])
    assert chance(FOUR, culprits) == pytest.approx(all_scores.mean().to_dict())


def test_slices_keep_silent_faults_and_other_culprits_apart():
    seen = {"/": {"latency": True, "errors": False}}
    unseen = {"/": {"latency": False, "errors": False}}
    assert slices({"kind": "service", "fault": "cpu", "visible": seen}) == [
        "all", "culprit=service", "fault=cpu"]
    assert slices({"kind": "database"}) == ["all", "culprit=other"]
    assert slices({"kind": "database", "visible": unseen}) == ["all", "silent"]


def test_a_failure_is_counted_and_a_miss():
    good = Outcome(pd.Series({"a": 1.0}), FOUR, {"culprits": ["a"]}, seconds=1.0)
    bad = Outcome(None, FOUR, {"culprits": ["a"]}, seconds=3.0, error="no")
    got = {f.metric: f for f in figures([good, bad], "set", "model") if f.slice == "all"}
    assert (got["ac@1"].value, got["failures"].value, got["seconds_p50"].value) == (0.5, 1.0, 2.0)
    assert got["ac@1"].low <= 0.5 <= got["ac@1"].high
    assert set(ranking.METRICS) < set(got)
