"""Beside dowhy.gcm on linear data: where it agrees with the closed form, and where it differs."""

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from aiops.causal import StructuralModel, as_usual, distribution_change
from aiops.causal.made import TARGET, linear
from aiops.causal.parts import by_variable

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


def changed(gcm, variables, **more):
    """Parts by dowhy; it fits mechanisms of its own on either side."""
    return pd.Series(gcm.distribution_change(
        learned(gcm, variables), variables.normal, variables.abnormal, TARGET, **more))


def by_mean(old, new):
    return float(np.mean(new) - np.mean(old))


def test_parts_of_a_changed_mean_are_the_closed_form_of_what_it_finds_changed(gcm):
    """The planted part is the same; whose change it does not see gets 0, and not its noise."""
    made = linear(3, "cart")
    theirs = changed(gcm, made.variables, difference_estimation_func=by_mean)
    ours = distribution_change(StructuralModel.fit(made.variables), 30).mechanisms
    planted = made.effect["cart"] * made.planted
    assert theirs["cart"] == pytest.approx(planted, rel=0.1)
    assert ours.loc["cart", "mean"] == pytest.approx(planted, rel=0.1)
    assert theirs.idxmax() == "cart"
    others = ours.index[~ours["changed"]]
    assert theirs[others].abs().max() < 0.3
    shift = by_mean(made.variables.normal[TARGET], made.variables.abnormal[TARGET])
    assert ours["mean"].sum() == pytest.approx(shift)


def test_parts_of_a_changed_variance_are_the_closed_form(gcm):
    made = unsteady("cart", 5.0)
    theirs = changed(gcm, made, difference_estimation_func=lambda old, new: float(
        np.var(new) - np.var(old)))
    ours = distribution_change(StructuralModel.fit(made), 30).mechanisms["variance"]
    assert theirs["cart"] == pytest.approx(ours["cart"], rel=0.25)
    assert theirs.idxmax() == ours.idxmax() == "cart"


def test_its_default_says_neither_which_way_nor_how_far(gcm):
    """A divergence: positive for a rise and for a fall, and in no unit of the target's."""
    up, down = (changed(gcm, linear(3, "cart", rise=rise).variables)["cart"]
                for rise in (6.0, -6.0))
    assert up > 0
    assert down > 0
    ours = [distribution_change(StructuralModel.fit(linear(3, "cart", rise=rise).variables), 30)
            .mechanisms.loc["cart", "mean"] for rise in (6.0, -6.0)]
    assert ours[0] > 0 > ours[1]


def unsteady(who, spread):
    """A linear system in which one service's own time only varies more during the incident."""
    whole = linear(2, None)
    made, noise = whole.variables, np.random.default_rng(0).normal(0, spread, 60)
    noise -= noise.mean()
    during = made.abnormal.assign(**{who: made.abnormal[who] + noise,
                                     TARGET: made.abnormal[TARGET] + whole.effect[who] * noise})
    return type(made)(made.normal, during, made.graph, made.target, made.about)


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
