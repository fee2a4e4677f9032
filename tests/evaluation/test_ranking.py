"""Ranking metrics, against cases worked out by hand and a brute-force chance level."""

from itertools import permutations

import pandas as pd
import pytest

from aiops.errors import InputError
from aiops.evaluation import ranking
from aiops.evaluation.ranking import (
    Outcome,
    abstention,
    chance,
    figures,
    of_slice,
    ranks,
    reliability,
    scores,
    slices,
)

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


def told(confidence=None, abstains=None, first="a", case=None):
    blame = pd.Series({first: 2.0, "d" if first != "d" else "a": 1.0})
    blame.attrs = {"confidence": confidence, "abstains": abstains}
    return Outcome(blame, FOUR, {"culprits": ["a"]}, case=case)


def by_metric(outcomes):
    return {f.metric: f for f in of_slice(outcomes, "set", "model", "all")}


def test_a_case_ranked_several_times_counts_once_by_its_mean():
    got = by_metric([told(first="a", case="x"), told(first="b", case="x"),
                     told(first="a", case="y"), Outcome(None, FOUR, {"culprits": ["a"]},
                                                        case="z")])
    assert (got["ac@1"].value, got["ac@1"].n) == (0.5, 3)
    assert (got["failures"].value, got["failures"].n) == (1.0, 3)


def test_who_abstains_where_it_is_wrong_answers_better_and_is_scored_the_same():
    got = by_metric([told(abstains=False), told(abstains=True, first="b"),
                     told(abstains=True), told(abstains=False)])
    assert (got["abstained"].value, got["abstained"].n) == (0.5, 4)
    assert (got["ac@1_answered"].value, got["ac@1_answered"].n) == (1.0, 2)
    assert got["ac@1"].value == 0.75
    assert "ac@1_answered" not in by_metric([told(abstains=True)])


def test_who_states_nothing_has_no_figures_for_it():
    assert {"abstained", "ac@1_answered", "ece"}.isdisjoint(by_metric([told(), told(first="b")]))
    assert abstention([told()], "set", "model", "no_incident=control") == []
    failed = Outcome(None, FOUR, {"culprits": []})
    (share,) = abstention([failed, told(abstains=True)], "set", "model", "no_incident=control")
    assert (share.value, share.n) == (0.5, 2)


def test_confidence_is_held_against_how_often_it_is_right():
    outcomes = [told(0.9), told(0.9), told(0.95, first="b"), told(0.3, first="b"), told(1.0)]
    got = reliability(outcomes).set_index("low")
    assert got["n"].to_dict() == {0.3: 1, 0.9: 4}
    assert got.loc[0.9, ["high", "hit"]].tolist() == [1.0, 0.75]
    assert got.loc[0.9, "confidence"] == pytest.approx(0.9375)
    assert by_metric(outcomes)["ece"].value == pytest.approx((4 * 0.1875 + 0.3) / 5)
    assert by_metric([told(1.0)])["ece"].value == 0.0
    assert reliability([told()]).empty


def test_a_tie_for_the_first_place_is_right_in_its_share():
    blame = pd.Series(1.0, index=FOUR)
    blame.attrs["confidence"] = 0.25
    assert by_metric([Outcome(blame, FOUR, {"culprits": ["a"]})])["ece"].value == 0.0


@pytest.mark.parametrize("told", [{"confidence": 1.5}, {"confidence": float("nan")},
                                  {"abstains": "no"}])
def test_what_cannot_be_stated_is_refused(told):
    blame = pd.Series({"a": 1.0})
    blame.attrs = told
    with pytest.raises(InputError, match="A ranking's"):
        ranking.stated(blame)
