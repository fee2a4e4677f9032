"""A shift split: bars that follow each other; and where it would lie beside what is usual."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from aiops import plots
from aiops.errors import InputError
from aiops.plots import style

PARTS = pd.DataFrame(
    [("cart", 30.0, 25.0, 35.0, False), ("front", -2.0, -5.0, 1.0, False),
     ("(demand)", 4.0, 3.0, 5.0, True)], columns=["label", "value", "low", "high", "nobody"])
WHAT_IF = pd.DataFrame([("as it was", 60.0, np.nan, np.nan), ("cart as usual", 22.0, 20.0, 24.0)],
                       columns=["label", "value", "low", "high"])


def test_each_bar_begins_where_the_one_above_ends_and_the_last_is_the_whole():
    ax, = plots.parts(PARTS, "ms", "cart made it").axes
    assert [(bar.get_x(), bar.get_width()) for bar in ax.patches] == [
        (0, 30), (30, -2), (28, 4), (0, 32)]
    assert [text.get_text() for text in ax.get_yticklabels()] == [
        "cart", "front", "(demand)", "all together"]
    assert ax.get_xlabel() == "ms"


def test_who_surely_moved_it_stands_out_and_demand_is_grey():
    ax, = plots.parts(PARTS, "ms", "title").axes
    assert [to_hex(bar.get_facecolor()) for bar in ax.patches] == [
        style.ACCENT.lower(), style.PALE, style.GREY, style.STEEL]


def test_what_is_no_symptom_any_more_is_told_by_its_colour():
    fig = plots.if_usual(WHAT_IF, (15.0, 30.0), "ms", "Without cart no symptom")
    ax, = fig.axes
    marks = [to_hex(line.get_color()) for line in ax.lines if line.get_marker() == "o"]
    assert marks == [style.ACCENT.lower(), style.SCORE.lower()]
    assert fig.get_label() == "Without cart no symptom"


def test_nothing_to_draw_is_an_error():
    with pytest.raises(InputError, match="parts got nothing to draw"):
        plots.parts(PARTS.head(0), "ms", "title")
    with pytest.raises(InputError, match="if_usual got nothing to draw"):
        plots.if_usual(WHAT_IF.head(0), (0.0, 1.0), "ms", "title")
