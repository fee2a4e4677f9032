"""Who calls whom, and who is blamed: the way from where it was felt to the cause."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import networkx as nx
import numpy as np
import pandas as pd

from aiops.errors import InputError
from aiops.plots import layout, style
from aiops.plots import sheet as sheets
from aiops.plots.sheet import ARROW, MARGIN, MOST, Sheet

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_FIRST, _BOX_H = 5, 0.42  # suspects that are drawn in any case; inches
_TAGGED = 0.1  # share of the first's blame from which an edge's is written


@style.picture
def blame_graph(edges: pd.DataFrame, blame: pd.Series, path: Sequence[str] = (),
                source: str = "") -> Figure:
    """Draw the calls with each suspect's blame.

    Args:
        edges: caller, callee.
        blame: blame by suspect, highest first; a suspect ``a->b`` is an edge.
        path: services and edges in turn, from where the incident was felt to the first suspect.
        source: what is drawn, for the line under the title.
    """
    if blame.empty or blame.iloc[0] <= 0:
        raise InputError("blame_graph got no blame to draw: nothing speaks against any suspect. "
                         "Leave the picture out.")
    whole = _graph(edges, blame)
    graph = whole.subgraph(_chosen(whole, blame, path))
    plan = _closed(layout.layered(graph, dict.fromkeys(graph, _BOX_H + MARGIN)))
    made = sheets.sheet(plan, dict.fromkeys(graph, _BOX_H))
    fig, ax = sheets.blank(made)
    _lines(ax, plan, made, blame, set(path))
    for node in graph:
        _box(ax, node, made, blame, on=node in path)
    style.headline(fig, _title(blame), _text(blame, path, len(whole) - len(graph), source))
    return fig


def _graph(edges: pd.DataFrame, blame: pd.Series) -> nx.DiGraph:
    """The calls, and the first suspects that nobody calls (a host) by themselves."""
    graph = nx.DiGraph([(a, b) for a, b in zip(edges["caller"], edges["callee"], strict=True)
                        if a != b])
    blamed = blame.index[:_FIRST][blame.iloc[:_FIRST] > 0]
    graph.add_nodes_from(name for name in blamed if "->" not in name)
    graph.add_edges_from(tuple(name.split("->")) for name in blamed if "->" in name)
    return graph


def _chosen(graph: nx.DiGraph, blame: pd.Series, path: Sequence[str]) -> set[str]:
    """All, or of more than a page holds the path, the first suspects and who is next to them."""
    keep: set[str] = set()
    for name in _by_interest(graph, blame, path):
        if len(keep) >= MOST:
            break
        keep.add(name)
    return keep


def _by_interest(graph: nx.DiGraph, blame: pd.Series, path: Sequence[str]) -> Iterator[str]:
    yield from (name for name in path if name in graph)
    first = [end for name in blame.index[:_FIRST] for end in name.split("->") if end in graph]
    yield from first
    for name in first:
        yield from sorted(nx.all_neighbors(graph, name), key=lambda n: (-blame.get(n, 0.0), n))
    yield from (name for name in blame.index if name in graph)
    yield from sorted(graph)


def _closed(plan: layout.Layout) -> layout.Layout:
    """The layout without empty strips higher than a box: parts that no call joins drift apart."""
    heights = np.unique([y for _, y in plan.position.values()])
    steps = np.minimum(np.diff(heights, prepend=heights[0]), _BOX_H + MARGIN)
    lower = dict(zip(heights, np.cumsum(steps), strict=True))
    return layout.Layout({n: (x, float(lower[y])) for n, (x, y) in plan.position.items()},
                         plan.bends)


def _title(blame: pd.Series) -> str:
    first = f"{_name(blame.index[0], 40)} is blamed most: {_number(blame.iloc[0])}"
    if len(blame) < 2 or blame.iloc[1] <= 0:
        return f"{first}; nobody else is"
    return f"{first}; next {_name(blame.index[1], 40)}, {_number(blame.iloc[1])}"


def _text(blame: pd.Series, path: Sequence[str], left_out: int, source: str) -> str:
    told = f"Box: a service and its blame, the darker the more ({len(blame)} suspects)."
    if len(path) > 1:
        told += (f" Orange line: the way from {_name(path[0], 30)}, where it was felt, to the "
                 "first suspect.")
    if left_out:
        told += f" {style.count(left_out, 'service')} with little to say left out."
    return f"{told} {source}".strip()


def _number(blame: float) -> str:
    return style.brief(blame) if blame >= 1 else f"{blame:.2f}" if blame >= 0.005 else "0"


def _name(suspect: str, room: int) -> str:
    return " → ".join(style.shorten(end, room) for end in suspect.split("->"))


def _lines(ax: Axes, plan: layout.Layout, made: Sheet, blame: pd.Series, path: set[str]) -> None:
    leave, enter = (sheets.ports(made, plan.bends, side, dict.fromkeys(plan.bends, 1.0))
                    for side in (0, 1))
    for edge in plan.bends:
        name = "->".join(edge)
        hot = name in path
        points = sheets.way(made, edge, plan.bends[edge], leave[edge], enter[edge])
        sheets.arrow(ax, points, style.ACCENT if hot else style.LINE, 3.0 if hot else 1.0, hot)
        if blame.get(name, 0.0) >= _TAGGED * blame.iloc[0]:
            _tag(ax, points, blame, name)


def _tag(ax: Axes, points: list, blame: pd.Series, name: str) -> None:
    """The blame of an edge that is a suspect, at its head."""
    x, y = points[-1]
    share = float(blame[name] / blame.iloc[0])
    ax.text(x - ARROW, y, _number(float(blame[name])), ha="right", va="center", fontsize=7.5,
            fontweight="bold", zorder=6, color=style.PAPER if share > 0.75 else style.INK,
            bbox={"boxstyle": "round,pad=0.15", "ec": style.GREY, "lw": 0.6,
                  "fc": style.colormap(style.BLAME)(share)})


def _box(ax: Axes, node: str, made: Sheet, blame: pd.Series, on: bool) -> None:
    from matplotlib.patches import FancyBboxPatch

    (x, y), width = made.at[node], made.box_w
    own = float(blame.get(node, 0.0))
    share = own / float(blame.iloc[0])
    ax.add_patch(FancyBboxPatch(
        (x - width / 2, y - _BOX_H / 2), width, _BOX_H, boxstyle="round,pad=0,rounding_size=0.08",
        fc=style.colormap(style.BLAME)(share), ec=style.ACCENT if on else style.GREY,
        lw=1.6 if on else 0.8, zorder=5))
    ink = style.PAPER if share > 0.75 else style.INK
    name = style.shorten(node, 18)
    told = node in blame.index
    ax.text(x, y + (0.08 if told else 0), name, ha="center", va="center", color=ink, zorder=6,
            fontsize=style.fit(name, width - 0.1, 9, "bold"), fontweight="bold")
    if told:
        ax.text(x, y - 0.11, _number(own), ha="center", va="center",
                fontsize=8, color=ink, zorder=6)
