"""What changed around an incident: a row a suspect, a column a metric, one log axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from aiops.errors import InputError
from aiops.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Window = tuple[pd.Timestamp, pd.Timestamp]
_FLOOR, _CEILING = 1 / 6, 200.0


@style.picture
def evidence(metrics: pd.DataFrame, normal: Sequence[Window], abnormal: Window,
             suspects: Sequence[str], names: Sequence[str] | None = None,
             source: str = "") -> Figure:
    """Draw each metric over its median in ``normal``.

    Args:
        metrics: Case metrics (time, service, name, value, unit?).
        normal, abnormal: half-open windows.
        suspects: services, the first is the one pointed at.
        names: metrics, one column each; without, the four whose median moved most at the
            first suspect.
        source: what is drawn, for the line under the title.
    """
    if names is None:
        names = _telling(metrics[metrics.service == suspects[0]], normal, abnormal)
    inside = metrics[metrics.service.isin(suspects) & metrics.name.isin(names)]
    if inside.empty:
        raise InputError(f"evidence found none of the metrics {', '.join(names)} for "
                         f"{', '.join(suspects)}. Names seen: "
                         f"{', '.join(sorted(metrics.name.unique())[:20])}.")
    fig = style.figure(1.35 + 0.70 * len(suspects))
    axes = fig.subplots(len(suspects), len(names), sharex=True, sharey=True, squeeze=False)
    hot = [(s, n) for i, s in enumerate(suspects) for j, n in enumerate(names)
           if _panel(axes[i, j], _series(inside, s, n), normal, abnormal)]
    _dress(axes, inside, suspects, names)
    style.headline(fig, _title(suspects, names, hot), (
        "Value over its median before (log axis, the same in every panel); in the panel the "
        "median before → during. Orange: at least doubled or halved, and outside all that was "
        f"seen before. {source}").strip())
    return fig


def _telling(metrics: pd.DataFrame, normal: Sequence[Window], abnormal: Window,
             most: int = 4) -> list[str]:
    """Names of the metrics whose median changed by the largest factor, most first."""
    def medians(windows: Sequence[Window]) -> pd.Series:
        rows = pd.concat([metrics[(metrics.time >= a) & (metrics.time < b)] for a, b in windows])
        return rows.groupby("name").value.median()
    before, during = medians(normal), medians([abnormal])
    moved = np.log(during[during > 0] / before[before > 0]).abs().dropna()
    return [str(name) for name in moved.sort_values(ascending=False, kind="stable").index[:most]]


def _series(metrics: pd.DataFrame, service: str, name: str) -> pd.Series:
    rows = metrics[(metrics.service == service) & (metrics.name == name)]
    return rows.groupby("time").value.mean()


def _title(suspects: Sequence[str], names: Sequence[str], hot: list[tuple[str, str]]) -> str:
    mine = [n for s, n in hot if s == suspects[0]]
    first = style.shorten(suspects[0])
    if not mine:
        return f"None of the {len(names)} metrics of {first} left what was seen before"
    others = len({s for s, _ in hot} - {suspects[0]})
    title = f"{first}: {len(mine)} of {len(names)} metrics left what was seen before"
    if len(suspects) == 1:
        return title
    return f"{title}; {others} of {len(suspects) - 1} others moved too"


def _panel(ax: Axes, series: pd.Series, normal: Sequence[Window], abnormal: Window) -> bool:
    """Draw one series; true when it moved."""
    ax.axvspan(*abnormal, color=style.TINT, lw=0, zorder=0)
    ax.axhline(1, color=style.PALE, lw=0.9, zorder=1)
    calm = pd.concat([series[(series.index >= a) & (series.index < b)] for a, b in normal])
    during = series[(series.index >= abnormal[0]) & (series.index < abnormal[1])]
    if calm.empty or during.empty:
        ax.text(0.5, 0.5, "no data", transform=ax.transAxes, ha="center", va="center",
                fontsize=7.8, color=style.GREY)
        return False
    base, now = float(calm.median()), float(during.median())
    hot = not calm.min() <= now <= calm.max() and not base / 2 < now < base * 2
    if base > 0:  # a series that was 0 has no ratio; its medians still stand in the panel
        ax.plot(series.index, (series / base).clip(_FLOOR, _CEILING), zorder=3,
                color=style.ACCENT if hot else style.STEEL, lw=1.5 if hot else 1)
    ax.text(0.02, 0.95, f"{style.brief(base)} → {style.brief(now)}", transform=ax.transAxes,
            va="top", fontsize=7.8, color=style.ACCENT if hot else style.GREY, zorder=5,
            fontweight="bold" if hot else "normal")
    return bool(hot)


def _head(name: str, units: Sequence[str], width: int) -> str:
    """A panel's title on two lines at most: the metric and its unit, then its attributes."""
    metric, _, attributes = name.partition("{")
    lines = [f"{metric} ({units[0]})" if units else metric, attributes.rstrip("}")]
    return "\n".join(line if len(line) <= width else line[: width - 1] + "…"
                     for line in lines if line)


def _dress(axes: np.ndarray, metrics: pd.DataFrame, suspects: Sequence[str],
           names: Sequence[str]) -> None:
    from matplotlib.ticker import FixedLocator, NullLocator

    for i, service in enumerate(suspects):
        axes[i, 0].set_ylabel(style.shorten(service), rotation=0, ha="right", va="center",
                              fontsize=8.5, fontweight="normal" if i else "bold")
    for ax, name in zip(axes[0], names, strict=True):
        units = list(metrics.unit[metrics.name == name].dropna()) if "unit" in metrics else []
        ax.set_title(_head(name, units, 104 // len(names)), fontsize=7)
    for ax in axes.flat:
        ax.set(yscale="log", ylim=(_FLOOR, _CEILING))
        ax.yaxis.set_major_locator(FixedLocator([1, 10, 100]))
        ax.yaxis.set_minor_locator(NullLocator())
        ax.yaxis.set_major_formatter(lambda v, _: f"×{v:g}")
        ax.tick_params(labelsize=7.5, length=2)
    span = metrics.time.max() - metrics.time.min()
    for ax in axes[-1]:
        style.clock(ax, "%H:%M" if span > pd.Timedelta("10min") else "%M:%S")
        ax.set_xlabel("")
        ax.xaxis.get_major_locator().maxticks = dict.fromkeys(range(8), 4)
