"""Columns side by side: steps, correlation, and which column the symptom is."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from aiops.checks.incident import made_case
from aiops.errors import CaseError
from aiops.rca.aligned import beside, pearson, symptom
from aiops.rca.series import columns
from tests.rca.made import at, case_of

SERIES = {"front": [1, 2, 1, 2, 1, 2, 9, 8], "back": [5, 6, 5, 6, 5, 6, 7, 8]}


def test_a_stated_symptom_is_compared_with_columns_of_its_name():
    made = columns(made_case())
    target, others = symptom(made_case(), made)
    assert made.about.loc[target, ["service", "name"]].tolist() == ["front", "latency"]
    assert set(made.about.loc[others, "name"]) == {"latency"}
    assert "front" not in set(made.about.loc[others, "service"])


@pytest.mark.parametrize(("told", "name"), [
    ("latency", "span_latency_p95"), ("errors", "span_error_rate")])
def test_what_an_alert_on_requests_states_is_seen_in_the_spans(told, name):
    case = made_case()
    metrics = case.metrics[case.metrics["name"] != "latency"]
    case = replace(case, metrics=metrics, symptom={"service": "front", "metric": told})
    made = columns(case)
    assert made.about.loc[symptom(case, made)[0], "name"] == name


def test_an_unstated_symptom_is_how_the_entry_answers():
    case = replace(made_case(), symptom=None)
    made = columns(case)
    target, others = symptom(case, made)
    assert made.about.loc[target, "name"] == "span_latency_p95"
    assert len(set(made.about.loc[others, "name"])) > 3
    bare = replace(case, traces=None)
    assert columns(bare).about.loc[symptom(bare, columns(bare))[0], "service"] == "front"


def test_who_enters_is_whom_nobody_calls():
    case = case_of(SERIES, 6, [("front", "back")])
    made = columns(case)
    assert made.about.loc[symptom(case, made)[0], "service"] == "front"


def test_a_symptom_needs_its_column():
    case = case_of(SERIES, 6, symptom={"service": "front", "metric": "cpu"})
    with pytest.raises(CaseError, match=r"of front and 'cpu'\. Got latency"):
        symptom(case, columns(case))


def test_others_are_averaged_over_the_steps_of_the_symptom():
    slow = pd.DataFrame({"column": 0, "time": [at(0), at(10)], "value": [1.0, 2.0]})
    fast = pd.DataFrame({"column": 1, "time": [at(s) for s in (-1, 0, 5, 12, 20)],
                         "value": [9.0, 1.0, 3.0, 7.0, 9.0]})
    got = beside(pd.concat([slow, fast]), 0, pd.Index([1]))
    assert got[1].tolist() == [2.0, 7.0]


def test_correlation_takes_the_rows_both_have():
    frame = pd.DataFrame({0: [1.0, 2.0, 3.0, 4.0], 1: [2.0, 4.0, np.nan, 9.0],
                          2: [1.0, 1.0, 1.0, 1.0], 3: [np.nan, np.nan, 1.0, np.nan]})
    r, n = pearson(frame, 0)
    assert r[1] == pytest.approx(np.corrcoef([1, 2, 4], [2, 4, 9])[0, 1])
    assert n.tolist() == [4, 3, 4, 1]
    assert r.isna().tolist() == [False, False, True, True]


def test_without_spans_in_the_incident_the_entry_answers_by_its_metrics():
    case = made_case()
    before = case.select("traces", "normal")
    case = replace(case, symptom=None, traces=before)
    made = columns(case)
    assert made.about.loc[symptom(case, made)[0], "name"] in {"cpu", "memory", "latency",
                                                              "retries", "restarts"}
