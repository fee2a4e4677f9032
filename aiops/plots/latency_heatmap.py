"""Every request counted: time on x, latency on a log y, requests in a cell as colour."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from aiops.errors import InputError
from aiops.evidence import spans
from aiops.plots import style
from aiops.plots.timeline import Timeline, nice_step

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Window = tuple[pd.Timestamp, pd.Timestamp]
_CELLS, _DASHES = 90, 20  # columns of cells, and dashes of the quantiles, over the picture
_PER_DECADE = 20


@style.picture
def latency_heatmap(traces: pd.DataFrame, abnormal: Window | None = None, label: str = "",
                    source: str = "") -> Figure:
    """Draw the latency of every request at the entry.

    Args:
        traces: Case traces; the spans without a parent are the requests.
        abnormal: (start, end) to mark; the title then compares it with the time before.
        label: what the mark is called ("alert", "latency on payment").
        source: what is drawn, for the line under the title.
    """
    entry = spans.roots(traces)
    if len(entry) < 2:
        raise InputError(f"latency_heatmap needs two or more requests (spans without a parent), "
                         f"got {len(entry)}. Widen the window.")
    # a latency of 0 has no place on a log axis: it is drawn at a microsecond
    entry = entry.assign(start=entry.start.dt.as_unit("ns"), ms=entry.duration_ms.clip(lower=1e-3))
    rough_s = Timeline.of(entry.start).drawn_s
    cell_s, dash_s = nice_step(rough_s / _CELLS), nice_step(rough_s / _DASHES)
    line = Timeline.of(entry.start, align_s=cell_s)
    fig = style.figure(2.95)
    ax, bar = fig.subplots(1, 2, width_ratios=[1, 0.016])
    _cells(ax, bar, line, entry, cell_s)
    if abnormal is not None:
        _mark(ax, line, abnormal, label)
    _quantiles(ax, line, entry, dash_s)
    line.dress(ax)
    ax.set_xlabel("time (UTC)", loc="left")
    text = (f"Every request at the entry ({len(entry):,}). "
            f"Lines: p50 and p99 in {dash_s:g} s. {source}")
    style.headline(fig, _title(entry, abnormal), text.strip())
    return fig


def _title(entry: pd.DataFrame, abnormal: Window | None) -> str:
    p50, p99 = entry.ms.quantile([0.5, 0.99])
    if abnormal is None:
        return (f"Half of the requests take under {style.brief(p50)} ms, "
                f"one in a hundred over {style.brief(p99)} ms")
    inside = entry.start.between(*abnormal, inclusive="left")
    now, then = entry.ms[inside], entry.ms[entry.start < abnormal[0]]
    if now.empty or then.empty:
        return (f"{style.count(len(now), 'request')} in the marked time, {len(then):,} before: "
                "nothing to compare")
    limit, gain = _best_limit(now, then)
    if gain < max(0.05, 1.5 * (1 / len(now) + 1 / len(then)) ** 0.5):  # three deviations at most
        return f"Requests are as fast as before: half under {style.brief(now.median())} ms"
    return (f"{style.percent((now > limit).mean())} of requests take over {style.brief(limit)} ms "
            f"({style.percent((then > limit).mean())} before)")


def _best_limit(now: pd.Series, then: pd.Series) -> tuple[float, float]:
    """The round latency that tells the two times apart best, and by what share."""
    limits = [m * 10.0**k for k in range(-3, 6) for m in (1, 2, 5)]
    gain = [(now > x).mean() - (then > x).mean() for x in limits]
    best = int(np.argmax(gain))
    return limits[best], float(gain[best])


def _cells(ax: Axes, bar: Axes, line: Timeline, entry: pd.DataFrame, step_s: float) -> None:
    from matplotlib.colors import LogNorm

    edges = np.arange(0, line.drawn_s + step_s, step_s)
    low = np.floor(np.log10(entry.ms.min()) * _PER_DECADE)
    high = np.ceil(np.log10(entry.ms.max()) * _PER_DECADE) + 1
    levels = 10 ** (np.arange(low, high + 1) / _PER_DECADE)
    counts, _, _ = np.histogram2d(line(entry.start), entry.ms, [edges, levels])
    top = max(counts.max(), 2.0)
    drawn = ax.pcolormesh(edges, levels, np.ma.masked_equal(counts.T, 0), zorder=2,
                          cmap=style.colormap(style.COUNT), norm=LogNorm(1, top), rasterized=True)
    ax.set(yscale="log", xlim=(0, edges[-1]), ylim=(levels[0], levels[-1]),
           ylabel="latency at the entry (ms, log)")
    _levels(ax, wide=high - low > 2.5 * _PER_DECADE)
    ticks = [v for v in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000) if v <= top]
    scale = ax.figure.colorbar(drawn, cax=bar, ticks=ticks)
    scale.set_label(f"requests in a cell ({step_s:g} s × 1/{_PER_DECADE} decade)", fontsize=8)
    bar.yaxis.set_major_formatter(lambda v, _: f"{v:g}")
    bar.minorticks_off()
    scale.outline.set_visible(False)


def _levels(ax: Axes, wide: bool) -> None:
    """Ticks at 1, 10, 100; between them at 2 and 5 where there is room."""
    from matplotlib.ticker import LogLocator, NullLocator

    ax.yaxis.set_major_locator(LogLocator(subs=(1.0,) if wide else (1.0, 2.0, 5.0)))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(lambda v, _: f"{v:g}")


def _mark(ax: Axes, line: Timeline, window: Window, label: str) -> None:
    left, right = line(pd.DatetimeIndex(window))
    ax.axvspan(left, right, color=style.TINT, alpha=0.6, lw=0, zorder=0)
    ax.axvline(left, color=style.ACCENT, lw=1.2, zorder=4)
    late = left > 0.7 * ax.get_xlim()[1]
    ax.text(left, 1.01, label, color=style.ACCENT, transform=ax.get_xaxis_transform(),
            va="bottom", ha="right" if late else "left", fontsize=8.5, fontweight="bold")


def _quantiles(ax: Axes, line: Timeline, entry: pd.DataFrame, dash_s: float) -> None:
    dash = pd.Timedelta(seconds=dash_s)
    levels = entry.groupby(entry.start.dt.floor(dash)).ms.quantile([0.5, 0.99]).unstack()
    left = line(levels.index)
    right = np.minimum(left + dash_s, line(levels.index + dash))
    for quantile, name, va in ((0.5, "p50", "top"), (0.99, "p99", "bottom")):
        value = levels[quantile].to_numpy()
        for color, width, order in ((style.PAPER, 2.8, 5), (style.ACCENT, 1.6, 6)):
            ax.hlines(value, left, right, color=color, lw=width, zorder=order)
        ax.text(1.008, value[-1], name, va=va, fontsize=8.5, color=style.ACCENT,
                transform=ax.get_yaxis_transform())
