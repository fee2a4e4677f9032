"""Rankers over several data sets: the title counts where the default leads."""

import pytest

from aiops import plots
from aiops.errors import InputError


def figures(**values):
    return [{"benchmark": "rca", "dataset": at, "model": model, "slice": part, "metric": "ac@1",
             "value": value, "low": value - 0.1, "high": value, "n": 9, "chance": 0.1,
             "unit": "share"}
            for at, models in values.items() for (model, part), value in models.items()]


TWO = figures(one={("fusion", "all"): 0.9, ("fusion", "decoys=40"): 0.8, ("baro", "all"): 0.5,
                   ("oracle", "all"): 1.0},
              two={("fusion", "all"): 0.6, ("baro", "all"): 0.7})


def test_the_title_counts_the_sets_that_the_default_leads_and_no_control():
    fig = plots.across_sets(TWO, "fusion", controls=["oracle"])
    assert fig.get_label() == "fusion has the best AC@1 on 1 of 2 data sets, 0.60 to 0.90"
    panels = [ax for ax in fig.axes if ax.axison]
    assert [ax.get_title(loc="left") for ax in panels] == ["one", "two"]
    assert [t.get_text() for t in panels[0].get_yticklabels()] == ["oracle", "baro", "fusion"]
    rings = [line for ax in panels for line in ax.lines if line.get_markerfacecolor() == "none"
             and line.get_marker() == "o"]
    assert [float(line.get_xdata()[0]) for line in rings] == [0.8]


@pytest.mark.parametrize(("baro", "told"), [
    (0.7, "fusion has AC@1 0.60, the best is 0.70 (baro)"),
    (0.6, "fusion ties with baro for the best AC@1: 0.60"),
    (0.5, "fusion has the best AC@1: 0.60")])
def test_of_one_set_the_title_says_who_is_best_and_who_ties(baro, told):
    one = figures(one={("fusion", "all"): 0.6, ("baro", "all"): baro, ("oracle", "all"): 1.0})
    assert plots.across_sets(one, "fusion", controls=["oracle"]).get_label() == told


def test_who_was_asked_alone_does_not_lead():
    one = figures(one={("fusion", "all"): 0.6})
    assert plots.across_sets(one, "fusion").get_label() == "fusion has AC@1: 0.60"
    assert "was not measured" in plots.across_sets(one, "ghost").get_label()


def test_a_set_where_one_model_was_asked_says_nothing_of_the_lead():
    alone = figures(one={("fusion", "all"): 0.6, ("baro", "all"): 0.5},
                    two={("fusion", "all"): 0.9})
    assert plots.across_sets(alone, "fusion").get_label() == "fusion has the best AC@1: 0.60"


def test_a_metric_that_nobody_measured_is_an_error():
    with pytest.raises(InputError, match="no figure of mrr"):
        plots.across_sets(TWO, "fusion", metric="mrr")
