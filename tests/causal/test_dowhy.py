"""Beside dowhy.gcm on linear data: where it agrees with the closed form, and where it differs."""

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from aiops.causal import StructuralModel, as_usual
from aiops.causal.parts import by_variable
from tests.causal.made import TARGET, linear

pytestmark = pytest.mark.filterwarnings("ignore")  # dowhy's and statsmodels' own


@pytest.fixture(scope="module")
def gcm():
    """dowhy.gcm with one process: with more, joblib costs twenty times what it saves here."""
    from dowhy import gcm

    gcm.config.set_default_n_jobs(1)
    gcm.config.disable_progress_bars()
    gcm.util.general.set_random_seed(0)
    return gcm


def learned(gcm, variables):
    """The same graph, with dowhy's linear mechanisms."""
    model = gcm.InvertibleStructuralCausalModel(nx.DiGraph(variables.graph.edges))
    for name in model.graph:
        root = not model.graph.in_degree(name)
        model.set_causal_mechanism(name, gcm.EmpiricalDistribution() if root else
                                   gcm.AdditiveNoiseModel(gcm.ml.create_linear_regressor()))
    gcm.fit(model, variables.normal)
    return model


def valued(gcm):
    """A score that is the value itself, so that what is attributed is the mean."""
    class Value(gcm.anomaly_scorer.AnomalyScorer):
        def fit(self, X):
            pass

        def score(self, X):
            return np.asarray(X, dtype=float).reshape(-1)

    return Value()


def parts_of(variables):
    model = StructuralModel.fit(variables)
    return by_variable(model) * model.scale[model.target]


def test_sampled_shapley_values_of_the_mean_are_the_closed_form(gcm):
    made = linear(3, "cart").variables
    rows = made.abnormal.iloc[:20]
    got = gcm.attribute_anomalies(
        learned(gcm, made), TARGET, rows, anomaly_scorer=valued(gcm),
        attribute_mean_deviation=True, num_distribution_samples=2000)
    ours = parts_of(type(made)(made.normal, rows, made.graph, TARGET, made.about))
    theirs = pd.Series({name: each.mean() for name, each in got.items()})
    pd.testing.assert_series_equal(ours.sort_index(), theirs.sort_index(), atol=0.2,
                                   check_names=False)
    assert theirs.idxmax() == ours.idxmax() == "cart"


def test_its_default_score_cannot_tell_a_large_shift_from_a_huge_one(gcm):
    """The information score is -log of a tail counted in samples, so it ends at their number."""
    told, ours = [], []
    for rise in (20.0, 60.0):
        made = linear(3, "cart", rise=rise, rows=(240, 6)).variables
        got = gcm.attribute_anomalies(learned(gcm, made), TARGET, made.abnormal,
                                      num_distribution_samples=500)
        told.append(sum(each.mean() for each in got.values()))
        ours.append(parts_of(made)["cart"])
    assert told[1] == pytest.approx(told[0], rel=0.05)
    assert ours[1] == pytest.approx(3 * ours[0], rel=0.15)


def test_counterfactuals_are_the_same(gcm):
    made = linear(5, "ship", rise=20.0).variables
    model = StructuralModel.fit(made)
    noise = model.noise(model.normal)[:, model.column("ship")].mean()
    learnt = learned(gcm, made)
    usual = pd.Series(model.mechanisms.explained(model.abnormal)[:, model.column("ship")] + noise)
    usual = usual * model.scale[model.column("ship")] + model.centre[model.column("ship")]
    theirs = np.mean([gcm.counterfactual_samples(
        learnt, {"ship": lambda _, value=value: value},
        observed_data=made.abnormal.iloc[[row]])[TARGET].iloc[0]
        for row, value in enumerate(usual)])
    assert as_usual(model, "ship", 2).would_be == pytest.approx(theirs, rel=0.005)
