"""Each stress does what it says, on small made Cases, and lets nothing of the incident through."""

from dataclasses import replace

import pandas as pd
import pytest

from aiops.case import Case
from aiops.errors import CaseError
from aiops.evaluation.stress import (
    keep_spans,
    known_edges,
    late,
    pseudo_incidents,
    together,
    without,
    wrong_edges,
)
from tests.evaluation.incident import ABNORMAL_S, CALLS, NORMAL_S, T0, at, made


def test_sampling_keeps_whole_traces_on_both_sides_and_unties_lines_of_the_others():
    case = made()
    got = keep_spans(case, 0.5, 0)
    assert got.traces.groupby("trace_id").size().eq(5).all()
    for which, length in (("normal", NORMAL_S), ("abnormal", ABNORMAL_S)):
        kept = got.select("traces", which)["trace_id"].nunique()
        assert 0.35 < kept / length < 0.65
    assert len(got.logs) == len(case.logs)
    tied = got.logs["trace_id"].notna()
    assert set(got.logs.loc[tied, "trace_id"]) == set(got.traces["trace_id"])
    assert got.logs["span_id"].notna().equals(tied)
    assert keep_spans(case, 0.5, 0).traces.equals(got.traces)
    assert not keep_spans(case, 0.5, 1).traces.equals(got.traces)


def test_sampling_does_not_depend_on_the_order_of_rows():
    case = made()
    turned = replace(case, traces=case.traces[::-1])
    assert set(keep_spans(turned, 0.2, 0).traces["span_id"]) == set(
        keep_spans(case, 0.2, 0).traces["span_id"])


def test_a_table_is_taken_away_and_the_suspects_stay():
    got = without(made(), "metrics")
    assert "metrics" not in got.tables
    assert got.suspects == made().suspects
    with pytest.raises(CaseError, match="needs alerts"):
        without(made(), "alerts")


def test_a_late_alert_takes_the_incidents_first_seconds_for_normal():
    case = made()
    got = late(case, 20)
    assert got.normal == ((T0, at(NORMAL_S + 20)),)
    assert got.abnormal == (at(NORMAL_S + 20), case.abnormal[1])
    assert got.detected_at == at(NORMAL_S + 20)
    normal = got.select("metrics", "normal")
    assert (normal["value"] > 40).sum() == 20
    apart = late(replace(case, normal=((T0, at(100)),)), 20)
    assert apart.normal == ((T0, at(100)), (at(NORMAL_S), at(NORMAL_S + 20)))


def test_an_incident_that_is_over_by_then_cannot_be_late():
    with pytest.raises(CaseError, match="nothing would be left"):
        late(made(), ABNORMAL_S)
    case = made()
    early = replace(case, traces=None, logs=None,
                    metrics=case.metrics[case.metrics["time"] < at(NORMAL_S + 30)])
    with pytest.raises(CaseError, match="Nothing was sent"):
        late(early, 40)


def test_a_share_of_edges_leads_elsewhere_in_both_tables():
    case = made()
    case = replace(case, traces=case.traces.assign(peer_service=case.traces["service"].map(
        {"front": "cart", "cart": "store", "pay": "bank"})))
    got = wrong_edges(case, 0.5, 3)
    changed = set(known_edges(case)) - set(known_edges(got))
    assert len(changed) == 2
    assert len(known_edges(got)) == len(CALLS)
    told = set(map(tuple, got.traces[["service", "peer_service"]].dropna().drop_duplicates()
                   .to_numpy()))
    assert told <= set(map(tuple, got.topology.to_numpy()))
    assert not told & changed
    assert got.traces["parent_span_id"].equals(case.traces["parent_span_id"])
    assert not any(a == b for a, b in known_edges(got))


def test_without_edges_none_can_be_wrong():
    with pytest.raises(CaseError, match="names no edges"):
        wrong_edges(replace(made(), topology=None), 0.2, 0)


def test_two_faults_stand_in_one_case_and_nothing_else_of_the_second():
    first, second = made("cart"), made("bank", seed=1, start=7000)
    got = together(first, second, ["bank"])
    high = got.select("metrics", "abnormal").groupby("service")["value"].mean() > 40
    assert set(high.index[high]) == {"cart", "bank"}
    assert set(got.tables) == {"metrics", "topology"}
    assert not (got.select("metrics", "normal")["value"] > 40).any()
    own = got.metrics["service"] != "bank"
    assert got.metrics[own].reset_index(drop=True).equals(
        first.metrics[first.metrics["service"] != "bank"].reset_index(drop=True))
    sizes = got.metrics.groupby("service").size()
    assert sizes["bank"] == sizes["cart"]
    assert set(got.metrics["time"]) == set(first.metrics["time"])


def test_what_cannot_be_spliced_is_refused():
    with pytest.raises(CaseError, match="elsewhere"):
        together(made(), made("bank"), ["elsewhere"])
    with pytest.raises(CaseError, match="no tables"):
        together(made(), replace(made("bank"), metrics=None), ["bank"])


def test_alerts_of_the_second_culprit_come_along():
    alerts = pd.DataFrame({"instance": ["a", "b", "c"], "service": ["a", "b", "c"],
                           "kind": "metric", "name": ["own", "own", "own"]})
    first = Case(normal=((T0, at(10)),), abnormal=(at(10), at(20)), alerts=alerts)
    second = replace(first, alerts=alerts.assign(name="other"))
    got = together(first, second, ["b"])
    assert got.alerts.set_index("instance")["name"].to_dict() == {
        "a": "own", "b": "other", "c": "own"}


def test_a_pseudo_incident_is_late_normal_time_and_holds_nothing_of_the_incident():
    case = made()
    got = pseudo_incidents(case, 2)
    assert [each.abnormal for each in got] == [(at(240), at(300)), (at(180), at(240))]
    assert got[1].normal == ((T0, at(180)), (at(240), at(300)))
    assert got[0].detected_at == at(240)
    for each in got:
        assert each.metrics["time"].max() < case.abnormal[0]
        assert each.metrics["value"].max() < 40
        assert len(each.select("metrics", "abnormal")) == 5 * 60
        assert each.traces["start"].max() < case.abnormal[0]
        assert each.suspects == case.suspects


def test_without_normal_rows_there_is_no_pseudo_incident():
    alerts = pd.DataFrame({"instance": ["a"], "service": ["a"], "kind": "log", "name": ["x"]})
    assert pseudo_incidents(Case(normal=((T0, at(10)),), abnormal=(at(10), at(20)),
                                 alerts=alerts), 2) == []
