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


def test_one_set_is_told_by_its_figure():
    one = [f for f in TWO if f["dataset"] == "two"]
    assert plots.across_sets(one, "fusion").get_label() == (
        "fusion does not have the best AC@1: 0.60 of 0.70")
    assert "was not measured" in plots.across_sets(one, "ghost").get_label()


def test_a_metric_that_nobody_measured_is_an_error():
    with pytest.raises(InputError, match="no figure of mrr"):
        plots.across_sets(TWO, "fusion", metric="mrr")
