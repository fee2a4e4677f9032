"""Who calls whom, how often, and which service a request loses its time in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import networkx as nx
import numpy as np
import pandas as pd

from aiops.errors import InputError
from aiops.evidence import spans
from aiops.plots import layout, style
from aiops.plots import sheet as sheets
from aiops.plots.sheet import ARROW, BOX_H, LINE_H, MARGIN, MOST, Sheet

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SLOWER_BY_MS = 2.0  # a doubled median below this is noise of the clock
_ADDED_FROM, _FAILED_FROM = 0.10, 0.01  # shares, of a request's time and of requests, that count
_OTHERS = "others"


@style.picture
def service_graph(traces: pd.DataFrame, before: pd.DataFrame | None = None,
                  source: str = "") -> Figure:
    """Draw the calls of ``traces``; with ``before``, what changed since.

    Args:
        traces: Case traces of the time looked at; box: mean ms a request spends there.
        before: Case traces of normal operation; box: ms added to a request, and the share of
            requests in which an error begins there; line orange where the median call more
            than doubled or calls fail that did not.
        source: what is drawn, for the line under the title ("shop, 2026-11-25").
    """
    if traces.empty:
        raise InputError("service_graph got no spans. Widen the window, or check the lake "
                         "with `aiops lake info`.")
    now = spans.prepare(traces)
    then = None if before is None else spans.prepare(before)
    boxes, edges = _boxes(now, then), _edges(now, then)
    title, text = _words(now, then, boxes, edges)
    graph = _fold(nx.from_pandas_edgelist(edges, "caller", "callee", edge_attr=True,
                                          create_using=nx.DiGraph), boxes.heat)
    return _draw(graph, boxes, then is not None, title, f"{text} {source}".strip())


def _boxes(now: pd.DataFrame, then: pd.DataFrame | None) -> pd.DataFrame:
    """A row a service: ms (spent, or added), failed (share of requests), heat (0 to 1)."""
    out = pd.DataFrame({"ms": spans.time_by_service(now), "failed": spans.failures(now)})
    if then is not None:
        usual = pd.DataFrame({"ms": spans.time_by_service(then), "failed": spans.failures(then)})
        out = out.fillna(0.0).sub(usual.fillna(0.0), fill_value=0.0)
    out = out.fillna(0.0)
    out.loc[out.failed < _FAILED_FROM, "failed"] = 0.0
    heat = out.clip(lower=0.0)
    if then is not None and not _slower(out, then):  # a fraction of a millisecond is no finding
        heat["ms"] = 0.0
    return out.assign(heat=(heat / heat.max().clip(lower=1e-9)).max(axis=1))


def _slower(boxes: pd.DataFrame, then: pd.DataFrame) -> bool:
    return bool(boxes.ms.max() >= _ADDED_FROM * spans.time_by_service(then).sum())


def _edges(now: pd.DataFrame, then: pd.DataFrame | None) -> pd.DataFrame:
    edges = spans.calls(now)
    seconds = max((now.start_ns.max() - now.start_ns.min()) / 1e9, 1.0)
    edges["per_s"] = edges.calls / seconds
    usual = edges if then is None else spans.calls(then)
    key = ["caller", "callee"]
    edges = edges.merge(usual[[*key, "p50_ms", "failed_share"]], "left", key,
                        suffixes=("", "_before"))
    edges["slower"] = ((edges.p50_ms > 2 * edges.p50_ms_before)
                       & (edges.p50_ms - edges.p50_ms_before > _SLOWER_BY_MS))
    edges["fails"] = edges.failed_share - edges.failed_share_before.fillna(0.0) >= _FAILED_FROM
    edges["worse"] = edges.slower | edges.fails
    return edges


def _words(now: pd.DataFrame, then: pd.DataFrame | None, boxes: pd.DataFrame,
           edges: pd.DataFrame) -> tuple[str, str]:
    worst, top = style.shorten(str(boxes.ms.idxmax())), boxes.ms.max()
    n = style.count(now.trace_id.nunique(), "request")
    if then is None:
        title = (f"{worst} takes {style.brief(top)} of the {style.brief(boxes.ms.sum())} ms "
                 "of a request's time")
        return title, (f"Box: mean time a request spends on the service ({n}). "
                       "Line: calls per second.")
    found = []
    if _slower(boxes, then):
        found.append(f"{worst} adds {style.brief(top)} ms to a request{_aside(boxes, edges)}")
    if boxes.failed.any():
        found.append(f"errors begin at {style.shorten(str(boxes.failed.idxmax()))}, "
                     f"in {style.percent(boxes.failed.max())} more of the requests")
    title = "; ".join(found) or (f"No service adds more than {style.brief(max(top, 0))} ms "
                                 "to a request")
    return title[0].upper() + title[1:] if title.startswith("errors") else title, (
        f"Box: mean time a request spends on the service, now less before "
        f"({then.trace_id.nunique():,} requests before, {n} now).\n"
        "Line: calls per second; orange where the median call more than doubled, or calls fail "
        "that did not.")


def _aside(boxes: pd.DataFrame, edges: pd.DataFrame) -> str:
    below = edges[edges.caller == boxes.ms.idxmax()]
    if below.empty:
        return ""
    slow = [style.shorten(c) for c in below.callee[below.slower]]
    return f"; its calls of {', '.join(slow)} are slower" if slow else \
        "; what it calls is not slower"


# --- folding what does not fit ---------------------------------------------------------------
def _fold(graph: nx.DiGraph, blame: pd.Series) -> nx.DiGraph:
    """Keep the ways from the entries to the suspects with their neighbours, fold the rest."""
    graph.add_nodes_from(blame.index)
    if len(graph) <= MOST:
        return graph
    keep: set[str] = set()
    for more in _by_interest(graph, blame):
        if len(keep | more) >= MOST:
            break
        keep |= more
    others = f"{len(graph) - len(keep)} {_OTHERS}"
    return _merge(graph, {n: n if n in keep else others for n in graph})


def _by_interest(graph: nx.DiGraph, blame: pd.Series) -> Iterator[set[str]]:
    suspects = [n for n in blame.sort_values(ascending=False, kind="stable").index if n in graph]
    entries = [n for n in graph if not graph.in_degree(n)]
    for node in suspects[:3]:
        ways = [nx.shortest_path(graph, e, node) for e in entries if nx.has_path(graph, e, node)]
        yield {node, *(min(ways, key=len) if ways else [])}
    for node in suspects[:3]:
        yield from ({m} for m in sorted(nx.all_neighbors(graph, node)))
    yield from ({n} for n in suspects)


def _merge(graph: nx.DiGraph, name: dict[str, str]) -> nx.DiGraph:
    out = nx.DiGraph()
    out.add_nodes_from(name.values())
    for a, b, data in graph.edges(data=True):
        pair = name[a], name[b]
        if pair[0] == pair[1]:
            continue
        if out.has_edge(*pair):
            out.edges[pair]["per_s"] += data["per_s"]
            out.edges[pair].update(worse=False, slower=False, fails=False)  # it stands for many
        else:
            out.add_edge(*pair, **data)
    return out


# --- drawing -----------------------------------------------------------------------------
def _draw(graph: nx.DiGraph, boxes: pd.DataFrame, change: bool, title: str, text: str) -> Figure:
    height = {n: _box_height(graph, n) for n in graph}
    plan = layout.layered(graph, {n: h + MARGIN for n, h in height.items()})
    sheet = sheets.sheet(plan, height)
    fig, ax = sheets.blank(sheet)
    _lines(ax, graph, plan, sheet)
    for node in graph:
        _box(ax, node, sheet, boxes.loc[node] if node in boxes.index else None, change)
    style.headline(fig, title, text)
    return fig


def _box_height(graph: nx.DiGraph, node: str) -> float:
    """High enough for the labels of the calls that come in."""
    return max(BOX_H, 0.06 + sum(_lines_of(d) * LINE_H for *_, d in graph.in_edges(node, True)))


def _lines_of(edge: dict[str, Any]) -> int:
    return 1 + int(edge["slower"]) + int(edge["fails"])


def _lines(ax: Axes, graph: nx.DiGraph, plan: layout.Layout, sheet: Sheet) -> None:
    busiest = max((d["per_s"] for *_, d in graph.edges(data=True)), default=1.0)
    width = {e: 0.8 + 5 * float(np.sqrt(graph.edges[e]["per_s"] / busiest)) for e in plan.bends}
    leave = sheets.ports(sheet, plan.bends, 0, {e: width[e] + 2 for e in plan.bends})
    enter = sheets.ports(sheet, plan.bends, 1, {e: _lines_of(graph.edges[e]) for e in plan.bends})
    for edge in sorted(plan.bends, key=lambda e: -width[e]):
        way = sheets.way(sheet, edge, plan.bends[edge], leave[edge], enter[edge])
        _line(ax, way, graph.edges[edge], width[edge], sheet.gap)


def _line(ax: Axes, way: list, data: dict[str, Any], width: float, gap: float) -> None:
    worse, tip = bool(data["worse"]), way[-1]
    sheets.arrow(ax, way, style.ACCENT if worse else style.LINE, width, worse)
    _label(ax, tip, data, gap - ARROW)


def _label(ax: Axes, tip: tuple[float, float], data: dict[str, Any], room: float) -> None:
    worse, lines = bool(data["worse"]), [f"{style.brief(data['per_s'])}/s"]
    weight, size = "bold" if worse else "normal", 7.5
    if data["slower"]:
        lines.append(f"{style.brief(data['p50_ms_before'])}→{style.brief(data['p50_ms'])} ms")
    if data["fails"]:
        lines.append(f"{style.percent(data['failed_share'])} fail")
    label, size = "\n".join(lines), min(style.fit(line, room, size, weight) for line in lines)
    ax.text(tip[0] - ARROW, tip[1], label, ha="right", va="center", fontsize=size,
            linespacing=1.05, color=style.ACCENT if worse else style.INK, fontweight=weight,
            zorder=6, bbox={"boxstyle": "square,pad=0.04", "fc": style.PAPER, "ec": "none",
                            "alpha": 0.8})


def _box(ax: Axes, node: str, sheet: Sheet, told: pd.Series | None, change: bool) -> None:
    from matplotlib.patches import FancyBboxPatch

    (x, y), width, height = sheet.at[node], sheet.box_w, sheet.height[node]
    share = float(told.heat) if told is not None else 0.0
    fill = style.colormap(style.BLAME)(share) if change else style.WASH
    ax.add_patch(FancyBboxPatch(
        (x - width / 2, y - height / 2), width, height, boxstyle="round,pad=0,rounding_size=0.08",
        fc=fill, ec=style.INK if share > 0.5 else style.GREY, lw=1.4 if share > 0.5 else 0.8,
        zorder=5))
    ink = style.PAPER if change and share > 0.75 else style.INK
    name = style.shorten(node, 18)
    ax.text(x, y + (0.09 if told is not None else 0), name, ha="center", va="center",
            fontsize=style.fit(name, width - 0.1, 9, "bold"), fontweight="bold", color=ink,
            zorder=6)
    if told is not None:
        words = f"{style.signed(told.ms) if change else style.brief(told.ms)} ms"
        words += f", {style.percent(told.failed)} fail" if told.failed > 0 else ""
        ax.text(x, y - 0.12, words, ha="center", va="center", color=ink, zorder=6,
                fontsize=style.fit(words, width - 0.1, 8))
