"""The default ranker: what it sums, what it takes off, and what it learns and forgets."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from aiops.case import Case
from aiops.errors import CaseError
from aiops.rca.confidence import abstains, confidence
from aiops.rca.evidence import EVIDENCE
from aiops.rca.fusion import EXPLAINED, KEPT, Fusion, _handed_down, beyond
from aiops.rca.view import View
from tests.rca.made import at, case_of
from tests.rca.made_requests import CUT, MS, Row, call, incident, span, traced

NAMES = ("front", "cart", "db")
CALLS = pd.DataFrame([("front", "cart"), ("cart", "db")], columns=["caller", "callee"])


def shop(slow: str = "") -> Case:
    """front calls cart; from the cut on one is slow by 40 ms, in spans and in a metric."""
    def request(n: int, rng: np.random.Generator) -> list[Row]:
        more = 40 * (n >= CUT)
        cart = 5 + rng.random() + more * (slow == "cart")
        front = 4 + rng.random() + more * (slow == "front")
        return [span("r", None, "front", 0, front + cart + 1),
                call("c", "r", "front", "cart", 1e-3, cart + rng.random()),
                span("s", "c", "cart", 1.2e-3, cart)]
    spans = traced(request)
    took = spans[spans["kind"] == "server"]
    metrics = pd.DataFrame({"time": took["start"], "service": took["service"], "name": "ms",
                            "value": took["duration_ns"] / MS})
    return incident(spans, metrics=metrics)


def alerts(*raised: tuple[str, str]) -> pd.DataFrame:
    return pd.DataFrame([(who, who, "metric", name, "up") for who, name in raised],
                        columns=["instance", "service", "kind", "name", "direction"])


# --- the sum ------------------------------------------------------------------------------
def test_blame_is_the_sum_of_the_terms():
    case, model = shop("cart"), Fusion()
    terms, blame = model.terms(View.of(case)), model.rank(case)
    assert {"metrics", "latency", "sequence", "errors"} == set(terms)
    assert terms.sum(axis=1).to_dict() == pytest.approx(blame.to_dict())
    assert blame.index[0] == "cart"
    assert blame.is_monotonic_decreasing


def test_blame_states_confidence_and_abstention():
    for case in (shop("cart"), shop()):
        model = Fusion()
        blame, view = model.rank(case), View.of(case)
        assert blame.attrs["confidence"] == confidence(blame)
        assert blame.attrs["abstains"] == abstains(blame, model.terms(view), view)
    assert Fusion().rank(shop()).attrs["abstains"]
    assert not Fusion().rank(shop("cart")).attrs["abstains"]


def test_evidence_without_data_has_no_term():
    case = case_of({"a": [1.0, 2.0] * 30, "b": [1.0, 2.0] * 30}, 40)
    assert list(Fusion().terms(View.of(case))) == ["metrics"]
    with pytest.raises(CaseError, match="nothing for latency, errors. It has metrics"):
        Fusion(["latency", "errors"]).rank(case)


def test_nothing_to_look_at_blames_nobody_and_names_nobody():
    case = Case(normal=((at(0), at(40)),), abnormal=(at(40), at(60)), topology=CALLS)
    got = Fusion().rank(case)
    assert got.to_dict() == {"cart": 0, "db": 0, "front": 0}
    assert got.attrs == {"confidence": 0.0, "abstains": True}


# --- calm windows -------------------------------------------------------------------------
def test_beyond_what_calm_windows_show_blame_counts_and_of_the_rest_a_twentieth():
    got = beyond(pd.Series({"a": 5.0, "b": 2.0, "c": 1.0, "d": 0.0}), 2.0)
    assert got.to_dict() == pytest.approx({
        "a": 3 + 2 * KEPT, "b": 2 * KEPT, "c": KEPT, "d": 0})


def bursts() -> Case:
    """a goes up now and then, in the incident too; b in the incident alone."""
    up = [8.0 * (20 <= t < 40 or t >= 100) for t in range(120)]
    rng = np.random.default_rng(0)
    return case_of({"a": list(10 + rng.normal(0, 0.3, 120) + up),
                    "b": list(10 + rng.normal(0, 0.3, 120) + 3 * (np.arange(120) >= 80))}, 80)


def test_what_calm_windows_show_too_is_taken_off():
    view = View.of(bursts())
    raw = EVIDENCE["metrics"].blame(view)
    usual = max(EVIDENCE["metrics"].blame(each).max() for each in view.calm("matrix"))
    assert usual > 0
    got = Fusion(["metrics"]).terms(view)["metrics"]
    assert got.to_dict() == pytest.approx(beyond(raw, usual).to_dict())
    free = Fusion(["metrics"], calm=0).terms(view)["metrics"]
    assert free.to_dict() == pytest.approx(raw.to_dict())


def test_calm_windows_that_leave_no_row_to_compare_with_take_nothing_off():
    late = np.arange(90) >= 30  # rows of the last half minute of normal time, and of the incident
    rng = np.random.default_rng(0)
    metrics = pd.concat([pd.DataFrame({
        "time": [at(570 + t) for t in range(90)], "service": name, "name": "latency",
        "value": 10 + rng.normal(0, 0.3, 90) + 5 * late * (name == "cart")}) for name in NAMES])
    case = Case(normal=((at(0), at(600)),), abnormal=(at(600), at(660)), metrics=metrics,
                symptom={"service": "front", "metric": "latency"})
    assert Fusion().rank(case).index[0] == "cart"


# --- what is counted once, and what is handed down ----------------------------------------
def test_views_of_the_same_requests_count_once():
    terms = pd.DataFrame({"sequence": [3.0, 1.0, 0.0], "errors": [2.0, 1.0, 4.0],
                          "templates": [1.0, 1.0, 0.0], "latency": [1.0, 0.0, 0.0]}, NAMES)
    got = _handed_down(terms, CALLS[:0])
    assert got.to_numpy().tolist() == [[3, 0, 0, 1], [1, 0, 0, 0], [0, 4, 0, 0]]


def test_a_caller_hands_down_what_its_callee_explains():
    terms = pd.DataFrame({"metrics": [4.0, 1.0, 0.0], "errors": [1.0, 2.0, 0.0],
                          "latency": [3.0, 0.0, 0.0], "alerts": [2.0, 0.0, 0.0],
                          "symptom": [2.0, 0.0, 0.0]}, NAMES)
    got = _handed_down(terms, CALLS)
    # cart has 3 in all: front loses half of that, of metrics, and half of 1, of errors
    assert got.loc["front"].to_dict() == {"metrics": 4 - EXPLAINED * 3, "errors": 1 - EXPLAINED,
                                          "latency": 3, "alerts": 2, "symptom": 2}
    assert got.loc["cart"].to_dict() == terms.loc["cart"].to_dict()  # db is blamed for nothing


def test_one_evidence_alone_is_left_as_it_is():
    terms = pd.DataFrame({"metrics": [4.0, 4.0, 0.0]}, NAMES)
    assert _handed_down(terms, CALLS).equals(terms)


def test_the_caller_that_waits_comes_after_whom_it_waits_for():
    case = shop("cart")
    got = Fusion().terms(View.of(case))
    raw = Fusion(["metrics"]).terms(View.of(case))
    assert got.loc["front", "metrics"] < raw.loc["front", "metrics"]
    assert Fusion().rank(shop("front")).index[0] == "front"


# --- parts, and what it learns ------------------------------------------------------------
def test_parts_are_each_evidence_alone():
    case, parts = shop("cart"), Fusion(calm=2).parts()
    assert list(parts) == list(EVIDENCE)
    assert all(part.calm == 2 for part in parts.values())
    for name in ("metrics", "latency"):
        raw = Fusion([name], calm=2).terms(View.of(case))
        assert parts[name].rank(case).to_dict() == raw[name].to_dict()
        assert list(raw) == [name]
    assert parts["latency"].rank(case).index[0] == "cart"


def test_fit_learns_what_is_usual_and_forgets_what_it_learnt_before():
    quiet = Case(normal=((at(0), at(40)),), abnormal=(at(40), at(60)), suspects=NAMES,
                 alerts=alerts(("front", "cpu"), ("cart", "disk")))
    loud = replace(quiet, alerts=alerts(("cart", "disk"), ("db", "cpu")))
    first = Fusion().fit([loud] * 9).rank(quiet)
    assert first.index[0] == "front"  # of cart the disk is usual
    again = Fusion().fit([loud] * 9).fit([quiet] * 9).rank(quiet)
    assert again.to_dict() == Fusion().fit([quiet] * 9).rank(quiet).to_dict()
    assert again.to_dict() != first.to_dict()
    assert Fusion().fit([]).rank(quiet).to_dict() == Fusion().rank(quiet).to_dict()


def test_ranking_leaves_no_trace_in_the_ranker():
    model = Fusion()
    before = model.rank(shop("cart")).to_dict()
    model.rank(shop("front"))
    assert model.rank(shop("cart")).to_dict() == before
    assert set(vars(model)) == {"evidence", "calm"}
