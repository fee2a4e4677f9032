"""The bench's stresses by name: each changes the Case, or refuses it, and says who is guilty."""

from dataclasses import replace

import pandas as pd
import pytest

from aiops.case import Case
from aiops.errors import CaseError
from aiops.evaluation.variants import Others, less_requests, variants
from tests.evaluation.incident import T0, at, made

CULPRITS = {"one": ["cart"], "two": ["bank"], "three": ["cart"]}


@pytest.fixture(scope="module")
def stresses():
    cases = {name: less_requests(made(culprit, seed=n, start=5000 * n))
             for n, (name, (culprit,)) in enumerate(CULPRITS.items())}
    return {v.slice: v for v in variants(Others(cases, CULPRITS))}


def changed(before, after):
    tables = {name for name in {**before.tables, **after.tables}
              if name not in before.tables or name not in after.tables
              or not before.tables[name].equals(after.tables[name])}
    return tables | {name for name in ("normal", "abnormal", "suspects", "detected_at")
                     if getattr(before, name) != getattr(after, name)}


@pytest.mark.parametrize(("name", "what"), [
    ("decoys=40", {"metrics", "traces", "logs", "topology", "suspects"}),
    ("spans=0.1", {"traces", "logs"}), ("spans=0.03", {"traces", "logs"}),
    ("without=traces", {"traces"}), ("without=logs", {"logs"}), ("without=metrics", {"metrics"}),
    ("without=topology", {"topology"}), ("edges_wrong=0.2", {"topology"}),
    ("delay_s=30", {"normal", "abnormal", "detected_at"})])
def test_a_stress_changes_what_it_says_and_no_culprit(stresses, name, what):
    case, truth = made(), {"culprits": ["cart"]}
    got, told = stresses[name].make("one", case, truth, 0)
    assert changed(case, got) == what
    assert told == truth
    again = stresses[name].make("one", case, truth, 1)[0]
    assert (changed(got, again) != set()) == stresses[name].seeded


@pytest.mark.parametrize("name", ["without=alerts", "delay_s=60", "delay_s=180"])
def test_a_case_that_a_stress_does_not_fit_is_refused(stresses, name):
    with pytest.raises(CaseError):
        stresses[name].make("one", made(), {"culprits": ["cart"]}, 0)


def test_nothing_is_taken_away_where_nothing_would_be_left(stresses):
    only = replace(made(), traces=None, logs=None)
    with pytest.raises(CaseError, match="tells nothing"):
        stresses["without=metrics"].make("one", only, {"culprits": ["cart"]}, 0)


def test_alerts_without_times_cannot_be_late(stresses):
    alerts = pd.DataFrame({"instance": ["a"], "service": ["a"], "kind": "log", "name": ["x"]})
    case = Case(normal=((T0, at(100)),), abnormal=(at(100), at(200)), alerts=alerts)
    with pytest.raises(CaseError, match="without times"):
        stresses["delay_s=30"].make("one", case, {"culprits": ["a"]}, 0)


def test_two_faults_are_of_different_culprits_and_both_are_guilty(stresses):
    for seed in range(4):
        got, truth = stresses["two_faults"].make("one", made(), {"culprits": ["cart"]}, seed)
        assert truth["culprits"] == ["cart", "bank"]
        assert "traces" not in got.tables
    with pytest.raises(CaseError, match="No other incident"):
        stresses["two_faults"].make("one", replace(made(), suspects=("cart", "pay")),
                                    {"culprits": ["cart"]}, 0)


def test_past_incidents_go_with_decoys_and_lost_tables_only(stresses):
    assert {name.split("=")[0] for name, v in stresses.items() if v.past} == {"decoys", "without"}
    past = stresses["decoys=40"].past(made("pay", start=9000), 3)
    now, _ = stresses["decoys=40"].make("one", made(), {"culprits": ["cart"]}, 3)
    assert past.suspects == now.suspects
