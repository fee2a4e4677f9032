"""Which incidents a detector tells from normal operation, one row each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from aiops.errors import InputError
from aiops.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@style.picture
def incidents(table: pd.DataFrame, source: str = "") -> Figure:
    """Draw average precision by incident, best at the top, with what guessing gives.

    Args:
        table: columns label (text), ap and chance (shares), found (bool: it raised an alarm),
            delay_s (to the alarm; NaN where missed).
        source: what is drawn, for the line under the title.
    """
    if table.empty:
        raise InputError("incidents got no incident. Check the data set's truth.")
    rows = table.sort_values(["ap", "label"], kind="stable").reset_index(drop=True)
    fig = style.figure(0.62 + 0.21 * len(rows))
    ax = fig.subplots()
    for row in rows.itertuples():
        _draw(ax, row)
    ax.set(xlim=(0, 1), ylim=(-0.6, len(rows) - 0.4), xlabel="average precision of its windows")
    ax.set_yticks(range(len(rows)), list(rows.label), fontsize=8)
    ax.tick_params(axis="y", length=0)
    style.bare(ax, ("left",))
    style.headline(fig, _title(rows), (
        "Dot: how well the scores set the windows of the incident apart from all normal ones "
        "that were judged, 1 is best; dashed: chance. On the right: seconds from its start to "
        f"the alarm. {source}").strip())
    return fig


def _draw(ax: Axes, row: Any) -> None:
    better, at = row.ap > row.chance, row.Index
    ax.axhline(at, color="#eef0f2", lw=0.8, zorder=0)
    ax.plot([row.chance, row.ap], [at, at], color=style.LINE, lw=1.2, zorder=1)
    ax.plot([row.chance] * 2, [at - 0.5, at + 0.5], color=style.GREY, lw=1, ls=(0, (3, 2)))
    ax.plot(row.ap, at, "o", color=style.SCORE if better else "#9aa5ae", ms=6, mec=style.PAPER,
            mew=0.8, zorder=3, clip_on=False)
    word = "missed" if not row.found else f"after {row.delay_s:.0f} s" if row.delay_s else "at once"
    ax.text(1.03, at, word, va="center", fontsize=8, transform=ax.get_yaxis_transform(),
            color=style.INK if row.found else style.ACCENT)


def _title(rows: pd.DataFrame) -> str:
    return (f"{int(rows.found.sum())} of {style.count(len(rows), 'incident')} raise an alarm; "
            f"half score an average precision over {rows.ap.median():.2f} "
            f"(chance {rows.chance.median():.2f})")
