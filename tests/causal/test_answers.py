"""Systems whose truth is known: who is blamed, how far intervals cover, what would have been."""

import numpy as np
import pandas as pd
import pytest

from aiops.causal import (
    StructuralModel,
    Variables,
    as_usual,
    attribute_anomaly,
    distribution_change,
    intervene,
)
from aiops.causal.anomaly_attribution import DEMAND
from aiops.causal.distribution_change import _holm
from aiops.causal.made import SERVICES, TARGET, linear, queueing, threshold
from aiops.causal.parts import by_owner, by_variable
from aiops.errors import UsageError

CASES = 60


def blamed(made, learn_from: str) -> str:
    return by_owner(StructuralModel.fit(made.variables, learn_from)).idxmax()


@pytest.mark.parametrize(("make", "learn_from"), [
    (linear, "normal"), (linear, "both"), (threshold, "both"), (queueing, "both")])
def test_the_planted_cause_has_the_largest_part(make, learn_from):
    hits = [blamed(make(seed, SERVICES[seed % 5]), learn_from) == SERVICES[seed % 5]
            for seed in range(CASES)]
    assert np.mean(hits) >= 0.95


def test_normal_operation_alone_does_not_show_a_threshold():
    """Why ``learn_from="both"`` is there: callers are blamed for what they no longer hide."""
    hits = [blamed(threshold(seed, "db"), "normal") == "db" for seed in range(10)]
    assert np.mean(hits) <= 0.5


@pytest.mark.parametrize(("make", "surge", "learn_from"), [
    (linear, 8.0, "normal"), (linear, 8.0, "both"), (threshold, 8.0, "both"),
    (queueing, 1.5, "both")])
def test_a_surge_of_load_is_nobodys_fault(make, surge, learn_from):
    for seed in range(10):
        model = StructuralModel.fit(make(seed, None, surge=surge).variables, learn_from)
        parts = by_owner(model) / model.shift[model.target]
        assert parts[DEMAND] > 0.8
        assert parts.drop(DEMAND).max() < 0.15


def test_without_load_in_the_model_the_surge_is_pinned_on_a_service():
    """So it is the conditioning that acquits: without it somebody takes the blame."""
    made = linear(0, None, surge=8.0).variables
    blind = type(made).of(made.normal.drop(columns="load"), made.abnormal.drop(columns="load"),
                          [(a, b) for a, b in made.graph.edges if a != "load"], TARGET)
    model = StructuralModel.fit(blind)
    assert by_owner(model).max() > 0.3 * model.shift[model.target]


def test_intervals_cover_the_true_part_at_their_level():
    """Truth: total effect times the planted rise for the culprit, nothing for the others."""
    inside = []
    for seed in range(30):
        culprit = SERVICES[seed % 5]
        made = linear(seed, culprit)
        got = attribute_anomaly(StructuralModel.fit(made.variables), resamples=40, seed=seed).parts
        for name in SERVICES:
            truth = made.effect[name] * made.planted * (name == culprit)
            inside.append(got.loc[name, "low"] <= truth <= got.loc[name, "high"])
    assert 0.90 <= np.mean(inside) <= 0.995


def test_the_parts_add_up_to_the_shift_and_are_in_the_targets_unit():
    made = linear(4, "quote").variables
    got = attribute_anomaly(StructuralModel.fit(made), resamples=2)
    shift = made.abnormal[TARGET].mean() - made.normal[TARGET].mean()
    assert got.during - got.before == pytest.approx(shift)
    assert got.parts["part"].sum() == pytest.approx(shift)
    assert got.parts.index[0] == "quote"


def test_what_only_swings_wider_hands_on_what_lies_beyond_normal():
    """A mean that stays and a threshold: the culprit's swings move its caller, and add up too."""
    rng = np.random.default_rng(0)

    def side(rows: int, spread: float) -> pd.DataFrame:
        db = rng.normal(0, spread, rows)
        db -= db.mean()
        own = rng.normal(0, 0.8, rows)
        return pd.DataFrame({"db": db, "front": 0.6 * db + 1.5 * np.maximum(db - 2, 0) + own})

    made = Variables.of(side(200, 1.0), side(60, 6.0), [("db", "front")], "front")
    model = StructuralModel.fit(made, "both")
    parts = by_owner(model)
    assert parts.sum() == pytest.approx(model.shift[model.target])
    assert parts["db"] > 0.7 * parts.sum()


def test_a_fall_is_split_as_a_rise_is():
    got = attribute_anomaly(StructuralModel.fit(linear(4, "quote", rise=-6.0).variables),
                            resamples=2)
    assert got.during < got.before
    assert got.parts.index[0] == "quote"
    assert got.parts["part"].sum() == pytest.approx(got.before - got.during)


def test_units_change_nothing_but_the_unit():
    made = linear(5, "db").variables
    other = type(made).of(*(side.assign(db=side["db"] * 1e6, cart=side["cart"] * 1e-6)
                            for side in (made.normal, made.abnormal)),
                          made.graph.edges, TARGET, load=["load"])
    for learn_from in ("normal", "both"):
        parts = [by_variable(StructuralModel.fit(each, learn_from)) for each in (made, other)]
        pd.testing.assert_series_equal(*parts, rtol=1e-9)


# --- which mechanism changed -----------------------------------------------------------------
def test_only_the_planted_mechanism_changed():
    for seed in range(10):
        culprit = SERVICES[seed % 5]
        got = distribution_change(StructuralModel.fit(linear(seed, culprit).variables), 30)
        assert got.changed == [culprit] == list(got.mechanisms.index[:1])


def test_a_mechanism_that_only_became_unsteady_changed_too():
    whole = linear(2, None)
    made = whole.variables
    noise = np.random.default_rng(0).normal(0, 6.0, len(made.abnormal))
    noise -= noise.mean()
    during = made.abnormal.assign(cart=made.abnormal["cart"] + noise,
                                  front=made.abnormal["front"] + whole.effect["cart"] * noise)
    got = distribution_change(StructuralModel.fit(type(made)(
        made.normal, during, made.graph, made.target, made.about)), 30)
    assert got.changed == ["cart"]
    assert got.mechanisms.loc["cart", "spread"] > 4
    assert abs(got.mechanisms.loc["cart", "shift"]) < 1
    assert got.mechanisms["variance"].idxmax() == "cart"


def test_values_that_tie_have_not_changed_where_nothing_has():
    """Failures: a share that is 0 most of the time, of another mean by chance alone."""
    rng = np.random.default_rng(5)
    sides = [pd.DataFrame({name: (rng.random(n) < 0.1).astype(float) for name in "abcdefgh"})
             for n in (240, 60)]
    model = StructuralModel.fit(Variables.of(*sides, [], None))
    assert distribution_change(model, 40).changed == []


def test_p_is_adjusted_over_all_variables():
    """Holm's own example of four."""
    assert _holm(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_a_constant_that_moved_has_a_spread_that_can_be_read():
    sides = [pd.DataFrame({"up": np.ones(40)}), pd.DataFrame({"up": [0.0, 1.0] * 10})]
    got = distribution_change(StructuralModel.fit(Variables.of(*sides, [], "up")), 10)
    assert got.mechanisms.loc["up", "spread"] < 1000


def test_it_needs_no_target_but_attribution_does():
    made = linear(2, "ship").variables
    model = StructuralModel.fit(type(made)(made.normal, made.abnormal, made.graph, None,
                                           made.about))
    got = distribution_change(model, 2).mechanisms
    assert got.index[0] == "ship"
    assert "mean" not in got
    with pytest.raises(UsageError, match="about a symptom"):
        attribute_anomaly(model)


# --- what if -----------------------------------------------------------------------------------
def test_the_symptom_goes_with_the_culprit_and_stays_without_the_others():
    for seed, culprit in enumerate(SERVICES):
        made = linear(seed, culprit, rise=30.0, rows=(2000, 60))
        model = StructuralModel.fit(made.variables)
        got = as_usual(model, culprit, resamples=20)
        assert got.was_there
        assert not got.there
        assert got.was - got.would_be == pytest.approx(made.effect[culprit] * 30.0, rel=0.15)
        other = next(name for name in SERVICES if name != culprit)
        assert as_usual(model, other, resamples=2).there


def test_as_usual_is_the_mean_and_not_the_median_of_what_is_usual():
    rng = np.random.default_rng(1)
    sides = [pd.DataFrame({"db": up + rng.exponential(10, n)}) for n, up in ((2000, 0), (200, 50))]
    sides = [side.assign(front=side["db"] + rng.normal(0, 1, len(side))) for side in sides]
    got = as_usual(StructuralModel.fit(Variables.of(*sides, [("db", "front")], "front")), "db", 2)
    assert got.would_be == pytest.approx(sides[0]["front"].mean(), abs=0.3)


def test_a_service_as_usual_is_called_as_often_as_it_was():
    """A surge: no service as usual takes it away, demand as usual does."""
    made = linear(3, None, surge=8.0).variables
    about = made.about.assign(owner=made.about["owner"].replace("load", TARGET))
    model = StructuralModel.fit(Variables(made.normal, made.abnormal, made.graph, TARGET, about))
    assert as_usual(model, TARGET, 2).there
    assert not as_usual(model, DEMAND, 2).there
    told = distribution_change(model, 30).mechanisms
    assert told.loc["load", "owner"] == DEMAND


def test_an_intervention_moves_the_target_by_its_total_effect():
    made = linear(7, None)
    model = StructuralModel.fit(made.variables)
    usual = made.variables.normal["db"].mean()
    got = intervene(model, {"db": usual + 10.0}, resamples=20)
    assert got.would_be - got.was == pytest.approx(10.0 * made.effect["db"], rel=0.25)
    assert got.low <= got.was + 10.0 * made.effect["db"] <= got.high
    assert intervene(model, {TARGET: 500.0}, resamples=2).would_be == pytest.approx(500.0)


def test_what_has_happened_is_followed_by_itself():
    """Noise that nobody touched gives back the very rows, steeper mechanisms too."""
    for make in (linear, threshold, queueing):
        model = StructuralModel.fit(make(3, "db").variables, "both")
        assert np.allclose(model.follow(model.noise(model.abnormal)), model.abnormal)


# --- what is shown -----------------------------------------------------------------------------
def test_every_answer_prints_itself_with_its_refutations_in_80_columns():
    model = StructuralModel.fit(linear(3, "cart").variables)
    for answer in (attribute_anomaly(model, 2), distribution_change(model, 2),
                   as_usual(model, "cart", 2), intervene(model, {"db": 60.0}, 2)):
        text = str(answer)
        assert max(map(len, text.splitlines())) <= 80
        for test in ("graph against the data", "made-up causes", "random common cause",
                     "resamples that agree"):
            assert test in text
        assert answer.refutations.graph.tested == 10


# --- bad input ---------------------------------------------------------------------------------
@pytest.mark.parametrize(("ask", "says"), [
    (lambda model: attribute_anomaly(model, resamples=1), "at least 2.*Got 1"),
    (lambda model: attribute_anomaly(model, 2, level=95), "between 0 and 1.*Got 95"),
    (lambda model: as_usual(model, "nobody"), "Got 'nobody'.*Known: .demand., cart"),
    (lambda model: intervene(model, {}), "at least one variable"),
    (lambda model: intervene(model, {"nothing": 1.0}), "Got 'nothing'"),
    (lambda model: StructuralModel.fit(model.variables, "later"), "normal, both.*Got 'later'")])
def test_a_question_that_cannot_be_asked_says_why(ask, says):
    with pytest.raises(UsageError, match=says):
        ask(StructuralModel.fit(linear(0, "db").variables))
