"""Decoys look like what is there and take nothing of the incident, on a small made Case."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp

from aiops.case import Case
from aiops.errors import CaseError
from aiops.evaluation.decoys import call_edges, decoys, past_alerts, plan
from aiops.evaluation.grafts import Calls
from tests.evaluation.incident import CALLS, NORMAL_S, T0, at, made

COUNT = 12


@pytest.fixture(scope="module", params=["cart", "bank"])
def pair(request):
    """A Case of which the culprit is a model of decoys, and the same with decoys."""
    case = made(request.param)
    kinds = case.traces["service"].map({"front": "server"}).fillna("internal")
    case = replace(case, traces=case.traces.assign(kind=kinds))
    return case, decoys(case, COUNT, seed=0)


def new_of(case, got):
    return [name for name in got.suspects if name not in case.suspects]


def model_of(case, got):
    return {name: model for world in plan(case, call_edges(case), COUNT, 0)
            for model, name in world.items()}


def test_they_are_suspects_with_drawn_names_and_the_real_ones_stay(pair):
    case, got = pair
    assert len(new_of(case, got)) == COUNT
    assert got.suspects[:len(case.suspects)] == case.suspects
    again = [name for name in decoys(made("pay", seed=3), COUNT, 0).suspects
             if name not in case.suspects]
    assert again == new_of(case, got)  # the same in every Case of a system
    assert not set(new_of(case, decoys(case, COUNT, 1))) & set(new_of(case, got))


@pytest.mark.parametrize("table", ["metrics", "traces", "logs", "topology"])
def test_what_the_real_ones_sent_stays(pair, table):
    case, got = pair
    kept = getattr(got, table).iloc[:len(getattr(case, table))]
    same = kept if table != "traces" else kept.assign(
        start=case.traces["start"], duration_ns=case.traces["duration_ns"])
    if table == "logs":
        same = kept.assign(time=case.logs["time"])
    pd.testing.assert_frame_equal(same, getattr(case, table))


def test_metrics_are_normal_on_both_sides(pair):
    case, got = pair
    model = model_of(case, got)
    highest = case.select("metrics", "normal").groupby("service")["value"].max()
    for name in new_of(case, got):
        rows = [got.select("metrics", which) for which in ("normal", "abnormal")]
        sides = [side.loc[side["service"] == name, "value"] for side in rows]
        assert max(map(max, sides)) <= highest[model[name]]
        assert ks_2samp(*sides).pvalue > 1e-4
        assert [len(side) for side in sides] == [300, 60]


def test_metrics_have_the_form_of_their_model(pair):
    case, got = pair
    real, made_up = (got.metrics[got.metrics["service"].isin(names)]
                     for names in (case.suspects, new_of(case, got)))
    assert set(made_up["time"]) <= set(real["time"])
    assert set(made_up.groupby("service")["time"].nunique()) == set(
        real.groupby("service")["time"].nunique())
    assert set(made_up["instance"]) == {f"{name}-1" for name in new_of(case, got)}
    series = made_up.sort_values("time").groupby("service")["value"].apply(tuple)
    assert series.nunique() == COUNT
    own = real.sort_values("time").groupby("service")["value"].apply(tuple)
    assert not set(series) & set(own)


def test_blocks_of_one_world_move_together():
    case = made()
    shared = np.random.default_rng(5).normal(0, 30, len(case.metrics) // 5)
    case = replace(case, traces=None, logs=None, metrics=case.metrics.assign(
        value=case.metrics["value"] + np.tile(shared, 5)))
    got = decoys(case, COUNT, 0)
    for world in plan(case, call_edges(case), COUNT, 0):
        wide = got.metrics[got.metrics["service"].isin(list(world.values()))].pivot_table(
            index="time", columns="service", values="value")
        assert wide.corr().min().min() > 0.5


def calls_per_host(case, names, which):
    spans = case.select("traces", which).reset_index(drop=True)
    calls = Calls.of(spans)
    to = np.isin(calls.callee.astype(str), names)
    real = ~spans["service"].isin(names)
    from_real = to & (calls.parent >= 0) & real.to_numpy()[calls.parent]
    return from_real.sum() / real.sum()


def test_spans_are_called_as_often_and_last_as_long_on_both_sides(pair):
    case, got = pair
    new = new_of(case, got)
    share = [calls_per_host(got, new, which) for which in ("normal", "abnormal")]
    assert share[0] == pytest.approx(0.4, abs=0.05)  # four calls a request of five spans, half
    assert share[1] == pytest.approx(share[0], abs=0.1)
    spans = [got.select("traces", which) for which in ("normal", "abnormal")]
    lasts = [s.loc[s["service"].isin(new), "duration_ns"] for s in spans]
    normal = case.select("traces", "normal")["duration_ns"].max()
    assert max(map(max, lasts)) <= normal
    assert ks_2samp(*lasts).pvalue > 1e-3
    assert all(s["service"].isin(new).groupby(s["trace_id"]).any().mean() > 0.8 for s in spans)


def self_time(spans):
    parent = Calls.of(spans).parent
    below = np.zeros(len(spans), dtype="int64")
    np.add.at(below, parent[parent >= 0], spans["duration_ns"].to_numpy()[parent >= 0])
    return spans["duration_ns"].to_numpy() - below


def test_no_self_time_changes_and_who_does_not_wait_lasts_no_longer(pair):
    case, got = pair
    n = len(case.traces)
    assert (self_time(got.traces)[:n] == self_time(case.traces)).all()
    leaf = case.traces["service"].isin(["store", "bank"])
    assert (got.traces.iloc[:n].loc[leaf, "duration_ns"] == case.traces.loc[leaf, "duration_ns"]
            ).all()


def test_spans_hang_together_and_lie_within_those_that_wait(pair):
    case, got = pair
    spans = got.traces.reset_index(drop=True)
    assert not spans["span_id"].duplicated().any()
    parent = Calls.of(spans).parent
    own = spans["service"].isin(new_of(case, got)).to_numpy()
    assert (parent[own] >= 0).all()
    above = spans.iloc[parent[own]].reset_index(drop=True)
    below = spans[own].reset_index(drop=True)
    assert (below["start"] >= above["start"]).all()
    real = ~above["service"].isin(new_of(case, got))
    assert (below["start"] + pd.to_timedelta(below["duration_ns"], unit="ns")
            <= above["start"] + pd.to_timedelta(above["duration_ns"], unit="ns"))[real].all()
    edges = set(zip(above["service"], below["service"], strict=True))
    assert any(a in case.suspects for a, _ in edges)
    assert any(a not in case.suspects for a, _ in edges)
    assert edges <= set(map(tuple, got.topology.to_numpy()))
    assert not set(spans.loc[own, "operation"]) & set(case.traces["operation"])


def test_a_callers_client_span_stays_its_own_and_names_the_decoy():
    spans = pd.DataFrame([(f"t{i}", f"{s}{i}", p and f"{p}{i}", service, op, T0 + pd.Timedelta(
        seconds=i, milliseconds=ms), 1_000_000 * last, kind, peer) for i in range(90)
        for s, p, service, op, ms, last, kind, peer in [
            ("r", None, "front", "GET", 0, 20, "server", None),
            ("c", "r", "front", "pay", 2, 10, "client", "pay"),
            ("s", "c", "pay", "pay", 3, 8, "server", None),
            ("d", "s", "pay", "SELECT", 4, 2, "client", "db")]],
        columns=["trace_id", "span_id", "parent_span_id", "service", "operation", "start",
                 "duration_ns", "kind", "peer_service"])
    attributes = [[("peer.service", peer), ("url", f"http://{peer}:80/")] if peer else None
                  for peer in spans["peer_service"].where(spans["peer_service"].notna(), None)]
    case = Case(normal=((T0, at(60)),), abnormal=(at(60), at(90)),
                traces=spans.assign(attributes=attributes), entry_service="front")
    got = decoys(case, 4, 0)
    new = new_of(case, got)
    copies = got.traces.iloc[len(spans):]
    client = copies[copies["service"] == "front"]
    assert len(client) > 20
    assert client["peer_service"].isin(new).all()
    assert client["kind"].eq("client").all()
    assert copies["peer_service"].dropna().isin(new).all()  # no decoy calls a real one
    assert [dict(a) for a in client["attributes"]] == [
        {"peer.service": p, "url": f"http://{p}:80/"} for p in client["peer_service"]]
    gap = got.traces.merge(got.traces, left_on=["trace_id", "span_id"],
                           right_on=["trace_id", "parent_span_id"])
    crossing = gap[(gap["kind_x"] == "client") & (gap["kind_y"] == "server")]
    assert len(crossing) > 90
    assert (crossing["duration_ns_x"] - crossing["duration_ns_y"]).eq(2_000_000).all()


def test_lines_come_with_their_spans_and_others_in_blocks(pair):
    case, got = pair
    new = set(new_of(case, got))
    lines = got.logs[got.logs["service"].isin(new)]
    written = got.traces.set_index("span_id")["service"]
    assert len(lines) > 50
    assert written.reindex(lines["span_id"]).tolist() == lines["service"].tolist()
    untied = replace(case, logs=case.logs.drop(columns=["trace_id", "span_id"]), traces=None)
    lines = decoys(untied, COUNT, 0)
    counts = [lines.select("logs", which)["service"].isin(new).sum()
              for which in ("normal", "abnormal")]
    assert counts == [3 * NORMAL_S, 3 * 60]  # 3 of 12 decoys look like the one that logs


def test_metrics_of_edges_keep_two_ends():
    case = made()
    ends = pd.concat([case.metrics[case.metrics["service"] == view].assign(
        name=name, peer_service=peer) for view, name, peer in [
            ("front", "source", "cart"), ("cart", "destination", "front"),
            ("cart", "source", "store"), ("store", "destination", "cart")]])
    got = decoys(replace(case, traces=None, logs=None, metrics=ends), COUNT, 0)
    pairs = got.metrics.dropna(subset=["peer_service"])
    sources, answers = (pairs[pairs["name"] == name] for name in ("source", "destination"))
    edges = set(zip(sources["service"], sources["peer_service"], strict=True))
    assert edges == set(zip(answers["peer_service"], answers["service"], strict=True))
    assert edges <= set(map(tuple, got.topology.to_numpy()))
    assert len(edges) > 6


def test_no_decoy_calls_a_real_one_unless_edges_go_both_ways():
    case = replace(made(), traces=None, logs=None, metrics=None)
    got = decoys(case, COUNT, 0)
    new = new_of(case, got)
    added = [edge for edge in map(tuple, got.topology.to_numpy()) if edge not in CALLS]
    assert all(callee in new for _, callee in added)
    assert {callee for _, callee in added} == set(new)
    both = pd.concat([case.topology, case.topology.set_axis(["callee", "caller"], axis=1)])
    edges = set(map(tuple, decoys(replace(case, topology=both), COUNT, 0).topology.to_numpy()))
    assert {(b, a) for a, b in edges} == edges


ALERTS = pd.DataFrame({"instance": ["a", "b", "b"], "service": ["a", "b", "b"], "kind": "metric",
                       "name": ["usual", "usual", "rare"]})


def alerting(alerts):
    return Case(normal=((T0, at(10)),), abnormal=(at(10), at(20)), alerts=alerts,
                suspects=("a", "b"))


def test_alerts_are_those_of_other_incidents_at_their_rate():
    past = past_alerts([alerting(ALERTS)] + [alerting(ALERTS.iloc[:2])] * 3)
    case = alerting(ALERTS.assign(name="incident"))
    raised = [decoys(case, 40, seed, past).alerts for seed in range(10)]
    new = pd.concat([each.iloc[3:] for each in raised])
    counts = new["name"].value_counts() / 400
    assert set(counts.index) == {"usual", "rare"}
    assert counts["usual"] == 1.0
    assert counts["rare"] == pytest.approx(1 / 8, abs=0.05)  # half look like b, one time in four
    assert not new["instance"].isin(["a", "b"]).any()


def test_what_culprits_raised_is_no_decoys_alert_and_without_a_past_they_are_silent():
    past = past_alerts([alerting(ALERTS)] * 2, [["b"], ["b"]])
    case = alerting(ALERTS)
    assert set(decoys(case, 40, 0, past).alerts.iloc[3:]["name"]) == {"usual"}
    assert decoys(case, 40, 0, past).alerts.iloc[3:]["instance"].nunique() == 20
    assert len(decoys(case, 40, 0).alerts) == 3


def test_without_services_nothing_can_be_imitated():
    with pytest.raises(CaseError, match="need a suspect"):
        decoys(Case(normal=((T0, at(10)),), abnormal=(at(10), at(20)), suspects=("a",)), 40, 0)
