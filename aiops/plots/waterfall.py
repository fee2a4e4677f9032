"""One trace, span by span: who works, who waits, and what passes in neither."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from aiops.errors import InputError
from aiops.evidence import spans
from aiops.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROWS = 34  # the longest spans and their parents; more do not fit a page
_FOLD_FROM, _FOLD_SHARE = 3, 0.03  # so many like calls in a row, each so short, are one line
_DARK, _LIGHT = "#5b7c99", "#cfd8df"
_HOT_LIGHT, _HOT_PALE = "#f6c9aa", "#fdeee4"


@dataclass
class Row:
    """A line of the picture: a span, or a run of like short calls."""

    span: pd.Series
    depth: int
    run: pd.DataFrame | None = None
    own: list[tuple[float, float]] = field(default_factory=list)  # ms since the trace began


def typical_trace(traces: pd.DataFrame, service: str | None = None) -> pd.DataFrame:
    """The trace of median duration, of those that touch ``service``."""
    inside = traces if service is None else traces[traces.service == service]
    entry = traces[traces.parent_span_id.isna() & traces.trace_id.isin(inside.trace_id)]
    if entry.empty:
        raise InputError(f"no whole trace touches {service!r}. Seen: "
                         f"{', '.join(sorted(traces.service.unique()))}.")
    ranked = entry.sort_values(["duration_ns", "trace_id"], kind="stable")
    chosen = ranked.trace_id.iloc[len(ranked) // 2]
    return traces[traces.trace_id == chosen]


def slowest_trace(traces: pd.DataFrame) -> pd.DataFrame:
    """The trace whose request took longest."""
    entry = traces[traces.parent_span_id.isna()]
    if entry.empty:
        raise InputError("slowest_trace got no request (a span without a parent). "
                         "Widen the window.")
    chosen = entry.sort_values(["duration_ns", "trace_id"], kind="stable").trace_id.iloc[-1]
    return traces[traces.trace_id == chosen]


@style.picture
def waterfall(trace: pd.DataFrame, accent: str | None = None, source: str = "") -> Figure:
    """Draw the spans of one trace.

    Args:
        trace: Case traces of a single trace_id.
        accent: the service to point at; without it, the one the longest stretch belongs to.
        source: what is drawn, for the line under the title.
    """
    if trace.trace_id.nunique() != 1:
        raise InputError(f"waterfall draws one trace, got {trace.trace_id.nunique()}. "
                         "Choose one with typical_trace(traces, service).")
    work = spans.charged(spans.prepare(trace))
    work["at_ms"] = (work.start_ns - work.start_ns.min()) / 1e6
    rows, shown = _rows(work)
    longest = max((r for r in rows if r.run is None), key=_stretch)
    accent = accent or str(longest.span.charged)
    fig = style.figure(0.3 + 0.172 * len(rows))
    names, ax = fig.subplots(1, 2, width_ratios=[2.62, 5.3], sharey=True)
    layout = fig.get_layout_engine()
    layout.set(w_pad=0, wspace=0)  # type: ignore[union-attr,call-arg]
    total = float((work.at_ms + work.duration_ms).max()) or 1e-3
    for i, row in enumerate(rows):
        _bars(ax, i, row, accent, total)
        last = rows[i - 1].span.service if i else None
        _name(names, i, row, accent, repeat=row.span.service == last)
    _axes(names, ax, len(rows), total)
    title = _failure(work, accent, total) or _title(longest, total)
    style.headline(fig, title, _text(work, shown, source))
    return fig


def _failure(work: pd.DataFrame, accent: str, total: float) -> str:
    """Where the request fails: the first span in error none of whose children is; the accent's."""
    wrong = work[work.status_code == "error"]
    begins = wrong[~wrong.span_id.isin(wrong.parent_span_id)]
    mine = begins[(begins.service == accent) | (begins.callee == accent)]
    if begins.empty:
        return ""
    span = (mine if len(mine) else begins).sort_values("at_ms", kind="stable").iloc[0]
    return (f"{_short(str(span.operation))} fails at {style.shorten(span.service)}, "
            f"{style.brief(span.at_ms + span.duration_ms)} ms into the request of "
            f"{style.brief(total)} ms")


def _title(longest: Row, total: float) -> str:
    ms, whole, span = style.brief(_stretch(longest)), style.brief(total), longest.span
    if pd.notna(span.callee):
        return (f"{ms} of {whole} ms pass between {style.shorten(span.service)} and "
                f"{style.shorten(span.callee)}, inside neither" if span.calls == 1 else
                f"{style.shorten(span.service)} waits {ms} of {whole} ms "
                f"for {style.shorten(span.callee)}")
    return f"{style.shorten(span.service)} is at work itself for {ms} of {whole} ms in one stretch"


def _text(work: pd.DataFrame, shown: int, source: str) -> str:
    when = work.start.min().strftime("%Y-%m-%d %H:%M:%S")
    part = f" {shown} of {len(work)} spans, the longest and their parents." \
        if shown < len(work) else f" {style.count(shown, 'span')}."
    return (f"Trace {str(work.trace_id.iloc[0])[:8]}…, {when} UTC. Dark: at work itself; light: "
            f"waiting for its children; hatched: a call under way, the callee not seen busy."
            f"{part} {source}").strip()


# --- which spans, in which order -------------------------------------------------------------
def _rows(work: pd.DataFrame) -> tuple[list[Row], int]:
    """The rows of the picture from the top, and how many spans they stand for."""
    known = set(work.span_id)
    kids = {p: d.sort_values("at_ms") for p, d in work.groupby("parent_span_id")}
    total = work.duration_ms.max()
    keep = _keep(work)
    tops = work[~work.parent_span_id.isin(known)].sort_values("at_ms")
    stack = [Row(span, 0) for _, span in tops.iloc[::-1].iterrows()]
    out: list[Row] = []
    while stack:
        row = stack.pop()
        below = kids.get(row.span.span_id)
        if row.span.span_id in keep:
            row.own = _own(row.span, below)
            out.append(row)
        if row.run is None and below is not None:
            stack += [Row(s, row.depth + 1, run) for s, run in _folded(below, total)][::-1]
    return out, sum(1 if r.run is None else len(r.run) for r in out)


def _keep(work: pd.DataFrame) -> set[str]:
    parent = dict(zip(work.span_id, work.parent_span_id, strict=True))
    keep: set[str] = set()
    for span in work.sort_values("duration_ms", ascending=False, kind="stable").span_id:
        chain = {span}
        while (span := parent[span]) in parent and span not in chain:
            chain.add(span)
        if len(keep | chain) > ROWS:
            break
        keep |= chain
    return keep


def _folded(below: pd.DataFrame, total: float) -> Iterator[tuple[pd.Series, pd.DataFrame | None]]:
    kind = below.service + "/" + below.operation
    for _, run in below.groupby((kind != kind.shift()).cumsum(), sort=False):
        if len(run) >= _FOLD_FROM and run.duration_ms.max() < _FOLD_SHARE * total:
            yield run.iloc[0], run
        else:
            yield from ((span, None) for _, span in run.iterrows())


def _own(span: pd.Series, below: pd.DataFrame | None) -> list[tuple[float, float]]:
    """Stretches of a span that no child covers."""
    at, end = span.at_ms, span.at_ms + span.duration_ms
    out = []
    for kid in () if below is None else below.itertuples():
        if kid.at_ms > at:
            out.append((at, min(kid.at_ms, end)))
        at = max(at, kid.at_ms + kid.duration_ms)
    return [*out, (at, end)] if at < end else out


def _stretch(row: Row) -> float:
    return max((b - a for a, b in row.own), default=0.0)


# --- drawing -----------------------------------------------------------------------------
def _bars(ax: Axes, i: int, row: Row, accent: str, total: float) -> None:
    if row.run is not None:
        return _run(ax, i, row.run, total)
    span, hot = row.span, accent in (row.span.service, row.span.callee)
    ax.barh(i, span.duration_ms, left=span.at_ms, height=0.70, zorder=2,
            color=_HOT_LIGHT if hot else _LIGHT)
    dark = style.ACCENT if hot else _DARK
    for a, b in row.own:
        if pd.notna(span.callee):
            ax.barh(i, b - a, left=a, height=0.70, fc=_HOT_PALE if hot else style.PAPER,
                    ec=style.ACCENT if hot else "#8fa3b3", lw=0.7, hatch="/////", zorder=3)
        else:
            ax.barh(i, b - a, left=a, height=0.70, color=dark, zorder=3)
    if span.duration_ms < 0.004 * total:
        ax.plot([span.at_ms] * 2, [i - 0.35, i + 0.35], color=dark, lw=1.2, zorder=3)
    _label(ax, i, row, total)


def _label(ax: Axes, i: int, row: Row, total: float) -> None:
    span, end = row.span, row.span.at_ms + row.span.duration_ms
    text = f"{style.brief(span.duration_ms)} ms"
    told = f"{text}, fails" if span.status_code == "error" else text
    if span.calls == 1 and pd.notna(span.callee) and _stretch(row) > 0.3 * total:
        a, b = max(row.own, key=lambda part: part[1] - part[0])
        words = f"{style.brief(b - a)} of {text} are in neither service"
        ax.text((a + b) / 2, i, words, ha="center", va="center", fontsize=7.5, zorder=6,
                color=style.ACCENT, fontweight="bold",
                bbox={"boxstyle": "round,pad=0.1", "fc": _HOT_PALE, "ec": "none"})
    elif end < 0.9 * total:
        ax.text(end + 0.006 * total, i, told, va="center", fontsize=7.5, zorder=5)
    else:
        inside = span.duration_ms > 0.2 * total
        ax.text((end if inside else span.at_ms) - 0.006 * total, i, told, ha="right",
                va="center", fontsize=7.5, zorder=5, bbox={
                    "boxstyle": "round,pad=0.12", "fc": style.PAPER, "ec": "none", "alpha": 0.8}
                if inside else None)


def _run(ax: Axes, i: int, run: pd.DataFrame, total: float) -> None:
    ax.barh([i] * len(run), run.duration_ms, left=run.at_ms, height=0.70, fc=_LIGHT,
            ec=style.PAPER, lw=0.6, zorder=2)
    start, end = run.at_ms.min(), (run.at_ms + run.duration_ms).max()
    right = end < 0.7 * total
    words = f"{len(run)} calls in a row, {style.brief(run.duration_ms.sum())} ms together"
    ax.text(end + 0.006 * total if right else start - 0.006 * total, i, words, va="center",
            ha="left" if right else "right", fontsize=7.5, zorder=5)


def _name(names: Axes, i: int, row: Row, accent: str, repeat: bool) -> None:
    span = row.span
    if not repeat:
        names.text(0.01, i, style.shorten(span.service, 15), va="center", fontsize=8,
                   fontweight="bold", in_layout=False,
                   color=style.ACCENT if span.service == accent else style.INK)
    label = _short(str(span.operation))
    label = label if row.run is None else f"{len(row.run)} × {label}"
    room = max(int(24 - 1.1 * row.depth), 8)
    label = label if len(label) <= room else label[: room - 1] + "…"
    names.text(0.40 + 0.028 * min(row.depth, 12), i, label, va="center", fontsize=8,
               in_layout=False)


def _short(operation: str) -> str:
    """An RPC without its package; a route as it is."""
    return operation if " /" in operation else operation.rsplit("/", 1)[-1] or operation


def _axes(names: Axes, ax: Axes, rows: int, total: float) -> None:
    from matplotlib.ticker import MaxNLocator

    ticks = [v for v in MaxNLocator(7, steps=[1, 2, 5, 10]).tick_values(0, total)
             if 0 <= v <= 0.97 * total]
    for panel in (names, ax):
        for i in range(1, rows, 2):
            panel.axhspan(i - 0.5, i + 0.5, color=style.WASH, zorder=0, lw=0)
        panel.tick_params(length=0, labelleft=False)
        style.bare(panel)
    ax.set(ylim=(rows - 0.5, -0.6), xlim=(0, total * 1.002))
    names.set(xlim=(0, 1), xticks=[], yticks=[])
    ax.set_xticks(ticks, [f"{v:g} ms" for v in ticks])
    ax.grid(axis="x", color="#e1e5e8", lw=0.8, zorder=1)
    ax.xaxis.tick_top()
    ax.get_xticklabels()[0].set_horizontalalignment("left")
