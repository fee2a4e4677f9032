"""A right graph stands, a wrong one falls; made-up causes get nothing; few rows say so."""

import numpy as np
import pandas as pd

from aiops.causal import StructuralModel, Variables, as_usual, attribute_anomaly, falsify
from aiops.causal.falsification import Falsification
from aiops.causal.made import SERVICES, TARGET, linear
from aiops.causal.refutation import Refutations


def shuffled(made: Variables) -> Variables:
    """The same graph with services that have changed their places."""
    names = dict(zip(SERVICES, ("front", "cart", "db", "quote", "ship"), strict=True))
    edges = [(names.get(a, a), names.get(b, b)) for a, b in made.graph.edges]
    return Variables.of(made.normal, made.abnormal, edges, names[TARGET], load=["load"])


def test_the_right_graph_stands():
    verdicts = [falsify(StructuralModel.fit(linear(seed, "db").variables)).verdict
                for seed in range(8)]
    assert verdicts.count("stands") >= 7
    assert "falsified" not in verdicts


def test_a_wrong_graph_is_falsified():
    verdicts = [falsify(StructuralModel.fit(shuffled(linear(seed, "db").variables))).verdict
                for seed in range(8)]
    assert verdicts.count("falsified") >= 7


def test_data_without_any_dependence_tests_no_graph():
    rng = np.random.default_rng(1)
    sides = [pd.DataFrame(rng.normal(size=(n, 5)), columns=list(SERVICES)) for n in (100, 20)]
    made = Variables.of(*sides, [("db", "cart"), ("cart", "front")], None)
    assert falsify(StructuralModel.fit(made)).verdict == "untested"


def test_one_variable_has_nothing_to_test():
    alone = pd.DataFrame({"front": np.random.default_rng(0).normal(size=20)})
    got = falsify(StructuralModel.fit(Variables.of(alone, alone, [], "front")))
    assert got == Falsification(0, 0, 1.0)
    assert got.verdict == "untested"


def test_a_made_up_cause_and_a_random_common_one_leave_the_answer_alone():
    for seed, culprit in enumerate(SERVICES):
        got = attribute_anomaly(StructuralModel.fit(linear(seed, culprit, rise=12.0).variables),
                                resamples=20).refutations
        assert got.placebo < 0.1
        assert got.common_cause < 0.1
        assert got.stable >= 0.9
        assert got.passed


def test_an_answer_about_nothing_is_refuted_by_few_rows():
    """Normal operation called an incident: who is first is a matter of chance."""
    for seed in (12, 13, 14, 15):
        model = StructuralModel.fit(linear(seed, None, rows=(60, 12)).variables)
        got = attribute_anomaly(model, resamples=40).refutations
        assert got.stable < 0.8
        assert not got.passed


def test_a_placebo_that_gets_as_much_as_the_answer_refutes_it():
    model = StructuralModel.fit(linear(2, None, rows=(12, 2)).variables)
    assert max(as_usual(model, name, 2).refutations.placebo for name in SERVICES) > 0.2


def test_each_refutation_alone_is_enough():
    stands, falls = Falsification(10, 0, 0.0), Falsification(10, 9, 0.9)
    assert Refutations(stands, 0.1, 0.1, 0.9).passed
    assert not Refutations(falls, 0.1, 0.1, 0.9).passed
    assert not Refutations(stands, 0.3, 0.1, 0.9).passed
    assert not Refutations(stands, 0.1, 0.3, 0.9).passed
    assert not Refutations(stands, 0.1, 0.1, 0.7).passed
