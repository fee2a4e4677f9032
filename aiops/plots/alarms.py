"""Scores of many short recordings around the instant at which something was planted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from aiops.errors import InputError
from aiops.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROLES = ("incident", "disturbance", "control")
_BELOW = ("#ffffff", "#e3e6e9", "#b4bcc3")
_ABOVE = ("#f6c9aa", "#D55E00", "#8a3c00")


@style.picture
def alarms(scores: pd.DataFrame, threshold: float, about: pd.DataFrame, window_s: float,
           source: str = "") -> Figure:
    """Draw one row a recording, one cell a window; orange is at or over the threshold.

    Args:
        scores: recording, window_start, score.
        threshold: an alarm is a score at or over it.
        about: recording, label (text), role (incident, disturbance, control), event_start,
            event_end; one row a recording, drawn in this order within a role.
        window_s: length of a window in seconds.
        source: what is drawn, for the line under the title.
    """
    rows = [part for role in ROLES if len(part := about[about.role == role])]
    if not rows or scores.empty:
        raise InputError("alarms got no recording of an incident, a disturbance or a control.")
    order = pd.concat(rows).set_index("recording")
    shown = scores[scores.recording.isin(order.index)].copy()
    starts = order.event_start.reindex(shown.recording).array
    shown["step"] = np.floor((shown.window_start.array - starts).total_seconds()
                             / window_s).astype(int)
    grid = shown.pivot(index="recording", columns="step", values="score").reindex(order.index)
    grid = grid.reindex(columns=range(grid.columns.min(), grid.columns.max() + 1))
    fig = style.figure(0.8 + 0.19 * len(grid))
    ax = fig.subplots()
    _draw(ax, grid, threshold, window_s)
    _dress(ax, grid, order, window_s)
    style.headline(fig, _title(grid, order, threshold, window_s), (
        f"System score of each {window_s:g} s window against the alarm threshold "
        f"{style.brief(threshold)}: white to grey below it, orange at or over it, darker is "
        "more. Lines: beginning and end of what was planted (of a control the same time, nothing "
        "planted). Counted is an incident's alarm between the lines, a disturbance's or control's "
        "from the first on. False alarms an hour count what comes before the first line, and all "
        f"in disturbances and controls. {source}").strip())
    return fig


def _draw(ax: Axes, grid: pd.DataFrame, threshold: float, window_s: float) -> None:
    ratio = grid.to_numpy() / threshold
    x = np.arange(grid.shape[1] + 1) * window_s + grid.columns[0] * window_s
    y = np.arange(len(grid) + 1) - 0.5
    for inside, colors, low, high in ((ratio < 1, _BELOW, 0.0, 1.0), (ratio >= 1, _ABOVE, 1, 10)):
        cells = np.ma.masked_where(~inside, np.clip(ratio, low, high))
        scaled = cells if high == 1.0 else np.log10(cells)
        ax.pcolormesh(x, y, scaled, cmap=style.colormap(colors), vmin=0, vmax=1,
                      edgecolors=style.PAPER, linewidth=0.4)


def _dress(ax: Axes, grid: pd.DataFrame, order: pd.DataFrame, window_s: float) -> None:
    for at, row in enumerate(order.itertuples()):
        for seconds in (0.0, (row.event_end - row.event_start).total_seconds()):
            ax.plot([seconds] * 2, [at - 0.5, at + 0.5], color=style.INK, lw=1.2)
    roles = order.role.to_numpy()
    for last in np.flatnonzero(roles[1:] != roles[:-1]):
        ax.axhline(float(last) + 0.5, color=style.INK, lw=0.6)
    ax.set_yticks(range(len(grid)), list(order.label), fontsize=7.5)
    ax.set(ylim=(len(grid) - 0.5, -0.5), xlabel="seconds from the beginning of what was planted")
    ax.tick_params(axis="y", length=0)
    style.bare(ax)
    for role in dict.fromkeys(order.role):
        of = np.flatnonzero(order.role == role)
        ax.text(1.01, of.mean(), role + "s", rotation=270, va="center", fontsize=8,
                transform=ax.get_yaxis_transform(), color=style.GREY)


def _title(grid: pd.DataFrame, order: pd.DataFrame, threshold: float, window_s: float) -> str:
    after = grid.loc[:, grid.columns >= 0]
    lasts = ((order.event_end - order.event_start).dt.total_seconds() / window_s).to_numpy()
    within = after.columns.to_numpy()[None, :] < lasts[:, None]
    # of an incident what is over after its end is recovery, no alarm of it
    counted = within | (order.role != "incident").to_numpy()[:, None]
    alarmed = ((after >= threshold) & counted).any(axis=1)
    parts = [f"{int(alarmed[order.role == role].sum())} of "
             f"{style.count(int((order.role == role).sum()), role)}"
             for role in dict.fromkeys(order.role)]
    raised = f"{' and '.join([', '.join(parts[:-1]), parts[-1]][len(parts) == 1:])} raise an alarm"
    early = int((grid.loc[:, grid.columns < 0] >= threshold).any(axis=1).sum())
    return (f"{raised}; {early} of {style.count(len(grid), 'recording')} "
            "raise a false one before")
