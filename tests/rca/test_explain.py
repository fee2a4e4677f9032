"""Explanations of Cases whose cause is known by construction: reasons, path, one culprit or two."""

from collections.abc import Callable
from dataclasses import replace

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from aiops import datasets, rca
from aiops.case import Case
from aiops.errors import CaseError, UsageError
from aiops.evaluation.stress import together
from aiops.explained.words import NAME, change, labels, shorter, to_dict, to_text
from aiops.rca import Fusion, explain
from aiops.rca.paths import call_graph, path
from aiops.rca.reasons import COLUMNS, culprits, reasons
from tests.rca.made import at, case_of

N, CUT = 240, 160
NAMES = ("front", "cart", "ship", "pay", "db")
CALLS = [("front", "cart"), ("front", "ship"), ("front", "pay"), ("cart", "db"), ("pay", "db")]


def metrics_only(*slow: str, calls: list[tuple[str, str]] | None = CALLS, seed: int = 0,
                 **more: object) -> Case:
    """Noise, and from the cut on a level of five more at who is slow."""
    rng = np.random.default_rng(seed)
    late = np.arange(N) >= CUT
    series = {name: list(10 + rng.normal(0, 0.3, N) + 5 * late * (name in slow))
              for name in NAMES}
    return case_of(series, CUT, calls, **more)


def requests(slow: str = "cart", ms: float = 60.0) -> pd.DataFrame:
    """front calls cart, which is slow by itself from the cut on, and ship."""
    rng, rows = np.random.default_rng(1), []
    for n in range(N):
        late = n >= CUT
        for i, callee in enumerate(("cart", "ship")):
            took = 5 + rng.random() + ms * (late and callee == slow)
            one = {"trace_id": f"t{n}", "start": at(n), "operation": f"get {callee}",
                   "status_code": "ok"}
            rows += [one | {"span_id": f"c{i}", "parent_span_id": "r", "service": "front",
                            "kind": "client", "peer_service": callee,
                            "duration_ns": int((took + 1) * 1e6)},
                     one | {"span_id": f"s{i}", "parent_span_id": f"c{i}", "service": callee,
                            "kind": "server", "peer_service": None,
                            "duration_ns": int(took * 1e6)}]
        total = sum(row["duration_ns"] for row in rows[-4::2])
        rows.append({"trace_id": f"t{n}", "span_id": "r", "parent_span_id": None,
                     "service": "front", "operation": "GET /", "start": at(n), "kind": "server",
                     "status_code": "ok", "peer_service": None,
                     "duration_ns": int(total + 1e6)})
    return pd.DataFrame(rows)


def traces_only() -> Case:
    return Case(normal=((at(0), at(CUT)),), abnormal=(at(CUT), at(N)), traces=requests())


def alerts_only() -> Case:
    alerts = pd.DataFrame([("a1", "a", "metric", "cpu", "up"), ("a1", "a", "log", "boom", None),
                           ("b1", "b", "trace", "GET /", None)],
                          columns=["instance", "service", "kind", "name", "direction"])
    return Case(normal=((at(0), at(60)),), abnormal=(at(60), at(90)), alerts=alerts,
                suspects=("a", "b", "c"))


# --- what an explanation holds ------------------------------------------------------------
def test_terms_are_what_the_ranker_summed_and_it_is_asked_once(monkeypatch):
    case, asked = metrics_only("cart"), []
    terms = Fusion.terms
    monkeypatch.setattr(Fusion, "terms", lambda self, view: asked.append(view) or terms(self, view))
    told = explain(case)
    assert len([view for view in asked if view.abnormal == case.abnormal]) == 1
    assert told.ranks.to_dict() == rca.rank(case).to_dict()
    assert told.terms.index.tolist() == told.ranks.index.tolist()
    assert told.terms.sum(axis=1).to_dict() == pytest.approx(told.ranks.to_dict())


def test_reasons_name_the_signal_with_its_medians():
    told = explain(metrics_only("cart"))
    assert list(told.reasons) == COLUMNS
    first = told.reasons.iloc[0]
    assert (first.suspect, first.evidence, first.signal) == ("cart", "metrics", "latency")
    assert first.before == pytest.approx(10, abs=0.2)
    assert first.during == pytest.approx(15, abs=0.2)
    assert told.culprits == ("cart",)


def test_spans_tell_the_way_and_its_steps():
    told = explain(traces_only())
    assert [step.place for step in told.path] == ["front", "front->cart", "cart"]
    assert told.path[-1].signal.startswith("own time of cart (get cart), p")
    assert told.path[-1].during > told.path[-1].before + 50
    assert told.reasons.iloc[0].suspect == "cart"


def test_who_has_no_signals_of_its_own_is_blamed_for_those_of_all():
    told = explain(traces_only())
    adds = pd.DataFrame({"latency": [2.0, 1.0]}, index=["host", "cart"])
    found = reasons(told.signals, adds, ["host"])
    assert found["suspect"].unique().tolist() == ["host"]
    assert found.iloc[0].signal == told.signals.iloc[0].signal


def test_an_evidence_that_hardly_adds_is_no_reason():
    told = explain(traces_only())
    adds = pd.DataFrame({"latency": [2.0], "errors": [0.05]}, index=["cart"])
    found = reasons(told.signals.assign(evidence="errors"), adds, ["cart"])
    assert found.empty or set(found["evidence"]) == {"latency"}


def test_nothing_speaks_against_anybody():
    flat = case_of({name: [1.0] * 60 for name in NAMES}, 40, CALLS)
    told = explain(flat)
    assert (told.culprits, told.path, told.plot()) == ((), [], [])
    assert "Nothing speaks against" in to_text(told)
    assert "Nothing speaks against" in told._repr_html_()


class Sure(Fusion):
    """States what a ranker may state."""

    def __init__(self, abstains: bool = False) -> None:
        super().__init__()
        self.abstains = abstains

    def rank(self, case: Case) -> pd.Series:
        found = super().rank(case)
        found.attrs.update(confidence=0.7, abstains=self.abstains)
        return found


def test_confidence_and_abstention_are_passed_on():
    told = explain(metrics_only("cart"), Sure())
    assert (told.confidence, told.abstains, told.culprits) == (0.7, False, ("cart",))
    assert "confidence 70%" in to_text(told)
    silent = explain(metrics_only("cart"), Sure(abstains=True))
    assert (silent.abstains, silent.culprits) == (True, ())
    for said in (" ".join(to_text(silent).split()), silent._repr_html_()):
        assert "It names nobody: this looks like no incident" in said
        assert "right with a probability of 70% if there is a fault." in said
        assert "confidence" not in said
    assert "cart" in silent.ranks.index[0], "the ranks stand all the same"


def test_a_ranker_without_evidence_has_one_term_and_says_what_moved():
    told = explain(metrics_only("cart"), "baro")
    assert list(told.terms) == ["baro"]
    assert told.terms["baro"].to_dict() == told.ranks.to_dict()
    assert (told.confidence, told.abstains, told.culprits) == (None, None, ("cart",))
    assert told.reasons.iloc[0].signal == "latency"


def test_an_unknown_ranker_and_a_case_with_nothing_to_rank_by():
    with pytest.raises(UsageError, match="must be one of fusion"):
        explain(metrics_only("cart"), "nope")
    with pytest.raises(CaseError, match="needs metrics or traces"):
        explain(alerts_only(), "baro")


# --- the path -----------------------------------------------------------------------------
DIAMOND = nx.DiGraph([("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"), ("x", "b")])


def signals(**effects: float) -> pd.DataFrame:
    rows = [(place.replace("__", "->"), "latency", f"time at {place}", effect, 1.0, 2.0)
            for place, effect in effects.items()]
    return pd.DataFrame(rows, columns=COLUMNS)


@pytest.mark.parametrize(("moved", "middle"), [
    ({"a__c": 3.0, "c": 1.0}, "c"), ({"b": 3.0}, "b"), ({"c__d": 3.0, "b__d": 1.0}, "c")])
def test_the_way_passes_what_moved(moved, middle):
    case = metrics_only(symptom={"service": "a", "metric": "latency"})
    steps = path(case, DIAMOND, signals(**moved), "d")
    assert [step.place for step in steps] == ["a", f"a->{middle}", middle, f"{middle}->d", "d"]


def test_the_way_starts_at_the_symptom_else_at_the_entry_else_where_nobody_calls():
    known = {"symptom": {"service": "c", "metric": "latency"}, "entry_service": "a"}
    starts = []
    for left_out in ((), ("symptom",), ("symptom", "entry_service")):
        case = metrics_only(**{k: v for k, v in known.items() if k not in left_out})
        starts.append(path(case, DIAMOND, signals(x__b=5.0, b=1.0), "d")[0].place)
    assert starts == ["c", "a", "x"]
    lost = metrics_only(symptom={"service": "d", "metric": "latency"}, entry_service="a")
    assert path(lost, DIAMOND, signals(), "b")[0].place == "a", "no way from the symptom"


def test_an_edge_is_reached_through_its_caller():
    steps = path(metrics_only(entry_service="a"), DIAMOND, signals(b__d=2.0), "b->d")
    assert [step.place for step in steps] == ["a", "a->b", "b", "b->d"]
    assert (steps[3].effect, steps[0].signal) == (2.0, None)


def test_no_graph_or_no_way_is_no_path():
    assert explain(metrics_only("cart", calls=None)).path == []
    assert path(metrics_only(entry_service="d"), DIAMOND, signals(), "host") == []


def test_a_service_steps_by_its_own_signal_before_those_of_its_edges():
    found = pd.DataFrame([
        ("b", "latency", "time between b->d", 5.0, 1.0, 2.0),
        ("b->d", "latency", "time between b->d", 5.0, 1.0, 2.0),
        ("b", "latency", "own time of b", 2.0, 1.0, 2.0)], columns=COLUMNS)
    steps = path(metrics_only(entry_service="a"), DIAMOND, found, "d")
    assert [step.signal for step in steps] == [
        None, None, "own time of b", "time between b->d", None]


# --- one culprit or two -------------------------------------------------------------------
def two(second: float, third: float = 0.1) -> pd.DataFrame:
    return pd.DataFrame({"metrics": [4.0, second, third]}, index=["a", "b", "c"])


MOVED = pd.DataFrame([(name, "metrics", "cpu", 3.0, 1.0, 2.0) for name in "abc"], columns=COLUMNS)


@pytest.mark.parametrize(("terms", "calls", "wanted"), [
    (two(3.0), [], ("a", "b")),
    (two(2.3), [], ("a",)),  # less than 60 % of the first
    (two(3.0, 2.5), [], ("a",)),  # one of several: noise that all show
    (two(3.0), [("b", "a")], ("a",)),  # it shows what its callee went through
    (two(3.0), [("b", "x"), ("x", "a")], ("a",)),
    (two(3.0), [("a", "b")], ("a", "b")),
    (two(3.0), [("a", "b"), ("b", "a")], ("a", "b")),  # a circle tells no direction
    (two(0.0, 0.0) * 0, [], ())])
def test_a_second_culprit_needs_evidence_of_its_own(terms, calls, wanted):
    assert culprits(terms, MOVED, nx.DiGraph(calls)) == wanted


def test_evidence_that_lies_between_the_two_is_not_the_seconds_own():
    terms = pd.DataFrame({"latency": [4.0, 3.5]}, index=["a", "b"])
    edge = [(name, "latency", "time between a->b", 3.0, 1.0, 2.0) for name in ("a", "b", "a->b")]
    own = [("b", "latency", "own time of b", 4.0, 1.0, 2.0)]
    assert culprits(terms, pd.DataFrame(edge, columns=COLUMNS), nx.DiGraph()) == ("a",)
    both = pd.DataFrame(own + edge, columns=COLUMNS)
    assert culprits(terms, both, nx.DiGraph()) == ("a", "b")


def test_an_edge_and_its_end_are_one():
    terms = pd.DataFrame({"latency": [4.0, 3.5]}, index=["a->b", "b"])
    own = pd.DataFrame([(n, "latency", f"time of {n}", 3.0, 1.0, 2.0) for n in ("a->b", "b")],
                       columns=COLUMNS)
    assert culprits(terms, own, nx.DiGraph([("a", "b")])) == ("a->b",)


def test_who_is_blamed_for_what_all_show_explains_it():
    terms = pd.DataFrame({"latency": [4.0, 3.5]}, index=["host", "b"])
    own = pd.DataFrame([("b", "latency", "own time of b", 3.0, 1.0, 2.0)], columns=COLUMNS)
    assert culprits(terms, own, nx.DiGraph()) == ("host",)


def test_two_made_faults_are_both_named_and_one_is_one():
    one, other = metrics_only("cart"), metrics_only("ship", seed=5)
    assert explain(one).culprits == ("cart",)
    assert set(explain(together(one, other, ["ship"])).culprits) == {"cart", "ship"}


def test_two_faults_of_recorded_cases(aiops_data):
    found = datasets.load(aiops_data / "rca" / "rcd-sockshop")
    chosen = {name: found.case(name)[1] for name in found.readers() if name.endswith("/2")}
    names = list(chosen)
    single = [explain(case).culprits for case in chosen.values()]
    assert sum(len(each) == 1 for each in single) >= 0.8 * len(single)
    pairs = [(a, b) for a, b in zip(names, names[3:], strict=False)
             if found.truth[a]["culprits"] != found.truth[b]["culprits"]]
    hits = []
    for a, b in pairs:
        truth = found.truth[b]["culprits"]
        told = explain(together(chosen[a], chosen[b], truth))
        hits.append(set(told.culprits) == {*found.truth[a]["culprits"], *truth})
    assert len(pairs) >= 5
    assert np.mean(hits) >= 0.6


# --- drawn --------------------------------------------------------------------------------
@pytest.mark.parametrize(("make", "pictures"), [
    (lambda: metrics_only("cart"), ["cart is blamed most", "The one metric of cart stayed"]),
    (lambda: metrics_only("cart", calls=None), ["The one metric"]),
    (traces_only, ["cart is blamed most", "cart: ", "cart is at work itself"]),
    (alerts_only, []),
    (lambda: replace(metrics_only("cart"), traces=requests()),
     ["cart is blamed most", "cart: ", "cart is at work itself"])])
def test_it_draws_what_the_tables_allow(make: Callable[[], Case], pictures: list[str]):
    told = explain(make())
    labels = [figure.get_label() for figure in told.plot()]
    assert len(labels) == len(pictures), labels
    for label, wanted in zip(labels, pictures, strict=True):
        assert any(part in label for part in wanted.split("|")), label
    page = told._repr_html_()
    assert page.count("<img") == len(pictures)
    assert page.count("data:image/png;base64,") == len(pictures)
    assert "<script" not in page
    assert str(told.ranks.index[0]) in page


def test_edges_that_are_listed_both_ways_make_no_picture():
    both = [*CALLS, *[(b, a) for a, b in CALLS]]
    assert len(explain(metrics_only("cart", calls=both)).plot()) == 1


def test_a_suspect_without_series_is_left_out_of_the_picture():
    told = explain(metrics_only("cart"))
    ranks = pd.concat([told.ranks.iloc[:1], pd.Series({"host": told.ranks.iloc[0]}),
                       told.ranks.iloc[1:]])
    labels = [figure.get_label() for figure in replace(told, ranks=ranks).plot()]
    assert any("The one metric of cart" in label for label in labels), labels


def test_names_are_written_as_text():
    case = metrics_only("cart")
    case = replace(case, metrics=case.metrics.replace("cart", "<b>cart"), topology=None,
                   suspects=())
    assert "<b>cart" not in explain(case)._repr_html_()


# --- in words -----------------------------------------------------------------------------
@pytest.mark.parametrize("width", [80, 60])
def test_lines_fit_a_terminal(width):
    case = metrics_only("cart", entry_service="front")
    name = "adoptions@services-database.us-west-2.rds.amazonaws.com_Database::SQL"
    renamed = replace(case, suspects=(), metrics=case.metrics.replace("cart", name),
                      topology=case.topology.replace("cart", name))
    for told in (explain(case), explain(renamed), explain(traces_only())):
        lines = to_text(told, width=width).splitlines()
        assert max(map(len, lines)) <= width
        assert any("The way there" in line for line in lines)


LONG = "adoptions@services-database.us-west-2.rds.amazonaws.com_Database::SQL"


@pytest.mark.parametrize("edge", [f"front->{LONG}", f"{LONG}->front", f"{LONG}->Pet{LONG}"])
def test_a_long_edge_keeps_its_arrow_and_both_ends(edge):
    label = labels([LONG, edge])[edge]
    assert len(label) <= NAME
    for end, cut in zip(edge.split("->"), label.split("->"), strict=True):
        assert (cut[:7], cut[-5:]) == (end[:7], end[-5:])


def test_names_that_would_read_alike_keep_more():
    one, other = (f"{'a' * 18}{n}{'b' * 30}" for n in "12")
    assert len(set(labels([one, other], NAME + 8).values())) == 2
    assert max(map(len, labels([one], NAME + 8).values())) == NAME
    ends = labels([f"{'a' * 10}1{'b' * 20}->{'a' * 10}2{'b' * 20}"], NAME + 14).popitem()[1]
    assert len(set(ends.split("->"))) == 2


def test_an_edge_is_told_from_its_ends_in_a_terminal():
    names = {"front": f"Pet{LONG}", "cart": LONG}
    case = metrics_only("cart", entry_service="front")
    case = replace(case, suspects=(), metrics=case.metrics.replace(names),
                   topology=case.topology.replace(names), entry_service=names["front"])
    way = to_text(explain(case)).split("The way there:\n")[1].split("\n\n")[0]
    steps = [line[:40].split("  ")[0].split("->") for line in way.splitlines() if "…" in line[:40]]
    assert [len(ends) for ends in steps] == [1, 2, 1], way


def test_ties_share_their_place():
    told = explain(alerts_only(), shown=3)
    ranks = to_dict(told)["ranks"]
    assert [row["suspect"] for row in ranks] == ["a", "b", "c"]
    assert [row["rank"] for row in ranks] == [1.0, 2.0, 3.0]
    assert ranks[0]["adds"] == {"alerts": ranks[0]["blame"]}


@pytest.mark.parametrize(("before", "during", "words"), [
    (0.0, 9.0, "0 → 9.0"), (None, 1.0, "1.0"), (float("nan"), float("nan"), ""),
    (12.0, 510.0, "12 → 510"), (3.0, 0.0, "3.0 → 0"), (3.0, None, "")])
def test_a_change_in_words(before, during, words):
    assert change(before, during) == words


def test_a_signal_loses_its_keys_and_its_end():
    assert shorter("cpu") == "cpu"
    assert shorter("GET /product/{id}") == "GET /product/{id}"
    assert shorter("x" * 200, 10) == "x" * 9 + "…"


def test_the_graph_leaves_out_who_calls_itself():
    edges = pd.DataFrame({"caller": ["a", "a"], "callee": ["a", "b"]})
    assert list(call_graph(edges).edges) == [("a", "b")]
