"""A shift split over who made it, and where it would lie if someone were as usual."""

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
def parts(table: pd.DataFrame, unit: str, title: str, source: str = "") -> Figure:
    """Draw who made how much of a shift: bars that begin where the one above ends.

    Args:
        table: label, value, low, high, in one unit and adding up to the shift; top first. A row
            whose ``nobody`` is True is drawn in grey.
        unit: of the axis. title: what was found. source: what is drawn, for the lines below it.

    Raises:
        InputError: there is no part to draw.
    """
    _some(table, "parts")
    fig = style.figure(0.75 + 0.26 * (len(table) + 1))
    ax = fig.subplots()
    rows = table[["value", "low", "high"]].to_numpy(dtype=float)
    begin = 0.0
    for y, (value, low, high), nobody in zip(_down(len(table) + 1), rows, table["nobody"],
                                             strict=False):
        colour = style.GREY if nobody else style.ACCENT if low > 0 else style.PALE
        ax.barh(y, value, left=begin, height=0.62, color=colour)
        ax.plot([begin + low, begin + high], [y, y], color=style.INK, linewidth=1)
        ax.plot([begin + value] * 2, [y + 0.31, y - 1.31], color=style.LINE, linewidth=0.8)
        begin += value
    ax.barh(0, begin, height=0.62, color=style.STEEL)
    ax.axvline(0, color=style.GREY, linewidth=0.8)
    _labelled(ax, [*table["label"], "all together"], unit)
    style.headline(fig, title, "Each bar begins where the one above ends; line: interval; orange: "
                   f"above zero; dark grey: demand, others. {source}")
    return fig


@style.picture
def if_usual(table: pd.DataFrame, usual: tuple[float, float], unit: str, title: str,
             source: str = "") -> Figure:
    """Draw where the symptom would lie, a line a question, beside what is usual.

    Args:
        table: label, value, low, high (NaN where there is no interval); top first.
        usual: range that is no symptom, shaded. unit, title, source: see ``parts``.

    Raises:
        InputError: nothing was asked.
    """
    _some(table, "if_usual")
    fig = style.figure(0.75 + 0.28 * len(table))
    ax = fig.subplots()
    ax.axvspan(*usual, color=style.WASH, zorder=0)
    for edge in usual:
        ax.axvline(edge, color=style.LINE, linewidth=0.8)
    for y, (value, low, high) in zip(_down(len(table)), table[["value", "low", "high"]].to_numpy(
            dtype=float), strict=True):
        there = not usual[0] <= value <= usual[1]
        colour = style.ACCENT if there else style.SCORE
        ax.plot([low, high], [y, y], color=colour, linewidth=2, solid_capstyle="round")
        ax.plot([value], [y], "o", color=colour, markersize=6)
    _labelled(ax, list(table["label"]), unit)
    style.headline(fig, title, f"Shaded: what is usual; orange: still a symptom. {source}")
    return fig


def _some(table: pd.DataFrame, who: str) -> None:
    if table.empty:
        raise InputError(f"{who} got nothing to draw. Ask a Case whose symptom is known: one with "
                         "calls or traces.")


def _down(n: int) -> range:
    return range(n)[::-1]


def _labelled(ax: Axes, labels: list[str], unit: str) -> None:
    ax.set_yticks(list(_down(len(labels))),
                  [style.shorten(str(each), _LABEL) for each in labels])
    ax.set_ylim(-0.6, len(labels) - 0.4)
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel(unit)
