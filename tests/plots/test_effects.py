"""Effects drawn: a panel a unit, a bar an effect, and what excludes zero stands out."""

import pandas as pd
import pytest
from matplotlib.colors import to_hex

from aiops import plots
from aiops.errors import InputError
from aiops.plots import style

TABLE = pd.DataFrame(
    [("milliseconds", "cart: mean", 40.0, 38.0, 42.0), ("milliseconds", "cart: typical", 1, -1, 3),
     ("share", "cart: failed", -0.1, -0.15, -0.05)],
    columns=["unit", "label", "value", "low", "high"])


def test_a_panel_a_unit_and_shares_in_points():
    fig = plots.effects(TABLE, "cart 1.5.0: harmful", "Incident r1.")
    times, shares = fig.axes
    assert times.get_xlabel() == "milliseconds"
    assert shares.get_xlabel() == "percentage points"
    bar = shares.lines[1].get_xdata()
    assert list(bar) == pytest.approx([-15, -5])
    assert [text.get_text() for text in times.get_yticklabels()] == ["cart: mean", "cart: typical"]
    assert fig.get_label() == "cart 1.5.0: harmful"


def test_what_excludes_zero_is_filled_in_its_colour():
    fig = plots.effects(TABLE, "title")
    worse, unsure, better = (to_hex(line.get_markerfacecolor()) for ax in fig.axes
                             for line in ax.lines if line.get_marker() == "o")
    assert (worse, unsure, better) == (style.ACCENT.lower(), style.PAPER, style.SCORE.lower())


def test_nothing_to_draw_is_an_error():
    with pytest.raises(InputError, match="no effect"):
        plots.effects(TABLE.head(0), "title")
