"""From a Case to variables and their graph; what cannot be a model says why."""

import numpy as np
import pandas as pd
import pytest

from aiops.case import Case
from aiops.causal import StructuralModel, Variables, variables
from aiops.causal.fitting import bounded
from aiops.causal.grid import Grid
from aiops.causal.parts import by_owner
from aiops.causal.scales import robust
from aiops.checks.incident import made_case
from aiops.errors import CaseError, UsageError
from tests.rca.made import at, case_of

RNG = np.random.default_rng(0)
N, CUT = 120, 80


def spans(slow: str | None = None, every: float = 0.5) -> pd.DataFrame:
    """front calls cart twice, and a silent db once, then sends a message that nobody waits for."""
    rows = []
    for n in range(int(N / every)):
        late = n * every >= CUT
        cart = [5 + RNG.random() + 40 * (late and slow == "cart") for _ in range(2)]
        one = {"trace_id": f"t{n}", "operation": "op", "status_code": "ok", "peer_service": None}
        begun, gap = at(n * every), 2 + 30 * (late and slow == "wire")

        def span(number, parent, service, kind, start, ms, one=one, begun=begun, **more):
            rows.append(one | {"span_id": number, "parent_span_id": parent, "service": service,
                               "kind": kind, "start": begun + pd.Timedelta(milliseconds=start),
                               "duration_ns": int(ms * 1e6)} | more)

        whole = sum(cart) + 2 * gap + 10 + RNG.random() + 4
        span("r", None, "front", "server", 0, whole)
        for k, ms in enumerate(cart):
            start = 1 + k * (cart[0] + gap)
            span(f"c{k}", "r", "front", "client", start, ms + gap, peer_service="cart")
            span(f"s{k}", f"c{k}", "cart", "server", start + gap / 2, ms)
        span("d", "r", "front", "client", whole - 5, 4, peer_service="db")
        span("m", "r", "front", "producer", whole - 1, 0.5, peer_service="mail")
        span("q", "m", "mail", "consumer", whole + 50, 20)
    return pd.DataFrame(rows)


def case(**more) -> Case:
    tables = {"traces": spans()} | more
    return Case(normal=((at(0), at(CUT)),), abnormal=(at(CUT), at(N)), **tables)


def test_a_callers_latency_is_its_own_time_and_its_calls():
    got = variables(case())
    assert got.target == "front span_latency"
    slope = {cause: got.graph.edges[cause, got.target].get("slope")
             for cause in got.graph.predecessors(got.target)}
    assert slope["cart span_latency"] == pytest.approx(2.0, rel=0.01)
    assert slope["db span_latency"] == pytest.approx(1.0, rel=0.01)
    assert slope["front->cart span_latency"] == pytest.approx(2.0, rel=0.01)
    assert slope["mail span_latency"] == pytest.approx(0.0, abs=0.01)
    assert got.graph.edges["front span_load", "cart span_load"]["slope"] == pytest.approx(2.0)


@pytest.mark.parametrize(("slow", "owner"), [("cart", "cart"), ("wire", "front->cart")])
def test_who_is_slow_is_told_from_what_lies_between(slow, owner):
    made = variables(case(traces=spans(slow)))
    parts = by_owner(StructuralModel.fit(made))
    assert parts.idxmax() == owner
    assert parts.max() > 0.9 * parts.sum()


def test_resources_act_on_their_service_and_load_on_both():
    made = variables(made_case())
    edges = set(made.graph.edges)
    assert ("quote cpu", "quote latency") in edges
    assert ("quote latency", "checkout latency") in edges
    assert ("quote span_load", "quote cpu") in edges
    assert ("checkout span_load", "quote span_load") in edges
    assert ("quote cpu", "checkout latency") not in edges
    assert made.target == "front latency"
    assert made.pruned().graph.number_of_nodes() < made.graph.number_of_nodes()


def test_metrics_alone_are_enough_and_a_service_without_the_metric_is_bridged():
    deep = RNG.normal(5, 1, N)
    made = variables(case_of({"front": list(deep * 2), "deep": list(deep)}, CUT,
                             [("front", "queue"), ("queue", "deep")]))
    assert made.target == "front latency"
    assert list(made.graph.edges) == [("deep latency", "front latency")]


def test_a_circle_of_calls_keeps_those_that_lead_away_from_the_symptom():
    series = {name: list(RNG.normal(5, 1, N)) for name in ("a", "b", "c")}
    calls = [("a", "b"), ("b", "c"), ("c", "a"), ("c", "b")]
    made = variables(case_of(series, CUT, calls, entry_service="a"))
    assert set(made.graph.edges) == {("b latency", "a latency"), ("c latency", "b latency")}


def test_availability_stands_upside_down():
    up = [100.0] * CUT + [90.0] * (N - CUT)
    made = variables(case_of({"front": up}, CUT, [("front", "front")], name="availability",
                             symptom={"service": "front", "metric": "availability"}))
    assert made.abnormal["front availability"].tolist() == [10.0] * (N - CUT)


def test_what_is_hardly_there_in_normal_operation_says_nothing_and_gaps_are_no_trouble():
    rare = [np.nan] * (CUT - 5) + [1.0] * (N - CUT + 5)
    gaps = list(np.where(np.arange(N) % 3, RNG.normal(5, 1, N), np.nan))
    made = variables(case_of({"front": list(RNG.normal(5, 1, N)), "rare": rare, "gaps": gaps},
                             CUT, [("front", "rare"), ("front", "gaps")]))
    assert set(made.names) == {"front latency", "gaps latency"}
    assert np.isfinite(StructuralModel.fit(made, "both").own_shift).all()


def test_a_window_shorter_than_a_step_takes_no_row_from_after_it():
    moments = [pd.Timedelta(seconds=each) for each in (0, 10, 10.4)]
    start, end = at(0), at(20)
    grid = Grid([(start, start + moments[1]), (start + moments[1], start + moments[2]),
                 (at(12), end)], (at(12), end), int(1e9))
    asked = np.array([(start + pd.Timedelta(seconds=each)).value for each in (9.5, 10.2, 10.6)])
    assert grid.at(asked).tolist() == [9, 10, -1]


def test_without_calls_nobody_knows_the_target():
    assert variables(case_of({"a": [1.0] * N, "b": [2.0] * N}, CUT)).target is None


def test_the_entrys_answer_that_moved_further_is_the_target():
    made = spans()
    late = (made["start"] >= at(CUT)) & (made["parent_span_id"].isna())
    made.loc[late, "status_code"] = "error"
    assert variables(case(traces=made)).target == "front span_errors"


@pytest.mark.parametrize(("tables", "says"), [
    ({"symptom": {"service": "front", "metric": "cpu"}}, "front has span_errors"),
    ({"traces": None, "topology": pd.DataFrame({"caller": ["a"], "callee": ["b"]})},
     "needs metrics or traces.*has topology"),
    ({"normal": ((at(0), at(5)),)}, "at least 8 rows of normal.*Got")])
def test_a_case_that_is_not_enough_says_what_is_missing(tables, says):
    given = {"normal": ((at(0), at(CUT)),), "abnormal": (at(CUT), at(N)), "traces": spans(),
             } | tables
    with pytest.raises(CaseError, match=says):
        variables(Case(**given))


def frame(rows: int = 20, **columns: float) -> pd.DataFrame:
    return pd.DataFrame({name: RNG.normal(value, 1, rows) for name, value in columns.items()})


@pytest.mark.parametrize(("change", "says"), [
    ({"edges": [("a", "b"), ("b", "a")]}, "no circle.*->"),
    ({"target": "c"}, "one of the variables a, b.*Got 'c'"),
    ({"edges": [("a", "z")]}, "same variables.*'z'"),
    ({"abnormal": frame(a=0)}, "same variables.*'b'"),
    ({"normal": frame(20, a=0, b=0).assign(b=np.inf)}, "finite.*infinity")])
def test_variables_that_do_not_fit_together_say_why(change, says):
    given = {"normal": frame(a=0, b=0), "abnormal": frame(a=0, b=0), "edges": [("a", "b")],
             "target": "b"} | change
    with pytest.raises(UsageError, match=says):
        Variables.of(**given)


# --- scales and slopes -------------------------------------------------------------------------
def test_a_scale_has_no_unit_and_a_flag_has_one():
    wave = np.tile([0.0, 1.0, 2.0, 3.0, 4.0], 8)
    values = np.c_[wave, wave * 1e6, np.zeros(40), np.full(40, 7.0), np.r_[np.ones(39), 9]]
    centre, scale = robust(values, np.c_[values[:, :2], np.ones(40), values[:, 3:]])
    assert centre.tolist() == [2.0, 2e6, 0.0, 7.0, 1.0]
    assert scale[:4].tolist() == pytest.approx([2 / 1.35, 2e6 / 1.35, 0.1, 0.7])
    assert scale[4] == pytest.approx(values[:, 4].std())


def test_a_spread_of_rounding_errors_is_none():
    """Counters taken from each other: .34 - .33 is not quite .02 - .01, and no column of noise."""
    ticks = np.diff(np.cumsum(np.tile([0.01, 0.01, 0.01, 0.02, 0.0], 10)))
    assert 0 < np.ptp(np.quantile(ticks, [0.25, 0.75])) < 1e-15
    scale = robust(ticks[:, None], ticks[:, None])[1]
    assert scale == pytest.approx(0.02 / 3.29, rel=0.01)


def test_bounded_slopes_are_least_squares_where_bounds_allow_and_at_them_where_not():
    x = RNG.normal(size=(200, 3))
    y = x @ np.array([0.5, -0.3, 2.0]) + RNG.normal(0, 0.1, 200)
    gram, moment = (x.T @ x)[None], (x.T @ y)[None]
    free = bounded(gram, moment, np.full((1, 3), -9.0), np.full((1, 3), 9.0))
    assert free[0] == pytest.approx(np.linalg.lstsq(x, y, rcond=None)[0])
    held = bounded(gram, moment, np.zeros((1, 3)), np.ones((1, 3)))[0]
    assert held[1:].tolist() == [0.0, 1.0]
    rest = y - x[:, 2]
    assert held[0] == pytest.approx(x[:, 0] @ rest / (x[:, 0] @ x[:, 0]))
