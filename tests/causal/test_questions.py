"""All questions at once: whom they are about, in words, for machines, and drawn."""

import json

import numpy as np
import pytest

from aiops.causal import pictures
from aiops.causal.questions import ask
from aiops.causal.words import to_dict, to_text
from aiops.checks.incident import made_case
from aiops.commands.output import plain
from aiops.errors import InputError, UsageError
from tests.rca.made import case_of


@pytest.fixture(scope="module")
def told():
    return ask(made_case(3, "quote"), resamples=10, first=3)


@pytest.fixture(scope="module")
def blind():
    """No calls and no spans: nobody knows what the symptom is."""
    rng = np.random.default_rng(0)
    return case_of({name: list(rng.normal(5, 1, 60)) for name in "ab"}, 40, name="cpu")


def test_who_made_it_is_thought_of_as_usual_where_nobody_is_named(told):
    assert told.made.parts.index[0] == "quote"
    assert list(told.if_usual) == [who for who in told.made.parts.index if who != "(demand)"][:3]
    assert told.if_usual["quote"].was_there
    assert not told.if_usual["quote"].there


def test_whoever_is_named_is_thought_of_as_usual():
    asked = ask(made_case(3, "quote"), ["cart", "(demand)"], resamples=2).if_usual
    assert list(asked) == ["cart", "(demand)"]
    assert all(each.there for each in asked.values())


def test_every_answer_is_told_in_80_columns_with_its_refutations(told):
    text = to_text(told)
    assert max(map(len, text.splitlines())) <= 80
    assert text.count("graph against the data") == 5
    for title in ("WHOSE OWN DOING", "WHICH MECHANISM CHANGED", "IF quote WERE AS USUAL"):
        assert title in text


def test_machines_get_the_same(told):
    made = json.loads(json.dumps(plain(to_dict(told))))
    assert made["symptom"]["variable"] == "front latency"
    assert made["attribution"]["parts"][0]["owner"] == "quote"
    assert set(made["attribution"]["refutations"]) == {
        "graph", "placebo", "common_cause", "stable", "passed"}
    assert made["distribution_change"]["mechanisms"][0]["variable"].startswith("quote ")
    assert made["if_usual"][0]["there"] is False


def test_without_calls_only_changes_can_be_asked_about(blind):
    told = ask(blind, resamples=2)
    assert (told.made, told.if_usual) == (None, {})
    assert "nobody knows whose answers" in to_text(told)
    assert to_dict(told)["attribution"] is None
    with pytest.raises(UsageError, match="What if a were as usual.*give it a topology"):
        ask(blind, ["a"])
    with pytest.raises(InputError, match="nothing to draw"):
        pictures.if_usual(told.if_usual)


def test_answers_are_drawn(told):
    fig = pictures.parts(told.made, "Incident r1.")
    assert fig.get_label().startswith("quote made +")
    ax, = fig.axes
    assert ax.patches[-1].get_width() == pytest.approx(told.made.parts["part"].sum())
    assert pictures.if_usual(told.if_usual).get_label() == \
        "Without what quote did there would be no symptom"
