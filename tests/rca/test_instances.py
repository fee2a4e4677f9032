"""Suspects that are instances: every ranker blames the faulty one, not the one beside it."""

from dataclasses import replace

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from aiops.case import Case
from aiops.checks.incident import made_case
from aiops.rca import RANKERS
from aiops.rca.instances import alike, owner, services, with_instances
from aiops.rca.learned import effects
from tests.rca.made import at

RUN = {"front": ["front-0"], "cart": ["cart-0", "cart-1"], "ship": ["ship-0"]}
CALLS = [("front", "cart"), ("front", "ship")]
N, CUT = 120, 80


def shop(faulty: str) -> Case:
    """Latency and cpu by instance; one is slow and busy by turns, and front waits for it."""
    rng = np.random.default_rng(0)
    late = (np.arange(N) >= CUT) * (4 + np.sin(np.arange(N)))
    parts = []
    for service, names in RUN.items():
        for name in names:
            hit = {"latency": 3.0 * (name == faulty) + 1.0 * (service == "front"),
                   "cpu": 3.0 * (name == faulty)}
            parts += [pd.DataFrame({
                "time": [at(t) for t in range(N)], "service": service, "instance": name,
                "name": metric, "value": 10 + rng.normal(0, 0.5, N) + rise * late})
                for metric, rise in hit.items()]
    return Case(normal=((at(0), at(CUT)),), abnormal=(at(CUT), at(N)), metrics=pd.concat(parts),
                topology=pd.DataFrame(CALLS, columns=["caller", "callee"]),
                symptom={"service": "front", "metric": "latency"}, entry_service="front",
                suspects=tuple(name for names in RUN.values() for name in names))


@pytest.mark.parametrize("faulty", ["cart-0", "cart-1", "ship-0"])
@pytest.mark.parametrize("name", [n for n in RANKERS if n not in ("microrank", "nezha", "learned")])
def test_the_faulty_instance_is_blamed(name, faulty):
    ranker, case = RANKERS[name](), shop(faulty)
    if ranker.uses_labels:
        ranker.fit([case], [[faulty]])
    got = ranker.rank(case)
    assert got.index[0] == faulty
    assert got.iloc[0] > got.iloc[1]
    assert set(got.index) == set(case.suspects)


@pytest.mark.parametrize("name", [
    "nsigma", "baro", "traversal", "correlation", "random-walk", "circa"])
def test_the_only_instance_of_a_service_is_blamed_as_the_service_is(name):
    """Along the calls too, which services make."""
    plain = replace(made_case(3, "quote"), traces=None, logs=None)
    only = plain.metrics["service"] + "-0"
    case = replace(plain, metrics=plain.metrics.assign(instance=only),
                   suspects=tuple(only.unique()))
    got, wanted = RANKERS[name]().rank(case), RANKERS[name]().rank(plain)
    assert got.to_dict() == pytest.approx({f"{who}-0": each for who, each in wanted.items()})


def test_from_what_requests_show_of_a_service_traversal_goes_on_to_its_instances():
    rows = [{"trace_id": f"t{n}", "span_id": one, "parent_span_id": parent, "service": service,
             "operation": "op", "start": at(n), "duration_ns": int((1 + n % 3 + late) * 1e6)}
            for n in range(N) for late in [400 * (n >= CUT)]
            for one, parent, service in [("r", None, "front"), ("c", "r", "cart")]]
    plain = shop("cart-1")
    case = replace(plain, traces=pd.DataFrame(rows),
                   metrics=plain.metrics[plain.metrics["name"] == "cpu"])
    got = RANKERS["traversal"]().rank(case)
    assert got[got > 0].index.tolist() == ["cart-1"]


def test_traversal_starts_at_the_instances_of_the_symptoms_service():
    case = shop("cart-1")
    told, untold = (RANKERS["traversal"]().rank(each) for each in (
        case, replace(case, symptom=None, entry_service=None)))
    assert told["cart-1"] > untold["cart-1"] + 5  # the entry's own score stands on the way


def test_effects_of_an_instance_are_its_own():
    got = effects(shop("cart-1"))
    assert got["most"].idxmax() == "cart-1"
    assert got.loc["cart-0", "most"] < 0.5 * got.loc["cart-1", "most"]


@pytest.mark.parametrize("name", ["microrank", "nezha"])
def test_who_sees_requests_alone_blames_the_instances_of_a_service_alike(name):
    rows = []
    for n in range(N):
        slow = n >= CUT
        gone = [] if slow and name == "nezha" else [("s", "c", "cart", "get", 2, 5)]
        late = 400 * slow
        rows += [{"trace_id": f"t{n}", "span_id": one, "parent_span_id": parent,
                  "service": service, "operation": does,
                  "start": at(n) + pd.Timedelta(milliseconds=begin),
                  "duration_ns": round((ms + late) * 1e6), "kind": "server"}
                 for one, parent, service, does, begin, ms in
                 [("r", None, "front", "ask", 0, 20), ("c", "r", "cart", "call", 1, 10), *gone]]
    got = RANKERS[name]().rank(replace(shop("cart-1"), traces=pd.DataFrame(rows)))
    assert got["cart-0"] == got["cart-1"] > got["ship-0"] == 0


# --- whose is what ------------------------------------------------------------------------
ROWS = pd.DataFrame({"service": ["a", "a", "a"], "instance": ["a-0", "a-1", None]})


def test_a_row_is_its_instances_where_that_is_a_suspect_else_its_services():
    assert owner(ROWS, ["a", "a-0"]).tolist() == ["a-0", "a", "a"]
    assert owner(ROWS, ["a"]).tolist() == ["a", "a", "a"]


def test_metrics_and_alerts_say_whose_instance_it_is():
    case = shop("cart-0")
    told = pd.DataFrame({"instance": ["db-0", "cart-0", "other"], "service": ["db", "cart", "x"],
                         "kind": "metric", "name": "cpu"})
    both = replace(case, alerts=told, suspects=("cart-0", "cart-1", "db-0", "front"))
    assert services(both).to_dict() == {"cart-0": "cart", "cart-1": "cart", "db-0": "db"}
    assert services(replace(case, suspects=("front", "cart"))).empty
    assert services(Case(normal=case.normal, abnormal=case.abnormal, suspects=("a",))).empty


def test_instances_call_and_are_called_as_their_service_is():
    got = with_instances(nx.DiGraph(CALLS), shop("cart-0"))
    assert set(got.successors("front-0")) == {"cart-0", "cart-1", "ship-0"}
    assert set(got.predecessors("cart-1")) == {"front-0"}
    assert set(got.successors("front")) == {"cart", "ship"}
    some = replace(shop("cart-0"), suspects=("cart-0", "front"))
    assert set(with_instances(nx.DiGraph(CALLS), some).predecessors("cart-0")) == {"front"}
    plain = replace(shop("cart-0"), suspects=tuple(RUN))
    assert set(with_instances(nx.DiGraph(CALLS), plain).edges) == set(CALLS)


def test_blame_of_a_service_is_that_of_its_instances():
    got = alike(pd.Series({"cart": 2.0, "front": 1.0}), shop("cart-0"))
    assert got.dropna().to_dict() == {"cart": 2, "front": 1, "cart-0": 2, "cart-1": 2, "front-0": 1}
