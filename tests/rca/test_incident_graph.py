"""An incident as a graph: blind to names, order and units, and true to who is linked with whom."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from aiops.case import Case
from aiops.rca.incident_graph import GROUPS, KINDS, LINKS, NODES, IncidentGraph
from aiops.rca.view import View
from aiops.simulation import incidents
from aiops.workflows.ranker import example

SEEDS = (0, 1, 2, 5, 8)  # traces with metrics, metrics alone, alerts


@pytest.fixture(scope="module", params=SEEDS)
def case(request: pytest.FixtureRequest) -> Case:
    return next(iter(incidents(request.param, 1))).case


def graph(case: Case) -> IncidentGraph:
    return IncidentGraph.of(View.of(case))


def renamed(case: Case, names: dict[str, str]) -> Case:
    """The Case with other names, in each of its tables."""
    def edge(name: str) -> str:
        return "->".join(names[end] for end in name.split("->"))

    tables = {}
    for table, frame in case.tables.items():
        columns = [c for c in ("service", "peer_service", "instance", "peer", "caller", "callee")
                   if c in frame]
        tables[table] = frame.assign(**{c: frame[c].map(names).astype(object) for c in columns})
    symptom = None if case.symptom is None else {
        **case.symptom, "service": names[case.symptom["service"]]}
    entry = None if case.entry_service is None else names[case.entry_service]
    return dataclasses.replace(case, **tables, symptom=symptom, entry_service=entry,
                               suspects=tuple(edge(name) for name in case.suspects))


def test_a_graph_has_a_row_a_suspect_and_finite_numbers(case: Case) -> None:
    made = graph(case)
    assert made.names == case.suspects
    assert made.x.shape == (len(case.suspects), len(NODES))
    assert made.about.shape == (made.links.shape[1], len(LINKS))
    assert np.isfinite(made.x).all()
    assert np.isfinite(made.about).all()
    assert (np.sort(made.about[:, :len(KINDS)].sum(axis=1)) == 1).all()


def test_renaming_permutes_the_rows(case: Case) -> None:
    seen = {each for name in case.suspects for each in name.split("->")}
    seen |= {name for frame in case.tables.values() for c in ("service", "caller", "callee", "peer",
             "peer_service") if c in frame for name in frame[c].dropna().unique()}
    old = sorted(seen)
    new = np.random.default_rng(0).permutation([f"x{at:03d}" for at in range(len(old))])
    names = dict(zip(old, new, strict=True))
    before, after = graph(case), graph(renamed(case, names))
    np.testing.assert_allclose(after.x, before.x, atol=1e-5)
    one, other = ({tuple(link): tuple(about.round(4)) for link, about in zip(
        g.links.T.tolist(), g.about, strict=True)} for g in (before, after))
    assert one == other


def test_units_and_the_order_of_rows_do_not_matter(case: Case) -> None:
    changed = {name: frame.sample(frac=1, random_state=0) for name, frame in case.tables.items()}
    if "metrics" in changed:
        changed["metrics"] = changed["metrics"].assign(value=changed["metrics"]["value"] * 1024)
    np.testing.assert_allclose(graph(dataclasses.replace(case, **changed)).x, graph(case).x,
                               atol=1e-3)


def test_every_feature_of_evidence_is_in_one_group() -> None:
    grouped = [name for names in GROUPS.values() for name in names]
    assert len(grouped) == len(set(grouped))
    assert set(grouped) <= set(NODES)


def test_links_are_calls_edges_and_hosts() -> None:
    time = pd.Timestamp("2026-01-01T00:00:00Z") + pd.to_timedelta(np.arange(60), unit="s")
    rows = pd.DataFrame({"trace_id": [f"{at:032x}" for at in range(60)], "start": time,
                         "duration_ns": 10_000_000, "status_code": "unset"})
    host = [[("host.name", "node-1")]] * 60
    front = rows.assign(span_id=[f"a{at:015x}" for at in range(60)], parent_span_id=None,
                        service="front", operation="GET /", kind="server", attributes=host)
    call = front.assign(span_id=[f"b{at:015x}" for at in range(60)], kind="client",
                        parent_span_id=front["span_id"], peer_service="back")
    back = call.assign(span_id=[f"c{at:015x}" for at in range(60)], kind="server",
                       parent_span_id=call["span_id"], service="back", peer_service=None)
    case = Case(((time[0], time[40]),), (time[40], time[59]), suspects=(
        "front", "back", "front->back", "node-1"), traces=pd.concat([front, call, back]))
    made = graph(case)
    kinds = {(made.names[a], made.names[b]): KINDS[int(np.argmax(about[:len(KINDS)]))]
             for a, b, about in zip(*made.links, made.about, strict=True)
             if not about[KINDS.index("same_host")]}
    assert kinds == {
        ("front", "back"): "calls", ("back", "front"): "called_by",
        ("front->back", "front"): "edge_of_caller", ("front", "front->back"): "caller_of_edge",
        ("front->back", "back"): "edge_of_callee", ("back", "front->back"): "callee_of_edge"}
    together = made.about[:, KINDS.index("same_host")] > 0
    assert {(made.names[a], made.names[b]) for a, b in made.links.T[together]} == {
        (a, b) for a in ("front", "back", "node-1") for b in ("front", "back", "node-1") if a != b}
    share = made.about[~together][:, LINKS.index("share")]
    assert (share == 1.0).all()


def test_features_tell_what_happened() -> None:
    """Of a small Case: pay, which shop calls, becomes slow, says so, and takes more processor."""
    made = graph(example())
    shop, pay = (made.x[made.names.index(name)] for name in ("shop", "pay"))

    def of(row: np.ndarray, name: str) -> float:
        return float(row[NODES.index(name)])

    assert of(pay, "own") > 1 > of(shop, "own")
    assert min(of(pay, "answer"), of(shop, "answer")) > 1
    assert of(pay, "metric_up") > 1 > of(pay, "metric_down")
    assert of(pay, "metric_beyond") == 1
    assert of(pay, "term_latency") > of(shop, "term_latency")
    assert of(pay, "raw_templates") > 0
    assert of(shop, "total_over_callees") < 0 < of(pay, "total_over_callees")
    assert (of(shop, "callees"), of(pay, "callers")) == pytest.approx((np.log(2), np.log(2)))
    assert (of(shop, "is_entry"), of(pay, "is_entry")) == (1, 0)
    assert (of(pay, "first"), of(shop, "first")) == (1, 0)


def test_time_lost_on_a_call_is_told_with_its_sign() -> None:
    case = example()
    spans = case.traces.assign(kind=np.where(case.traces["service"] == "shop", "client", "server"))
    during = spans["start"] >= case.abnormal[0]
    slow = spans.assign(duration_ns=spans["duration_ns"].where(
        ~(during & (spans["kind"] == "client")), spans["duration_ns"] + 500_000_000))
    made = graph(dataclasses.replace(case, traces=slow))
    call = made.about[made.about[:, KINDS.index("calls")] > 0]
    assert (call[:, LINKS.index("gap")] > 1).all()
    assert (call[:, LINKS.index("wait")] > 1).all()


def test_suspects_in_another_order_are_the_same_rows(case: Case) -> None:
    order = np.random.default_rng(0).permutation(len(case.suspects))
    mixed = dataclasses.replace(case, suspects=tuple(case.suspects[at] for at in order))
    np.testing.assert_allclose(graph(mixed).x, graph(case).x[order], atol=1e-5)


def test_a_service_on_several_hosts_is_where_it_began_whatever_the_order() -> None:
    case = example()
    spans = case.traces.assign(attributes=[
        [("host.name", f"node-{at % 3}")] for at in range(len(case.traces))])
    graphs = [graph(dataclasses.replace(case, traces=each)) for each in (
        spans, spans.sample(frac=1, random_state=1))]
    np.testing.assert_array_equal(*(np.sort(each.links, axis=1) for each in graphs))


def test_a_host_that_holds_everybody_joins_nobody() -> None:
    time = pd.Timestamp("2026-01-01T00:00:00Z") + pd.to_timedelta(np.arange(100), unit="s")
    spans = pd.DataFrame({
        "trace_id": [f"{at:032x}" for at in range(100)], "parent_span_id": None,
        "span_id": [f"{at:016x}" for at in range(100)], "operation": "GET", "start": time,
        "service": [f"s{at:02d}" for at in range(100)], "duration_ns": 1_000_000,
        "attributes": [[("host.name", "one")]] * 100})
    made = graph(Case(((time[0], time[60]),), (time[60], time[99]), traces=spans))
    assert made.links.shape[1] == 0
