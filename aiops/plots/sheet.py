"""Boxes and arrows of a call graph on paper, in inches: where they stand, how arrows run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from aiops.plots import layout, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BOX_H, MARGIN, WIDEST_STEP = 0.50, 0.18, 2.4
LINE_H, ARROW = 0.125, 0.15  # of a label, and the room an arrow's head takes
MOST = 25  # boxes a reader can take in
_PAD = 0.0417  # matplotlib's own around the panels


@dataclass(frozen=True)
class Sheet:
    """Where things stand, in inches: boxes by name, bends by themselves."""

    at: dict[Any, tuple[float, float]]
    height: dict[str, float]
    box_w: float
    gap: float  # between two columns of boxes


def sheet(plan: layout.Layout, height: dict[str, float]) -> Sheet:
    """A layout on paper of the house's width; ``height`` of each box."""
    layers = max(x for x, _ in plan.position.values()) + 1
    room = style.WIDTH_IN - 2 * _PAD - 0.02
    box_w = 1.22 if layers <= 4 else 1.02
    step = min((room - box_w) / max(layers - 1, 1), WIDEST_STEP)
    at = {n: (box_w / 2 + 0.01 + x * step, y) for n, (x, y) in plan.position.items()}
    return Sheet(at, height, box_w, step - box_w)


def blank(made: Sheet) -> tuple[Figure, Axes]:
    """A figure as high as the sheet, its axes in inches."""
    ends = [y + s * (made.height[n] / 2 if n in made.height else 0.06)
            for n, (_, y) in made.at.items() for s in (-1, 1)]
    low, high = min(ends) - 0.03, max(ends) + 0.03
    fig = style.figure(high - low + 2 * _PAD)
    ax = fig.subplots()
    ax.set(xlim=(0, style.WIDTH_IN - 2 * _PAD), ylim=(low, high))
    ax.axis("off")
    return fig, ax


def ports(made: Sheet, bends: dict, side: int, share: dict[layout.Edge, float]) -> dict:
    """Heights where edges leave (side 0) and enter (1) their boxes, spread over the side."""
    out = {}
    for node in {e[side] for e in bends}:
        mine = [e for e in bends if e[side] == node]
        mine.sort(key=lambda e: -made.at[(bends[e] or [e[1 - side]])[-side]][1])
        part = np.array([share[e] for e in mine])
        room = min(made.height[node] * 0.72, 0.16 * len(mine)) if side == 0 else \
            LINE_H * part.sum()
        middle = (np.cumsum(part) - part / 2) / part.sum()
        out.update({e: made.at[node][1] + room * (0.5 - m)
                    for e, m in zip(mine, middle, strict=True)})
    return out


def way(made: Sheet, edge: layout.Edge, bends: list, leave: float, enter: float) -> list:
    """Points an edge passes: flat across the layers it skips, tip at the last."""
    half = made.box_w / 2
    flat = [(made.at[b][0] + s * half, made.at[b][1]) for b in bends for s in (-1, 1)]
    return [(made.at[edge[0]][0] + half, leave), *flat, (made.at[edge[1]][0] - half, enter)]


def arrow(ax: Axes, points: list, color: str, width: float, above: float = 0.0) -> None:
    """A line through the points, in bows, with a head at the last; ``above`` others by so much."""
    from matplotlib.patches import PathPatch, Polygon
    from matplotlib.path import Path

    tip = points[-1]
    points = [*points[:-1], (tip[0] - 0.10, tip[1])]
    verts, codes = [points[0]], [Path.MOVETO]
    for (x0, y0), (x1, y1) in zip(points, points[1:], strict=False):
        verts += [((x0 + x1) / 2, y0), ((x0 + x1) / 2, y1), (x1, y1)]
        codes += [Path.CURVE4] * 3
    ax.add_patch(PathPatch(Path(verts, codes), fc="none", ec=color, lw=width, capstyle="butt",
                           zorder=2 + above))
    half = 0.045 + width / 72 * 0.3
    ax.add_patch(Polygon([tip, (tip[0] - 0.12, tip[1] + half), (tip[0] - 0.12, tip[1] - half)],
                         fc=color, ec="none", zorder=2.5 + above))
