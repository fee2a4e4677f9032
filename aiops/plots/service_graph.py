"""Who calls whom, how often, and which service a request loses its time in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import networkx as nx
import numpy as np
import pandas as pd

from aiops.errors import InputError
from aiops.plots import layout, spans, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BOX_W, BOX_H, STEP_X, STEP_Y = 1.22, 0.50, 2.02, 0.68  # inches on paper
MOST = 25  # boxes a reader can take in; the rest is folded into one
_SLOWER_BY_MS = 2.0  # a doubled median below this is noise of the clock
_OTHERS = "others"


@style.picture
def service_graph(traces: pd.DataFrame, before: pd.DataFrame | None = None,
                  source: str = "") -> Figure:
    """Draw the calls of ``traces``; with ``before``, what changed since.

    Args:
        traces: Case traces of the time looked at; box: mean ms a request spends there.
        before: Case traces of normal operation; box: ms added to a request, line orange
            where the median call more than doubled.
        source: what is drawn, for the line under the title ("shop, 2026-11-25").
    """
    if traces.empty:
        raise InputError("service_graph got no spans. Widen the window, or check the lake "
                         "with `aiops lake info`.")
    now = spans.prepare(traces)
    then = None if before is None else spans.prepare(before)
    blame, edges = _blame(now, then), _edges(now, then)
    title, text = _words(now, then, blame, edges)
    graph = _fold(nx.from_pandas_edgelist(edges, "caller", "callee", edge_attr=True,
                                          create_using=nx.DiGraph), blame)
    return _draw(graph, blame, then is not None, title, f"{text} {source}".strip())


def _blame(now: pd.DataFrame, then: pd.DataFrame | None) -> pd.Series:
    spent = spans.time_by_service(now)
    if then is None:
        return spent
    usual = spans.time_by_service(then)
    return spent.sub(usual, fill_value=0.0)


def _edges(now: pd.DataFrame, then: pd.DataFrame | None) -> pd.DataFrame:
    edges = spans.calls(now)
    seconds = max((now.start_ns.max() - now.start_ns.min()) / 1e9, 1.0)
    edges["per_s"] = edges.calls / seconds
    usual = edges if then is None else spans.calls(then)
    key = ["caller", "callee"]
    edges = edges.merge(usual[[*key, "p50_ms"]], "left", key, suffixes=("", "_before"))
    edges["worse"] = ((edges.p50_ms > 2 * edges.p50_ms_before)
                      & (edges.p50_ms - edges.p50_ms_before > _SLOWER_BY_MS))
    return edges


def _words(now: pd.DataFrame, then: pd.DataFrame | None, blame: pd.Series,
           edges: pd.DataFrame) -> tuple[str, str]:
    worst, top = style.shorten(str(blame.idxmax())), blame.max()
    n = style.count(now.trace_id.nunique(), "request")
    if then is None:
        title = (f"{worst} takes {style.brief(top)} of the {style.brief(blame.sum())} ms "
                 "of a request's time")
        return title, (f"Box: mean time a request spends on the service ({n}). "
                       "Line: calls per second.")
    usual = spans.time_by_service(then).sum()
    if top < 0.05 * usual:
        title = f"No service adds more than {style.brief(max(top, 0))} ms to a request"
    else:
        title = f"{worst} adds {style.brief(top)} ms to a request{_aside(blame, edges)}"
    return title, (f"Box: mean time a request spends on the service, now less before "
                   f"({style.count(then.trace_id.nunique(), 'request')} before, {n} now).\n"
                   "Line: calls per second; orange where the median call more than doubled.")


def _aside(blame: pd.Series, edges: pd.DataFrame) -> str:
    below = edges[edges.caller == blame.idxmax()]
    if below.empty:
        return ""
    slow = [style.shorten(c) for c in below.callee[below.worse]]
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
            out.edges[pair]["worse"] = False  # a folded line stands for many
        else:
            out.add_edge(*pair, **data)
    return out


# --- drawing -----------------------------------------------------------------------------
def _draw(graph: nx.DiGraph, blame: pd.Series, change: bool, title: str, text: str) -> Figure:
    plan = layout.layered(graph)
    at = {n: (x * STEP_X, y * STEP_Y) for n, (x, y) in plan.position.items()}
    ys = [y for _, y in at.values()]
    height = max(ys) - min(ys) + BOX_H
    fig = style.figure(1.0 + height)
    ax = fig.subplots()
    busiest = max((d["per_s"] for *_, d in graph.edges(data=True)), default=1.0)
    width = {e: 0.8 + 5 * float(np.sqrt(graph.edges[e]["per_s"] / busiest)) for e in plan.bends}
    leave, enter = _ports(at, plan.bends, width, 0), _ports(at, plan.bends, width, 1)
    for edge in sorted(plan.bends, key=lambda e: -width[e]):
        way = _way(at, edge, plan.bends[edge], leave[edge], enter[edge])
        _line(ax, way, graph.edges[edge], width[edge])
    for node in graph:
        _box(ax, node, at[node], blame.get(node), max(blame.max(), 1e-9), change)
    _frame(ax, at, [n for n in graph])
    style.headline(fig, title, text)
    return fig


def _frame(ax: Axes, at: dict, nodes: list) -> None:
    xs = [at[n][0] for n in nodes]
    reach = [y + s * (BOX_H / 2 if n in nodes else 0.06) for n, (_, y) in at.items()
             for s in (-1, 1)]
    ax.set(xlim=(min(xs) - BOX_W / 2 - 0.03, max(max(xs), 2 * STEP_X) + BOX_W / 2 + 0.03),
           ylim=(min(reach) - 0.03, max(reach) + 0.03))
    ax.axis("off")


def _ports(at: dict, bends: dict, width: dict, side: int) -> dict:
    """Heights where edges leave (side 0) and enter (1) their boxes, spread over the side."""
    out = {}
    for node in {e[side] for e in bends}:
        mine = [e for e in bends if e[side] == node]
        mine.sort(key=lambda e: -at[(bends[e] or [e[1 - side]])[-side]][1])
        room = min(BOX_H * (0.85 if side else 0.72), 0.16 * len(mine))
        share = np.array([1.0 if side else width[e] + 2 for e in mine])  # labels need equal steps
        middle = (np.cumsum(share) - share / 2) / share.sum()
        out.update({e: at[node][1] + room * (0.5 - m) for e, m in zip(mine, middle, strict=True)})
    return out


def _way(at: dict, edge: layout.Edge, bends: list, leave: float, enter: float) -> list:
    """Points an edge passes: flat across the layers it skips, tip at the last."""
    flat = [(at[b][0] + s * BOX_W / 2, at[b][1]) for b in bends for s in (-1, 1)]
    return [(at[edge[0]][0] + BOX_W / 2, leave), *flat, (at[edge[1]][0] - BOX_W / 2, enter)]


def _line(ax: Axes, way: list, data: dict[str, Any], width: float) -> None:
    from matplotlib.patches import PathPatch, Polygon
    from matplotlib.path import Path

    worse, tip = bool(data["worse"]), way[-1]
    color = style.ACCENT if worse else style.LINE
    points = [*way[:-1], (tip[0] - 0.10, tip[1])]
    verts, codes = [points[0]], [Path.MOVETO]
    for (x0, y0), (x1, y1) in zip(points, points[1:], strict=False):
        verts += [((x0 + x1) / 2, y0), ((x0 + x1) / 2, y1), (x1, y1)]
        codes += [Path.CURVE4] * 3
    ax.add_patch(PathPatch(Path(verts, codes), fc="none", ec=color, lw=width, capstyle="butt",
                           zorder=2 + worse))
    half = 0.045 + width / 72 * 0.55
    ax.add_patch(Polygon([tip, (tip[0] - 0.12, tip[1] + half), (tip[0] - 0.12, tip[1] - half)],
                         fc=color, ec="none", zorder=2.5 + worse))
    label = f"{style.brief(data['per_s'])}/s"
    if worse:
        label += f"\n{style.brief(data['p50_ms_before'])} → {style.brief(data['p50_ms'])} ms"
    ax.text(tip[0] - 0.16, tip[1], label, ha="right", va="center", fontsize=7.5, linespacing=1.1,
            color=color if worse else style.INK, fontweight="bold" if worse else "normal",
            zorder=6, bbox={"boxstyle": "round,pad=0.08", "fc": style.PAPER, "ec": "none",
                            "alpha": 0.85})


def _box(ax: Axes, node: str, at: tuple[float, float], ms: float | None, top: float,
         change: bool) -> None:
    from matplotlib.patches import FancyBboxPatch

    (x, y), share = at, max(ms or 0.0, 0.0) / top
    hot = share > 0.5
    fill = style.colormap(style.BLAME)(share) if change else style.WASH
    ax.add_patch(FancyBboxPatch(
        (x - BOX_W / 2, y - BOX_H / 2), BOX_W, BOX_H, boxstyle="round,pad=0,rounding_size=0.08",
        fc=fill, ec=style.INK if hot else style.GREY, lw=1.4 if hot else 0.8, zorder=5))
    ink = style.PAPER if change and share > 0.75 else style.INK
    ax.text(x, y + (0.09 if ms is not None else 0), style.shorten(node, 15), ha="center",
            va="center", fontsize=9, fontweight="bold", color=ink, zorder=6)
    if ms is not None:
        words = style.signed(ms) if change else style.brief(ms)
        ax.text(x, y - 0.12, f"{words} ms", ha="center", va="center", fontsize=8, color=ink,
                zorder=6)
