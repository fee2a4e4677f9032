"""Sticky sessions: requests of one are alike, and what is drawn is sessions."""

import numpy as np
import pandas as pd
import pytest

from aiops.case import Case
from aiops.changes import find, impact, impacts
from aiops.changes.canary import Counts, e_value
from aiops.changes.clusters import spread
from aiops.changes.counting import count
from aiops.changes.effect import effect
from aiops.changes.impact import blamed, drifts
from aiops.changes.placebo import cuts
from aiops.changes.requests import requests
from aiops.errors import UsageError
from tests.changes.made import made
from tests.changes.sticky import ALONE, at_service, sticky


def test_without_sessions_harmless_releases_are_blamed_and_with_them_seldom():
    naive = [blamed(at_service(sticky(seed).drop(columns="cluster"))) for seed in range(150)]
    known = [blamed(at_service(sticky(seed))) for seed in range(150)]
    assert np.mean([each is not None for each in naive]) > 0.3
    assert np.mean([each is not None for each in known]) <= 0.05


def test_routed_by_request_the_sessions_cost_little():
    made_so = [sticky(seed, by_request=True, ms=4.0) for seed in range(60)]
    with_ids = [effect(each, "latency_ms", "mean") for each in made_so]
    without = [effect(each.drop(columns="cluster"), "latency_ms", "mean") for each in made_so]
    wide = [(a.high - a.low) / (b.high - b.low) for a, b in zip(with_ids, without, strict=True)]
    assert 0.8 < np.median(wide) < 1.2
    assert np.mean([each.side > 0 for each in with_ids]) > 0.5


@pytest.mark.parametrize("measure", ["mean", "typical"])
def test_what_a_release_adds_lies_within_the_wider_interval(measure):
    tables = [sticky(seed, sessions=120, ms=6.0) for seed in range(100)]
    held = [effect(each, "latency_ms", measure, ["route"]) for each in tables]
    assert np.mean([each.low <= 6.0 <= each.high for each in held]) >= 0.9
    assert all(each.clusters == table["cluster"].nunique() for each, table in
               zip(held, tables, strict=True))


def test_the_spread_is_what_leaving_each_session_out_gives():
    rng = np.random.default_rng(0)
    y, new = rng.normal(size=60), np.arange(60) >= 25
    session = np.r_[rng.integers(0, 5, 25), 5 + rng.integers(0, 6, 35)]
    told = spread(y, new, np.zeros(60, dtype=int), session, np.ones(1))
    for mine, of in ((told.old, ~new), (told.new, new)):
        left = [y[of & (session != each)].mean() - y[of].mean() for each in np.unique(session[of])]
        assert mine == pytest.approx(np.square(left).sum() * (len(left) - 1) / len(left))
    assert told.both == 0


def test_a_session_of_one_request_is_a_request():
    alone = sticky(3).assign(cluster=np.arange(400))
    for measure in ("mean", "typical"):
        one, other = (effect(each, "latency_ms", measure) for each in
                      (alone, alone.drop(columns="cluster")))
        assert (one.low, one.high) == pytest.approx((other.low, other.high), rel=0.1)


def test_where_none_failed_a_session_counts_once():
    table = sticky(0, sessions=30).assign(failed=False)
    wide = effect(table, "failed", "share")
    assert wide.high > 3 * effect(table.drop(columns="cluster"), "failed", "share").high


def test_lots_draw_whole_sessions():
    found = {}
    for name, calm in (("naive", sticky(0, n=3_000).drop(columns="cluster")),
                       ("known", sticky(0, n=3_000))):
        real = effect(calm, "latency_ms", "mean", level=ALONE)
        found[name] = cuts(calm.assign(new=False), real, draws=200)
    assert found["known"].found <= 0.05
    assert found["known"].p > 3 * found["naive"].p or found["naive"].p > 0.05


def test_an_impact_tells_the_sessions_and_what_they_were_before():
    found = impacts(made(n=1_500, ms=30.0, sessions=120, seed=1), draws=20, cluster="session.id")[0]
    assert found.verdict == "harmful"
    assert found.cluster == "session.id"
    assert 100 < found.effects[0].clusters <= 120
    assert [each.side for each in found.same_before] == [0, 0, 0]
    assert "the same session.id before the change: alike" in str(found).replace("\n ", "")


def test_sessions_that_were_slow_before_are_told():
    case = made(n=1_500, sessions=120, seed=2)
    told = requests(case, find(case)[0], cluster="session.id")
    slow = set(told.loc[told["new"], "cluster"])
    mine = set(told.index[told["cluster"].isin(slow)])
    longer = case.traces["trace_id"].isin(mine) & (case.traces["service"] == "catalog")
    traces = case.traces.assign(duration_ns=case.traces["duration_ns"] + longer * 40_000_000)
    (found,) = impacts(Case(normal=case.normal, abnormal=case.abnormal, traces=traces), draws=1,
                       cluster="session.id")
    assert found.same_before[1].side == 1
    assert "unlike even then" in str(found).replace("\n ", "")


def test_too_few_sessions_are_told():
    case = made(n=400, sessions=8, seed=0)
    (change,) = find(case)
    told = impact(case, change, draws=1, cluster="session.id")
    assert told.verdict == "not identifiable"
    assert "of 5 session.id or more" in told.why


def test_an_attribute_that_no_span_has_is_an_error():
    case = made(n=100)
    (change,) = find(case)
    with pytest.raises(UsageError, match="enduser"):
        requests(case, change, cluster="user.name")


def test_requests_that_tell_no_session_stand_for_themselves():
    case = made(n=200, sessions=10)
    held = [{} if dict(each).get("session.id") == "s0" else each
            for each in case.traces["attributes"]]
    some = Case(normal=case.normal, abnormal=case.abnormal,
                traces=case.traces.assign(attributes=held))
    told = requests(some, find(some)[0], cluster="session.id")
    assert told["cluster"].str.startswith("session.id=").sum() < len(told)
    alone = told[~told["cluster"].str.startswith("session.id=")]
    assert alone["cluster"].is_unique


def test_a_session_counts_as_the_share_of_its_requests_that_were_bad():
    case = made(n=1_000, sessions=60, failing=0.3)
    (change,) = find(case)
    by_request, by_session = count(case, change)["failed"], \
        count(case, change, cluster="session.id")["failed"]
    assert by_session.new + by_session.old <= 60 < by_request.new + by_request.old
    assert by_session.new_bad / by_session.new == pytest.approx(
        by_request.new_bad / by_request.new, abs=0.05)


def test_shares_are_no_more_evidence_than_a_yes_or_no():
    """The expectation of the e-value under its hypothesis stays at most 1."""
    rng = np.random.default_rng(0)
    told = []
    for _ in range(2_000):
        new, old = rng.beta(0.5, 4.5, 60), rng.beta(0.5, 4.5, 140)
        told.append(e_value(Counts(60, float(new.sum()), 140, float(old.sum())), at_most=0.0))
    assert np.mean(told) <= 1.0


def test_sessions_of_long_standing_do_not_make_a_share_drift():
    """A session's requests lie together in time; by requests its version seems to drift."""
    seen = {"request": 0, "session": 0}
    for seed in range(40):
        rng = np.random.default_rng(seed)
        session = np.repeat(np.arange(60), 10)
        start = pd.Timestamp("2026-03-02", tz="UTC") + pd.to_timedelta(
            session + rng.uniform(0, 5, 600), "s")
        rows = pd.DataFrame({"new": (rng.random(60) < 0.3)[session], "start": start,
                             "cluster": session})
        seen["session"] += drifts(rows)
        seen["request"] += drifts(rows.drop(columns="cluster"))
    assert seen["session"] <= 2
    assert seen["request"] > 10
