"""Effects with their intervals beside no effect (a forest plot), and whom they are owed to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from aiops.errors import InputError
from aiops.plots import style

_LABEL = 34  # characters

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@style.picture
def effects(table: pd.DataFrame, title: str, source: str = "") -> Figure:
    """Draw what a change did, a line an effect.

    Args:
        table: unit (a panel each, "share" in per cent), label, value, low, high; top first.
        title: what was found. source: what is drawn, for the lines under the title.

    Raises:
        InputError: there is no effect to draw.
    """
    if table.empty:
        raise InputError("effects got no effect to draw. An impact has none where too few "
                         "requests were served: read its `why`.")
    parts = [(str(unit), part) for unit, part in table.groupby("unit", sort=False)]
    fig = style.figure(sum(0.45 + 0.24 * len(part) for _, part in parts))
    axes = fig.subplots(len(parts), 1, squeeze=False,
                        height_ratios=[1.2 + len(part) for _, part in parts])[:, 0]
    for ax, (unit, part) in zip(axes, parts, strict=True):
        _panel(ax, part, unit)
    style.headline(fig, title, f"New less old; bars: interval; filled: it excludes zero. {source}")
    return fig


@style.picture
def gains(table: pd.DataFrame, title: str, unit: str, source: str = "") -> Figure:
    """Draw what requests add to a mean, the most affected first (an uplift, or Qini, curve).

    Args:
        table: share of requests (0 to 1, rising), gain, chance (the same in any order).
        title: what was found. unit: of the gains. source: what is drawn.

    Raises:
        InputError: there is no curve to draw.
    """
    if table.empty:
        raise InputError("gains got no curve to draw. An uplift has none where too few requests "
                         "were served: read its `why`.")
    fig = style.figure(2.6)
    ax = fig.subplots()
    at = 100 * table["share"]
    ax.plot(at, table["chance"], color=style.GREY, linewidth=0.8, linestyle="--")
    ax.plot(at, table["gain"], color=style.ACCENT, linewidth=2)
    ax.fill_between(at, table["chance"], table["gain"], color=style.TINT, linewidth=0)
    ax.set_xlim(0, 100)
    ax.set_xlabel("% of requests, those said to be most affected first")
    ax.set_ylabel(unit)
    style.headline(fig, title, f"Orange: what they add to the mean; dashed: in any order. {source}")
    return fig


def _panel(ax: Axes, part: pd.DataFrame, unit: str) -> None:
    times = 100.0 if unit == "share" else 1.0
    at = range(len(part))[::-1]
    ax.axvline(0, color=style.GREY, linewidth=0.8)
    for y, (value, low, high) in zip(at, part[["value", "low", "high"]].to_numpy() * times,
                                     strict=True):
        sure = low > 0 or high < 0
        colour = style.ACCENT if low > 0 else style.SCORE if sure else style.GREY
        ax.plot([low, high], [y, y], color=colour, linewidth=2, solid_capstyle="round")
        ax.plot([value], [y], "o", color=colour, markersize=6, markeredgewidth=1.2,
                markerfacecolor=colour if sure else style.PAPER)
    ax.set_yticks(list(at), [style.shorten(str(each), _LABEL) for each in part["label"]])
    ax.set_ylim(-0.6, len(part) - 0.4)
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel("percentage points" if unit == "share" else unit)
