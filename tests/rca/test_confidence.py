"""How sure the default ranker is, and when it names nobody."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from aiops.case import Case
from aiops.rca.confidence import ENOUGH, LEAST, abstains, confidence, harmed
from aiops.rca.view import View
from tests.rca.made import case_of
from tests.rca.made_requests import CUT, Row, call, incident, span, traced


def blamed(*values: float) -> pd.Series:
    return pd.Series(values, index=[f"s{n}" for n in range(len(values))], dtype=float)


# --- confidence ---------------------------------------------------------------------------
def test_confidence_is_the_stated_logistic_of_margin_and_blame():
    wanted = -2.9 + 4.3 * 0.5 + 2.3 * np.log1p(4)
    assert confidence(blamed(4, 2, 1)) == pytest.approx(1 / (1 + np.exp(-wanted)))


def test_confidence_rises_with_the_margin_and_with_blame_up_to_enough():
    margins = [confidence(blamed(4, second)) for second in (4, 3, 2, 1, 0)]
    sums = [confidence(blamed(first, 0)) for first in (0.1, 1, 2, 4, ENOUGH)]
    assert margins == sorted(margins)
    assert margins[0] < 0.7 < 0.95 < margins[-1]
    assert sums == sorted(sums)
    assert len({*margins, *sums}) == 9  # (4, 0) stands in both
    assert confidence(blamed(9, 0)) == pytest.approx(confidence(blamed(ENOUGH, 0)))


@pytest.mark.parametrize("blame", [blamed(), blamed(0, 0), blamed(-1, -2)])
def test_who_blames_nobody_is_not_sure(blame):
    assert confidence(blame) == 0


def test_the_only_suspect_has_all_the_margin():
    assert confidence(blamed(4)) == confidence(blamed(4, 0)) > 0.8


# --- harm ---------------------------------------------------------------------------------
def entry(slow: float = 1.0, failed: float = 0.0, hidden: bool = False) -> pd.DataFrame:
    """Requests of two kinds; of GET /b some are slow or fail, or a child of theirs."""
    def request(n: int, rng: np.random.Generator) -> list[Row]:
        late = n >= CUT and n % 2 == 1
        bad = late and rng.random() < failed
        ms = 50 * np.exp(rng.normal(0, 0.2)) * (slow if late and not hidden else 1)
        status = {"status_code": "error" if bad and not hidden else "ok"}
        return [span("1", None, "front", 0, ms, "GET /b" if n % 2 else "GET /a", **status),
                span("2", "1", "cart", 0.01, 5 * (slow if late else 1), "get",
                     status_code="error" if bad else "ok")]
    return traced(request)


@pytest.mark.parametrize(("change", "wanted"), [
    ({}, False), ({"slow": 4.0}, True), ({"slow": 0.1}, True), ({"failed": 0.5}, True),
    ({"slow": 9.0, "failed": 0.5, "hidden": True}, False)])
def test_harm_is_what_requests_at_the_entry_show(change, wanted):
    assert harmed(View.of(incident(entry(**change)))) is wanted


def test_without_requests_harm_cannot_be_ruled_out():
    assert harmed(View.of(case_of({"a": [1.0, 2.0]}, 1)))


# --- abstention ---------------------------------------------------------------------------
CALM = entry()


def told(case: Case, blame: pd.Series, terms: dict[str, list[float]]) -> bool:
    return abstains(blame, pd.DataFrame(terms, index=blame.index), View.of(case))


@pytest.mark.parametrize(("first", "wanted"), [(LEAST - 0.01, True), (LEAST + 0.01, False)])
def test_hardly_any_blame_is_no_incident(first, wanted):
    assert told(incident(CALM), blamed(first, 0), {"metrics": [first, 0]}) is wanted


def test_without_suspects_it_names_nobody():
    assert told(incident(CALM), blamed(), {})


@pytest.mark.parametrize("name", ["sequence", "errors", "templates"])
def test_a_change_in_requests_that_harms_nobody_is_no_incident(name):
    blame, case = blamed(4, 1), incident(CALM)
    assert told(case, blame, {name: [3.0, 0], "metrics": [1.0, 1]})
    assert not told(case, blame, {name: [2.0, 0], "metrics": [2.0, 1]})  # not most of it
    assert not told(case, blame, {"latency": [3.0, 0], "metrics": [1.0, 1]})


def test_a_change_in_requests_that_harms_is_one():
    assert not told(incident(entry(failed=0.5)), blamed(4, 1), {"errors": [4.0, 1]})


def test_a_stated_symptom_is_harm():
    case = replace(incident(CALM), symptom={"service": "front", "metric": "latency"})
    assert not told(case, blamed(4, 1), {"errors": [4.0, 1]})


def test_calls_that_are_lost_are_harm():
    def request(n: int, rng: np.random.Generator) -> list[Row]:
        lost = n >= CUT and n % 2
        answered = [] if lost else [span("2", "1", "b", 0.01, 5)]
        return [call("1", None, "a", "b", 0, 10 + rng.random()), *answered]
    assert harmed(View.of(incident(traced(request))))
