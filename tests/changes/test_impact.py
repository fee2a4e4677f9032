"""What a change did: found with the right sign, not blamed when harmless, or not identifiable."""

import json

import numpy as np
import pandas as pd
import pytest

from aiops.case import Case
from aiops.changes import Impact, find, impacts
from aiops.changes.requests import requests
from aiops.changes.words import to_dict, to_text
from aiops.commands.output import plain
from tests.changes.made import CHANGE, NEW, made


def the(case: Case, draws: int = 20) -> Impact:
    (found,) = impacts(case, draws=draws)
    return found


def test_a_harmful_canary_is_found_with_what_was_planted():
    found = the(made(ms=15.0, failing=0.1), draws=100)
    assert found.verdict == "harmful"
    assert not found.before_after
    mean, typical, share = found.effects
    assert mean.low < 15 < mean.high
    assert typical.low < 15 < typical.high
    assert share.low < 0.1 < share.high
    assert all(each.p == pytest.approx(1 / 101) for each in found.cuts)
    assert all(each.found <= 0.06 for each in found.cuts)


def test_one_that_is_faster_is_better():
    assert the(made(ms=-4.0)).verdict == "better"


def test_a_harmless_canary_is_rarely_blamed():
    verdicts = [the(made(n=300, seed=seed), draws=1).verdict for seed in range(40)]
    assert verdicts.count("no effect seen") >= 37


def test_where_all_changed_at_once_it_is_no_causal_effect():
    found = the(made(ms=15.0, at_once=True))
    assert found.verdict == "not identifiable"
    assert found.before_after
    assert found.effects[0].low < 15 < found.effects[0].high
    assert "before and after, no causal effect" in str(found)
    assert any("Nothing else changed" in each for each in found.assumptions)
    assert found.cuts == []


def test_versions_that_served_other_routes_are_compared_within_them():
    found = the(made(n=2_000, slow_route=30.0, picky=True))
    assert found.verdict == "no effect seen"


def test_a_roll_out_step_by_step_is_compared_within_time():
    blamed = []
    for seed in range(6):
        case = made(n=2_000, ramp=True, seed=seed)
        traces = case.traces.copy()
        after = (traces["start"] - CHANGE).dt.total_seconds().clip(lower=0)
        slower = (after * 0.5e6).astype("int64")
        traces["duration_ns"] += slower * (traces["service"] != "cart")  # all slow down together
        found = the(Case(normal=case.normal, abnormal=case.abnormal, traces=traces), draws=1)
        assert "period" in found.strata
        assert "period" not in set(found.segments["segment"])
        blamed.append(found.verdict != "no effect seen")
    assert sum(blamed) <= 1


def test_two_changes_of_the_same_requests_cannot_be_told_apart():
    for found in impacts(made(ms=15.0, flag=True), draws=1):
        assert found.verdict == "not identifiable"
        assert "in another way too" in found.why


def test_too_few_requests_are_told():
    found = the(made(n=200, share=0.03, seed=1))
    assert found.verdict == "not identifiable"
    assert "Too few" in found.why
    assert not found.before_after
    assert found.effects == []
    assert "NOT IDENTIFIABLE" in to_text(found)


def test_versions_that_share_no_route_are_not_compared():
    case = made(n=400)
    traces = case.traces.copy()
    new = {trace for trace, held in zip(traces["trace_id"], traces["attributes"], strict=True)
           if dict(held).get("service.version") == NEW}
    apart = traces["trace_id"].isin(new) & (traces["service"] == "front")
    traces.loc[apart, "operation"] = "GET /beta"
    found = the(Case(normal=case.normal, abnormal=case.abnormal, traces=traces))
    assert found.verdict == "not identifiable"
    assert "route is one that the old served as well" in found.why


def test_without_time_before_there_is_no_earlier_cut():
    case = made(n=600, ms=15.0)
    late = case.traces[case.traces["start"] >= CHANGE - pd.Timedelta("1s")]
    found = the(Case(normal=case.normal, abnormal=case.abnormal, traces=late))
    assert found.verdict == "harmful"
    assert found.cuts == []


def test_an_earlier_cut_is_drawn_from_before_the_change_alone():
    case = made(n=900, ms=15.0)
    after = case.traces["start"] >= CHANGE
    old = ~case.traces["trace_id"].isin(case.traces.loc[[
        dict(held).get("service.version") == NEW for held in case.traces["attributes"]],
        "trace_id"])
    wild = np.random.default_rng(0).integers(0, 10**9, len(case.traces))
    traces = case.traces.assign(duration_ns=case.traces["duration_ns"]
                                + wild * (after & old & (case.traces["service"] == "catalog")))
    cut = the(Case(normal=case.normal, abnormal=case.abnormal, traces=traces)).cuts[0]
    assert cut.p == pytest.approx(1 / 21)  # what is wild after it would make large ones


def test_requests_that_failed_do_not_count_against_services_off_the_way():
    case = made(n=2_000, failing=0.5)
    wrong = case.traces.loc[case.traces["status_code"] == "error", "trace_id"]
    longer = case.traces["trace_id"].isin(set(wrong)) & (case.traces["service"] == "cart")
    traces = case.traces.assign(duration_ns=case.traces["duration_ns"] + longer * 20_000_000)
    found = the(Case(normal=case.normal, abnormal=case.abnormal, traces=traces))
    assert [(each.outcome, each.side) for each in found.others] == [("cart", 0)]


def test_a_few_new_requests_over_many_routes_are_drawn_where_they_can_be():
    routes = tuple(f"GET /{n}" for n in range(12))
    found = the(made(n=900, share=0.06, ms=30.0, routes=routes, seed=2), draws=30)
    assert found.verdict == "harmful"
    assert all(0 < each.draws <= 30 for each in found.cuts)


def test_services_off_the_way_do_not_move_unless_versions_served_other_requests():
    case = made(n=2_000, ms=15.0)
    assert [(each.outcome, each.side) for each in the(case).others] == [("cart", 0)]
    version = [dict(held).get("service.version") for held in case.traces["attributes"]]
    new = set(case.traces.loc[[each == NEW for each in version], "trace_id"])
    heavy = case.traces["trace_id"].isin(new) & (case.traces["service"] == "cart")
    traces = case.traces.assign(duration_ns=case.traces["duration_ns"].where(
        ~heavy, case.traces["duration_ns"] * 2))
    found = the(Case(normal=case.normal, abnormal=case.abnormal, traces=traces))
    assert [(each.outcome, each.side) for each in found.others] == [("cart", 1)]
    assert "cart moved as well" in str(found).replace("\n  ", " ")


def test_segments_tell_whom_it_hit():
    case = made(n=2_000, region=True)
    traces = case.traces.copy()
    mine = traces["trace_id"].isin([f"{at:032x}" for at in range(1, 2_000, 2)])
    new = np.array([dict(held).get("service.version") == "1.5.0" for held in traces["attributes"]])
    traces["duration_ns"] += (mine & new) * 20_000_000  # in the us alone
    found = the(Case(normal=case.normal, abnormal=case.abnormal, traces=traces))
    region = found.segments[(found.segments["segment"] == "region")
                            & (found.segments["measure"] == "typical")].set_index("value")
    assert region.loc["us", "low"] < 20 < region.loc["us", "high"]
    assert region.loc["eu", "low"] < 0 < region.loc["eu", "high"]
    assert region["p_equal"].max() < 1e-6
    route = found.segments[(found.segments["segment"] == "route")
                           & (found.segments["measure"] == "typical")]
    assert route["p_equal"].min() > 0.01
    assert "most for us" in str(found)


def test_a_retry_on_the_old_version_does_not_hide_who_failed():
    case = made(n=1_000, failing=0.3)
    wrong = case.traces[(case.traces["service"] == "catalog")
                        & (case.traces["status_code"] == "error")]
    again = wrong.assign(span_id="d", attributes=[{"service.version": "1.4.0"}] * len(wrong),
                         start=wrong["start"] + pd.Timedelta("1us"), status_code="unset")
    found = the(Case(normal=case.normal, abnormal=case.abnormal,
                     traces=pd.concat([case.traces, again])))
    assert found.mixed == len(wrong)
    assert found.verdict == "harmful"
    assert found.effects[2].low < 0.3 < found.effects[2].high
    assert f"{len(wrong)} requests were served by both" in str(found)


def test_the_latency_of_a_request_is_the_mean_of_its_calls():
    case = made(n=200)
    twice = case.traces[case.traces["service"] == "catalog"]
    more = twice.assign(span_id="d", start=twice["start"] + pd.Timedelta("1us"),
                        duration_ns=twice["duration_ns"] * 3)
    both = Case(normal=case.normal, abnormal=case.abnormal,
                traces=pd.concat([case.traces, more]))
    (change,) = find(both)
    once, again = (requests(each, change) for each in (case, both))
    assert again["latency_ms"].to_numpy() == pytest.approx(2 * once["latency_ms"].to_numpy())
    assert set(again["calls"]) == {2}


@pytest.mark.parametrize("opposite", [False, True])
def test_a_flag_of_many_of_the_same_requests_cannot_be_told_apart(opposite):
    case = made(n=1_000)
    rng, traces = np.random.default_rng(0), case.traces.copy()
    new = {trace for trace, held in zip(traces["trace_id"], traces["attributes"], strict=True)
           if dict(held).get("service.version") == NEW}
    at = traces["service"] == "cart"
    on = [(trace in new) != opposite if rng.random() < 0.88 else rng.random() < 0.3
          for trace in traces.loc[at, "trace_id"]]
    on &= (traces.loc[at, "start"] >= CHANGE).to_numpy()
    traces.loc[at, "attributes"] = [{"deployment.id": "b" if each else "a"} for each in on]
    found = impacts(Case(normal=case.normal, abnormal=case.abnormal, traces=traces), draws=1)
    assert {each.verdict for each in found} == {"not identifiable"}


def test_segments_are_compared_within_the_others():
    case = made(n=2_000, slow_route=30.0, picky=True, region=True)
    region = the(case, draws=1).segments.query("segment == 'region' and measure == 'mean'")
    assert len(region) == 2
    assert (region["low"] < 0).all()
    assert (region["high"] > 0).all()


def test_renaming_and_order_change_nothing():
    case = made(ms=15.0)
    names = {"front": "z", "catalog": "y", "cart": "x"}
    shuffled = case.traces.assign(service=case.traces["service"].map(names)).sample(
        frac=1, random_state=0)
    other = the(Case(normal=case.normal, abnormal=case.abnormal, traces=shuffled))
    assert other.change.service == "y"
    for mine, theirs in zip(the(case).effects, other.effects, strict=True):
        assert (mine.value, mine.low, mine.high) == pytest.approx(
            (theirs.value, theirs.low, theirs.high))


@pytest.mark.parametrize("asked", [{"ms": 15.0}, {"at_once": True}, {"n": 200, "share": 0.03}])
def test_words_fit_a_terminal_and_machines(asked):
    found = the(made(**asked))
    assert max(map(len, to_text(found).splitlines())) <= 80
    told = json.loads(json.dumps(plain(to_dict(found)), allow_nan=False))
    assert told["verdict"] == found.verdict
    assert told["identifiable"] == (found.verdict != "not identifiable")


def test_a_notebook_shows_words_and_a_picture():
    shown = the(made(ms=15.0))._repr_html_()
    assert "HARMFUL" in shown
    assert 'alt="catalog 1.5.0: harmful, a typical request' in shown
    few = the(made(n=200, share=0.03, seed=1))._repr_html_()
    assert "Too few" in few
    assert "<img" not in few
