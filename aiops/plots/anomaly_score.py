"""Anomaly score over time, with what was labelled, what alarmed, and what carried it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from aiops.errors import InputError
from aiops.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Run = tuple[int, int]  # first and last position, inclusive
_DEEP = 100.0  # times below the threshold: how quiet it is down there is not drawn


@style.picture
def anomaly_score(score: pd.Series, threshold: float, events: pd.DataFrame,
                  parts: pd.DataFrame | None = None, join: int = 0,
                  source: str = "") -> Figure:
    """Draw scores of consecutive windows against a threshold.

    Windows stand side by side; where time jumps (another recording) a thin line stands.

    Args:
        score: index = window start (UTC), value = score, higher is more anomalous.
        threshold: an alarm is a score at or over it.
        events: labelled incidents, columns start and end.
        parts: windows x features, the share of the score each carried; optional.
        join: alarms at most so many windows apart are one.
        source: what is drawn, for the line under the title.
    """
    if score.empty:
        raise InputError("anomaly_score got no windows. Check the features that were scored.")
    order = np.argsort(score.index.to_numpy(), kind="stable")
    score = score.iloc[order]
    parts = None if parts is None else parts.iloc[order]
    truth = _covered(score.index, events)
    named, alarms = runs(truth), _joined(runs((score >= threshold).to_numpy()), join)
    found = [any(_meet(e, a) for a in alarms) for e in named]
    right = [any(_meet(e, a) for e in named) for a in alarms]
    fig = style.figure(4.2 if parts is not None and alarms else 2.8)
    ratios = [2.5, 0.5, 1.75] if parts is not None and alarms else [2.5, 0.5]
    panels = fig.subplots(len(ratios), 1, height_ratios=ratios)
    _curve(panels[0], score, threshold, named)
    _strips(panels[1], len(score), (named, found), (alarms, right))
    if parts is not None and alarms:
        _carried(panels[2], panels[1], score, parts, alarms, right)
    strips = "strips: what was labelled (hollow: missed) and what alarmed (grey: false)" if named \
        else "strip: what alarmed, all of it false"
    text = f"{len(score):,} windows. Dashed: alarm threshold; {strips}. {source}"
    style.headline(fig, _title(found, right, len(score)), text.strip())
    return fig


def _title(found: list[bool], right: list[bool], windows: int) -> str:
    false = len(right) - sum(right)
    if not found:
        return (f"{style.count(false, 'alarm')} in {windows:,} windows in which nothing was "
                "labelled")
    told = f"{sum(found)} of {len(found)} events found" if len(found) > 1 else \
        f"The event is {'found' if found[0] else 'missed'}"
    return f"{told}, {style.count(false, 'false alarm')} in {windows:,} windows"


def runs(flag: np.ndarray) -> list[Run]:
    """(first, last) of each run of true, inclusive."""
    edge = np.diff(np.r_[0, np.asarray(flag, int), 0])
    last = np.flatnonzero(edge == -1) - 1
    return [(int(a), int(b)) for a, b in zip(np.flatnonzero(edge == 1), last, strict=True)]


def _joined(alarms: list[Run], join: int) -> list[Run]:
    out: list[Run] = []
    for a, b in alarms:
        if out and a - out[-1][1] - 1 <= join:
            out[-1] = (out[-1][0], b)
        else:
            out.append((a, b))
    return out


def _covered(index: pd.Index, events: pd.DataFrame) -> np.ndarray:
    flag = np.zeros(len(index), bool)
    for event in events.itertuples():
        flag |= (index >= event.start) & (index < event.end)
    return flag


def _meet(a: Run, b: Run) -> bool:
    return a[0] <= b[1] and b[0] <= a[1]


def _curve(ax: Axes, score: pd.Series, threshold: float, named: list[Run]) -> None:
    from matplotlib.ticker import LogLocator, NullLocator

    x, floor = np.arange(len(score)), max(1e-9, float(score[score > 0].min()))
    value = score.clip(lower=floor).to_numpy()
    low, high = max(0.8 * floor, threshold / _DEEP), 1.4 * max(value.max(), threshold)
    for a, b in named:
        ax.axvspan(a - 0.5, b + 0.5, color=style.TINT, lw=0, zorder=0)
    ax.plot(x, value, color=style.STEEL, lw=0.7, zorder=2)
    ax.plot(x, np.where(value >= threshold, value, np.nan), ".-", ms=3, color=style.ACCENT,
            lw=1.4, zorder=3)
    ax.axhline(threshold, color=style.INK, lw=0.9, ls=(0, (4, 2)), zorder=4)
    ax.text(1.005, threshold, f"threshold {style.brief(threshold)}", va="center", fontsize=8,
            transform=ax.get_yaxis_transform())
    ax.set(yscale="log", ylabel="anomaly score (log)", xlim=(-0.5, len(score) - 0.5),
           ylim=(low, high))
    ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(lambda v, _: f"{v:g}")
    _times(ax, score.index)


def _times(ax: Axes, index: pd.Index) -> None:
    """Ticks where the time stands, and a thin line where it jumps."""
    step = pd.Series(index).diff()
    for jump in np.flatnonzero(step > 3 * step.median()):
        ax.axvline(jump - 0.5, color=style.PALE, lw=0.6, zorder=1)
    at = np.unique(np.linspace(0, len(index) - 1, 7).astype(int))
    short = index[-1] - index[0] < pd.Timedelta("1h")
    ax.set_xticks(at, [index[i].strftime("%H:%M:%S" if short else "%m-%d %H:%M") for i in at])


def _strips(ax: Axes, n: int, labelled: tuple[list[Run], list[bool]],
            alarmed: tuple[list[Run], list[bool]]) -> None:
    thin = 0.003 * n
    for (a, b), ok in zip(*labelled, strict=True):
        ax.barh(1, max(b + 1 - a, thin), left=a - 0.5, height=0.6, lw=1, ec=style.ACCENT,
                fc="#f0955a" if ok else style.PAPER)
    for (a, b), ok in zip(*alarmed, strict=True):
        ax.barh(0, max(b + 1 - a, thin), left=a - 0.5, height=0.6,
                color=style.INK if ok else "#a9a9a9")
    ax.set(yticks=[0, 1], yticklabels=["alarms", "labelled"], ylim=(-0.7, 1.5), xticks=[],
           xlim=(-0.5, n - 0.5))
    rows = [(0, alarmed[1], "{} right, {} false"), (1, labelled[1], "{} found, {} missed")]
    if not labelled[0]:
        ax.set(yticks=[0], yticklabels=["alarms"])
        rows = [(0, alarmed[1], "{1} false")]
    for y, good, words in rows:
        ax.text(1.005, y, words.format(sum(good), len(good) - sum(good)), va="center", fontsize=8,
                transform=ax.get_yaxis_transform())
    ax.tick_params(axis="y", length=0)
    style.bare(ax)


def _carried(ax: Axes, strip: Axes, score: pd.Series, parts: pd.DataFrame, alarms: list[Run],
             right: list[bool], most: int = 6) -> None:
    """For the alarms with the highest scores, the three features that carried them."""
    from matplotlib.patches import ConnectionPatch

    peak = [float(score.iloc[a:b + 1].max()) for a, b in alarms]
    chosen = sorted(sorted(range(len(alarms)), key=lambda k: -peak[k])[:most])
    ax.set(xlim=(0, most), ylim=(3.1, -1.6), xticks=[], yticks=[])
    ax.set_ylabel("feature, share\nof the score", fontsize=8.5)
    style.bare(ax)
    for place, k in enumerate(chosen):
        (a, b), color = alarms[k], style.INK if right[k] else style.GREY
        link = ConnectionPatch((a, -0.7), (place + 0.04, -1.15), strip.transData, ax.transData,
                               color="#b5b5b5", lw=0.7)
        link.set_in_layout(False)
        ax.figure.add_artist(link)
        word = "" if right[k] else "false "
        ax.text(place + 0.04, -0.75, f"{word}{score.index[a]:%m-%d %H:%M}", fontsize=7.2,
                color=color, va="center", fontweight="bold" if right[k] else "normal")
        top = parts.iloc[a:b + 1].mean().sort_values(ascending=False, kind="stable")[:3]
        for row, (name, share) in enumerate(top.items()):
            ax.barh(row, share * 0.9, left=place + 0.04, height=0.86, zorder=1,
                    color="#f6c9aa" if right[k] else "#e3e6e9")
            ax.text(place + 0.07, row, f"{str(name)[:17]} {share:.0%}", fontsize=6.6,
                    va="center", color=color, zorder=2)
