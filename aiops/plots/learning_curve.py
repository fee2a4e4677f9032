"""How good a model is by the amount that it learned from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from aiops.errors import InputError
from aiops.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 4


@style.picture
def learning_curve(curve: pd.DataFrame, default: str, source: str = "") -> Figure:
    """Draw one panel a data set: AC@1 by systems learned from, a dot a seed, their mean a line.

    Args:
        curve: systems, seed, set, ac@1, default (what the ranker of that name reaches: grey).
        source: what is told in the line under the title beside what is drawn.

    Raises:
        InputError: nothing was measured.
    """
    if curve.empty:
        raise InputError("learning_curve got no row. Measure at least one size.")
    sets = list(dict.fromkeys(curve["set"]))
    wide = min(COLUMNS, len(sets))
    high = -(-len(sets) // wide)
    fig = style.figure(1.6 * high)
    axes = list(fig.subplots(high, wide, sharey=True, squeeze=False).flat)
    for ax, name in zip(axes, sets, strict=False):
        _panel(ax, curve[curve["set"] == name], name, default)
    for ax in axes[len(sets):]:
        ax.set_axis_off()
    style.headline(fig, _title(curve, sets, default), (
        f"AC@1 by number of made systems that it learned from. A dot a seed, the line their mean; "
        f"grey: {default}, which learns nothing. {source}").strip())
    return fig


def _panel(ax: Axes, curve: pd.DataFrame, name: str, default: str) -> None:
    mean = curve.groupby("systems")["ac@1"].mean()
    ax.axhline(curve["default"].iloc[0], color=style.GREY, linestyle="--", linewidth=1)
    ax.plot(mean.index, mean.to_numpy(), color=style.ACCENT)
    ax.plot(curve["systems"], curve["ac@1"], ".", color=style.ACCENT, alpha=0.5, markersize=4)
    ax.set_xscale("log")
    ax.set_xticks(list(mean.index), [f"{size}" for size in mean.index])
    ax.minorticks_off()
    ax.set_title(name)
    ax.set_ylim(0, 1.03)


def _title(curve: pd.DataFrame, sets: list[str], default: str) -> str:
    """On how many sets the most learned one is better than the default."""
    most = curve[curve["systems"] == curve["systems"].max()].groupby("set")[["ac@1", "default"]]
    mean = most.mean()
    better = int((mean["ac@1"] > mean["default"] + 1e-9).sum())
    worse = int((mean["ac@1"] < mean["default"] - 1e-9).sum())
    return (f"From {curve['systems'].max()} systems it learned more than {default} knows on "
            f"{better} of {style.count(len(sets), 'set')}, less on {worse}")
