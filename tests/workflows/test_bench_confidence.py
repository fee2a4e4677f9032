"""The benchmark of confidence gets back the numbers by which made outcomes are right or not."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from aiops.errors import InputError
from aiops.evaluation.ranking import Outcome
from aiops.rca import confidence

FILE = Path(__file__).parents[2] / "benchmarks" / "confidence.py"
NUMBERS = np.array([confidence._AT, confidence._BY_MARGIN, confidence._BY_BLAME])


@pytest.fixture(scope="module")
def bench():
    spec = importlib.util.spec_from_file_location("bench_confidence", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def outcomes(number, seed, culprits=None):
    """Incidents of which as many are right as the confidence says."""
    rng, made = np.random.default_rng(seed), []
    for first, share in zip(rng.uniform(0.5, 8, number), rng.random(number), strict=True):
        blame = pd.Series({"a": first, "b": first * share, "c": 0.0})
        sure = confidence.confidence(blame)
        blame.attrs = {"confidence": sure, "abstains": first < confidence.LEAST}
        truth = {"culprits": ["a" if rng.random() < sure else "b"]} if culprits is None else {
            "culprits": culprits}
        made.append(Outcome(blame, tuple("abc"), truth))
    return made


def of(figures, dataset, part, metric):
    (found,) = [f for f in figures if (f.dataset, f.slice, f.metric) == (dataset, part, metric)]
    return found


def test_the_formula_is_the_rankers_own(bench):
    rows = bench.incidents(outcomes(50, 0))
    assert len(rows) == 50
    assert bench.logistic(rows, NUMBERS) == pytest.approx(rows["stated"].to_numpy())


def test_the_numbers_come_back_and_a_set_left_out_is_met(bench):
    sets = {"large": {"": outcomes(4000, 1)}, "small": {"": outcomes(1500, 2)}}
    figures = bench.of_sets(sets)
    found = [of(figures, "all sets", "all", number).value for number in bench.NUMBERS]
    assert found == pytest.approx(NUMBERS, abs=0.5)
    for part in ("all", "stated=0.8-1"):
        right = of(figures, "small", part, "right").value
        assert of(figures, "small", part, "stated").value == pytest.approx(right, abs=0.04)
        assert of(figures, "small", part, "left_out").value == pytest.approx(right, abs=0.04)


def test_each_set_weighs_the_same(bench):
    often, never = (outcomes(n, 3, [who]) for n, who in ((900, "a"), (100, "b")))
    rows = [bench.incidents(each) for each in (often, never)]
    assert bench.logistic(rows[0], bench.fit(rows)).mean() == pytest.approx(0.5, abs=0.06)


def test_abstention_is_counted_over_right_wrong_and_what_is_no_incident(bench):
    calm = {"no_incident=control": outcomes(30, 4, [])}
    figures = bench.of_sets({"one": {"": outcomes(40, 5), **calm}, "two": {"": outcomes(40, 6)}})
    control = of(figures, "one", "no_incident=control", "abstained")
    quiet = sum(o.abstains for o in calm["no_incident=control"])
    assert (control.value, control.n, control.unit) == (quiet, 30, "count")
    assert 0 < quiet < 30
    told = [of(figures, "one", f"ranked {how}", "abstained") for how in ("right", "wrong")]
    assert sum(f.n for f in told) == 40


def test_one_set_alone_is_judged_by_nothing(bench, tmp_path):
    with pytest.raises(InputError, match="Outcomes of 1 sets are kept"):
        bench.of_sets({"one": {"": outcomes(9, 7)}, "two": {}})
    assert bench.kept("nowhere", tmp_path) == {}
