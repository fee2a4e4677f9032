"""What changed around an incident: a row a suspect, a column a metric, one log axis."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from aiops.errors import InputError
from aiops.evidence.moves import labels, moves
from aiops.plots import style
from aiops.plots.timeline import Timeline

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Window = tuple[pd.Timestamp, pd.Timestamp]
_FLOOR, _LEAST_TOP, _CEILING = 1 / 6, 12.0, 500.0
_COLUMNS, _HEAD_LINES, _HEAD_SIZE = 4, 3, 6.8


@style.picture
def evidence(metrics: pd.DataFrame, normal: Sequence[Window], abnormal: Window,
             suspects: Sequence[str],
             names: Sequence[str] | Mapping[str, Sequence[str]] | None = None,
             blame: pd.Series | None = None, source: str = "") -> Figure:
    """Draw each metric over its median in ``normal``.

    Args:
        metrics: Case metrics (time, service, name, value, unit?).
        normal, abnormal: half-open windows.
        suspects: the first is the one pointed at; those that send no metrics (an edge, a
            host) are named in the text instead of drawn.
        names: metrics, one column each; a mapping gives each suspect its own; without, each has
            its own four that moved most.
        blame: blame by suspect, written under its name.
        source: what is drawn, for the line under the title.
    """
    shown, asked = metrics[metrics.service.isin(suspects)], suspects
    suspects = [s for s in suspects if (shown.service == s).any()]
    found = {s: moves(shown[shown.service == s], normal, abnormal) for s in suspects}
    own, names = (names, None) if isinstance(names, Mapping) else ({}, names)
    columns = {s: list(names or own.get(s, found[s].index[:_COLUMNS])) for s in suspects}
    if shown[shown.name.isin(sum(columns.values(), []))].empty:
        raise InputError(f"evidence found none of the metrics {', '.join(names or ['(any)'])} for "
                         f"{', '.join(asked)}. Names seen: "
                         f"{', '.join(sorted(metrics.name.unique())[:20])}.")
    silent = [s for s in asked if s not in suspects]
    width = max(map(len, columns.values()))
    fig = style.figure(0.30 + (0.58 if names else 1.02) * len(suspects) + (0.5 if names else 0.0))
    axes = fig.subplots(len(suspects), width, sharex=True, sharey=True, squeeze=False)
    fig.get_layout_engine().set(h_pad=0.02, hspace=0.03)  # type: ignore[union-attr,call-arg]
    line = Timeline.of(shown.time)
    for i, suspect in enumerate(suspects):
        mine = shown[shown.service == suspect]
        for j, ax in enumerate(axes[i]):
            if j >= len(columns[suspect]):
                ax.axis("off")
                continue
            _panel(ax, line, mine, found[suspect], columns[suspect][j], (normal, abnormal),
                   _head(columns[suspect][j], mine, width) if i == 0 or not names else "")
        _side(axes[i, 0], suspect, blame, first=i == 0)
    _dress(axes, line)
    _scale(axes)
    title = _shared_title(suspects, names, found) if names else _title(suspects, found)
    if asked[0] in silent:
        title = f"{style.shorten(asked[0])} sends no metrics. {title}"
    style.headline(fig, title, _text(blame, silent, source))
    return fig


def _title(suspects: Sequence[str], found: dict[str, pd.DataFrame]) -> str:
    first, own = style.shorten(suspects[0]), found[suspects[0]]
    part = {s: f"{int(f.moved.sum())} of {len(f)}" for s, f in found.items()}
    title = f"{first}: {_of(own.moved.sum(), len(own))} left what was seen before" \
        if own.moved.any() else _none(len(own), first)
    rest = [f"{style.shorten(s)} {part[s]}" for s in suspects[1:]]
    return f"{title}; {', '.join(rest)}" if rest else title


def _shared_title(suspects: Sequence[str], names: Sequence[str],
                  found: dict[str, pd.DataFrame]) -> str:
    moved = {s: int(f.moved.reindex(names, fill_value=False).sum()) for s, f in found.items()}
    first = style.shorten(suspects[0])
    if not moved[suspects[0]]:
        return _none(len(names), first)
    title = f"{first}: {_of(moved[suspects[0]], len(names))} left what was seen before"
    if len(suspects) == 1:
        return title
    others = sum(1 for s in suspects[1:] if moved[s])
    return f"{title}; {others} of {len(suspects) - 1} others moved too"


def _of(moved: int, all_of: int) -> str:
    return f"{moved} of {style.count(all_of, 'metric')}"


def _none(metrics: int, suspect: str) -> str:
    told = "The one metric" if metrics == 1 else f"None of the {metrics} metrics"
    return f"{told} of {suspect} {'stayed within' if metrics == 1 else 'left'} what was seen before"


def _text(blame: pd.Series | None, silent: Sequence[str], source: str) -> str:
    aside = f" No metrics of their own: {', '.join(silent)}." if silent else ""
    ranked = "" if blame is None else "Suspects with their blame, most first. "
    return (f"{ranked}Value over its median before (one log axis for all); above it the median "
            "before → during. Orange: at least doubled or halved, and outside all that was seen "
            f"before.{aside} {source}").strip()


# --- one panel ---------------------------------------------------------------------------
def _panel(ax: Axes, line: Timeline, mine: pd.DataFrame, found: pd.DataFrame, name: str,
           windows: tuple[Sequence[Window], Window], head: str) -> None:
    ax.axvspan(*line(pd.DatetimeIndex(windows[1])), color=style.TINT, lw=0, zorder=0)
    ax.axhline(1, color=style.PALE, lw=0.9, zorder=1)
    ax.set_title(head, fontsize=_HEAD_SIZE, fontweight="normal", pad=12, linespacing=1.1)
    if name not in found.index:
        ax.text(0.02, 0.88, "no data", transform=ax.transAxes, va="top", fontsize=7.8,
                color=style.GREY)
        return
    row, rows = found.loc[name], mine[mine.name == name]
    color = style.ACCENT if row.moved else style.STEEL
    _draw_series(ax, line, rows.groupby("time").value.mean(), float(row.before or 0), color)
    ax.text(0, 1.03, _change(row, _unit(rows)), transform=ax.transAxes, va="bottom", fontsize=8,
            color=color if row.moved else style.GREY, fontweight="bold" if row.moved else "normal")


def _draw_series(ax: Axes, line: Timeline, series: pd.Series, base: float, color: str) -> None:
    """A line over the median before; where that was none or 0, a dot for each value."""
    stretch = line.split(series.index)
    for k in np.unique(stretch):
        part = series[stretch == k]
        if base > 0:
            ax.plot(line(part.index), (part / base).clip(_FLOOR, _CEILING), zorder=3, color=color,
                    lw=1.4 if color == style.ACCENT else 1)
        else:
            seen = part[part > 0]
            ax.plot(line(seen.index), np.full(len(seen), 3.0), ".", ms=4, color=color, zorder=3)


def _change(row: pd.Series, unit: str) -> str:
    ends = [0.0 if pd.isna(v) else float(v) for v in (row.before, row.during)]
    if unit == "s" and max(ends) < 1:
        ends, unit = [1000 * v for v in ends], "ms"
    before, during = (style.brief(e) for e in ends)
    if pd.isna(row.during):
        return f"{before} {unit}".rstrip() + " → none"
    return f"{'none' if pd.isna(row.before) else before} → {during} {unit}".rstrip()


def _unit(rows: pd.DataFrame) -> str:
    """As OTLP writes it; a dimensionless 1 or {request} goes without."""
    units = rows.unit.dropna() if "unit" in rows else pd.Series(dtype=str)
    unit = str(units.iloc[0]) if len(units) else ""
    return "" if unit == "1" or unit.startswith("{") else {"By": "bytes"}.get(unit, unit)


def _head(name: str, mine: pd.DataFrame, columns: int) -> str:
    """The metric, then what tells this series from its like, wrapped to the panel."""
    metric, telling = labels([name], mine.name.unique())[name]
    room = int(118 / columns)
    lines = [*_wrap(metric, room), *(_wrap(telling, room) if telling else [])]
    if len(lines) > _HEAD_LINES:
        lines = [*lines[:_HEAD_LINES - 1], lines[_HEAD_LINES - 1][: room - 1] + "…"]
    return "\n".join(lines)


def _wrap(text: str, room: int) -> list[str]:
    """Lines broken after a dot, slash, dash or space."""
    lines = [""]
    for piece in re.split(r"(?<=[._/ -])", text):
        if lines[-1] and len(lines[-1] + piece.rstrip()) > room:
            lines.append("")
        lines[-1] += piece
    return [line.rstrip() if len(line.rstrip()) <= room else line[: room - 1] + "…"
            for line in lines]


# --- axes --------------------------------------------------------------------------------
def _side(ax: Axes, suspect: str, blame: pd.Series | None, first: bool) -> None:
    words = style.shorten(suspect, 15)
    if blame is not None and suspect in blame.index:
        words += f"\n{style.brief(float(blame[suspect]))}"
    ax.set_ylabel(words, rotation=0, ha="right", va="center", fontsize=8.5,
                  fontweight="bold" if first else "normal")


def _dress(axes: np.ndarray, line: Timeline) -> None:
    for ax in axes.flat:
        ax.tick_params(labelsize=7.5, length=2)
    for ax in axes[-1]:
        line.dress(ax, ticks=3)
    for ax in axes[:-1].flat:
        ax.tick_params(labelbottom=False)


def _scale(axes: np.ndarray) -> None:
    from matplotlib.ticker import FixedLocator, NullLocator

    top = max((float(np.max(line.get_ydata())) for ax in axes.flat for line in ax.get_lines()
               if len(line.get_ydata())), default=1.0)
    for ax in axes.flat:
        ax.set(yscale="log", ylim=(_FLOOR, min(max(1.5 * top, _LEAST_TOP), _CEILING)))
        ax.yaxis.set_major_locator(FixedLocator([1, 10, 100]))
        ax.yaxis.set_minor_locator(NullLocator())
        ax.yaxis.set_major_formatter(lambda v, _: f"×{v:g}")
