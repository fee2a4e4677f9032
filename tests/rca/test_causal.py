"""The ranker by a structural model: who is blamed, and when it abstains."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from aiops.case import Case
from aiops.checks.incident import made_case
from aiops.errors import CaseError
from aiops.rca import rank
from aiops.rca.causal import LEAST
from tests.causal.test_variables import CUT, N, spans
from tests.rca.made import at, case_of

RNG = np.random.default_rng(2)


def test_it_blames_the_culprit_surely():
    got = rank(made_case(3, "quote"), "causal")
    assert got.index[0] == "quote"
    assert not got.attrs["abstains"]
    assert got.attrs["confidence"] > 0.8


def test_calm_is_no_incident():
    case = made_case(3, "quote")
    calm = replace(case, abnormal=(case.abnormal[0] - (case.abnormal[1] - case.abnormal[0]) / 2,
                                   case.abnormal[0]),
                   normal=((case.normal[0][0], case.abnormal[0] - (
                       case.abnormal[1] - case.abnormal[0]) / 2),), detected_at=None)
    got = rank(calm, "causal")
    assert got.attrs["abstains"]
    assert got.attrs["confidence"] < 0.5


def surge(load: bool) -> Case:
    """Requests double in the incident, and everybody is slower by what they cost."""
    late = np.arange(N) >= CUT
    requests = RNG.normal(20, 1, N) + 20 * late
    parts = [case_of({"front": list(requests)}, CUT, name="requests").metrics] if load else []
    db = 5 + 0.5 * requests + RNG.normal(0, 0.5, N)
    front = db + 0.5 * requests + RNG.normal(0, 0.5, N)
    case = case_of({"front": list(front), "db": list(db)}, CUT, [("front", "db")],
                   symptom={"service": "front", "metric": "latency"})
    more = [each.assign(service=name) for each in parts for name in ("front", "db")]
    return replace(case, metrics=pd.concat([case.metrics, *more]))


def test_a_load_surge_is_nobodys_fault():
    got = rank(surge(load=True), "causal")
    assert got.attrs["abstains"]
    assert got.max() < 1.0
    blind = rank(surge(load=False), "causal")
    assert not blind.attrs["abstains"]
    assert blind.max() > 2.0


def test_where_demand_explains_the_symptom_nobody_is_named_whoever_else_changed():
    case, late = surge(load=True), np.arange(N) >= CUT
    beside = case_of({"batch": list(RNG.normal(5, 1, N) + 60 * late)}, CUT, name="cpu")
    got = rank(Case(normal=case.normal, abnormal=case.abnormal, topology=case.topology,
                    metrics=pd.concat([case.metrics, beside.metrics]), symptom=case.symptom),
               "causal")
    assert got.index[0] == "batch"
    assert got.iloc[0] > LEAST
    assert got.attrs["abstains"]


def test_counters_that_tick_are_nobodys_fault_in_a_surge():
    """As processor time is told: quartiles that only rounding keeps apart are no scale."""
    case = surge(load=True)
    ticks = np.cumsum(np.r_[np.tile([0.01, 0.01, 0.01, 0.02], CUT // 4),
                            np.tile([0.02, 0.01, 0.02, 0.02], (N - CUT) // 4)])
    cpu = case_of({"front": list(np.diff(ticks, prepend=0.0))}, CUT, name="cpu").metrics
    got = rank(replace(case, metrics=pd.concat([case.metrics, cpu])), "causal")
    assert got.attrs["abstains"]


def test_what_a_mean_of_few_rows_moves_by_chance_is_no_blame():
    """Database and entry drift by a scale: ranked all the same, with nothing said."""
    base = np.random.default_rng(9).normal(0, 1, 12 + 4)
    base -= np.repeat([base[:12].mean(), base[12:].mean() - 1.1], [12, 4])
    slow = np.repeat(base, 5)
    case = case_of({"front": list(20 + slow), "db": list(5 + slow)}, 60, [("front", "db")],
                   symptom={"service": "front", "metric": "latency"})
    got = rank(case, "causal")
    assert got.iloc[0] > LEAST
    assert got.attrs["abstains"]


def test_what_lies_on_a_call_is_the_edges_where_it_is_a_suspect_else_the_callees():
    case = Case(normal=((at(0), at(CUT)),), abnormal=(at(CUT), at(N)), traces=spans("wire"))
    assert rank(case, "causal").index[0] == "cart"
    edges = replace(case, suspects=("front", "cart", "db", "front->cart"))
    assert rank(edges, "causal").index[0] == "front->cart"


def test_without_calls_own_changes_rank():
    wave = RNG.normal(5, 1, N)
    case = case_of({"a": list(wave), "b": list(wave + 9 * (np.arange(N) >= CUT)), "c": list(wave)},
                   CUT, name="cpu")
    got = rank(case, "causal")
    assert got.index[0] == "b"
    assert got["a"] == got["c"] == 0.0


def test_what_most_services_show_under_a_name_is_nobodys():
    late = np.arange(N) >= CUT
    rise = {"a": 9.0, "b": 9.0, "c": 9.0, "d": 16.0}
    case = case_of({name: list(RNG.normal(5, 1, N) + up * late) for name, up in rise.items()}, CUT,
                   name="cpu")
    got = rank(case, "causal")
    assert got.index[0] == "d"
    assert (got[["a", "b", "c"]] == 0.0).all()


def test_nothing_to_go_by_is_an_error():
    with pytest.raises(CaseError, match="needs metrics or traces"):
        rank(Case(normal=((at(0), at(CUT)),), abnormal=(at(CUT), at(N)), suspects=("a",)),
             "causal")


def test_it_loads_nothing_of_dowhy():
    code = "import aiops.rca, aiops.causal, sys; print('dowhy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                          check=True).stdout.strip() == "False"
