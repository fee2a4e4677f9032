"""What a detector takes for normal: how much each feature of each service usually moves."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from aiops.errors import InputError
from aiops.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LOW, _HIGH = 0.01, 3.0  # of the colours: spread over median, a share
_MANY = 10.0  # a share over it tells of a usual value near zero, no more
_UNIT = re.compile(r"_(ms|bytes_per_s|per_s|bytes|cores)$")


@style.picture
def spreads(learned: pd.DataFrame, source: str = "") -> Figure:
    """Draw services by features, the train spread as a share of the train median.

    Args:
        learned: columns service, feature, usual, spread, as ``aiops.detection.reasons.learned``
            gives them. Features that never moved anywhere are named, not drawn.
        source: what is drawn, for the line under the title.
    """
    seen = learned.dropna(subset=["usual"])
    moving = [f for f in dict.fromkeys(seen.feature) if (seen[seen.feature == f].spread > 0).any()]
    if not moving:
        raise InputError("spreads got no feature that moved. Check what the detector was "
                         "fitted on.")
    still = [f for f in dict.fromkeys(seen.feature) if f not in moving]
    drawn = seen[seen.feature.isin(moving)]
    share = drawn.assign(share=drawn.spread / drawn.usual.abs()).pivot(
        index="service", columns="feature", values="share")[moving]
    fig = style.figure(1.15 + 0.30 * len(share))
    ax = fig.subplots()
    _cells(ax, share)
    _dress(ax, share)
    never = f" Never moved: {', '.join(map(_words, still))}." if still else ""
    style.headline(fig, _title(share), (
        "Usual deviation as a share of the usual value. Dark: tight, so that a small move "
        f"counts; still: it never moved; dot: usually zero.{never} {source}").strip())
    return fig


def _cells(ax: Axes, share: pd.DataFrame) -> None:
    values = share.to_numpy()
    drawn = np.where(np.isfinite(values) & (values > 0), values, np.nan)
    shades = np.log(np.clip(drawn, _LOW, _HIGH) / _LOW) / np.log(_HIGH / _LOW)
    ax.imshow(shades, aspect="auto", cmap=style.colormap(style.COUNT[::-1]), vmin=0, vmax=1)
    for (row, column), shade in np.ndenumerate(shades):
        dark = shade < 0.65  # False for NaN: a blank cell
        ax.text(column, row, _number(values[row, column]), ha="center", va="center", fontsize=7.5,
                color=style.PAPER if dark else style.GREY if shade != shade else style.INK)


def _number(share: float) -> str:
    if share == 0:
        return "still"
    if not np.isfinite(share):
        return "·"
    return f">{_MANY:.0%}" if share >= _MANY else style.percent(share).replace("under ", "<")


def _words(feature: object) -> str:
    """A feature's name without its unit, which a share does not have."""
    return _UNIT.sub("", str(feature)).replace("_", " ")


def _dress(ax: Axes, share: pd.DataFrame) -> None:
    ax.set_xticks(range(share.shape[1]), list(map(_words, share.columns)), rotation=20, ha="right")
    ax.set_yticks(range(len(share)), [style.shorten(str(s)) for s in share.index])
    ax.tick_params(length=0)
    style.bare(ax)


def _title(share: pd.DataFrame) -> str:
    """The tightest and the loosest feature, of those that move at most services.

    Each by its median over services: the share of a usual value near zero says nothing.
    """
    moved = share.where(np.isfinite(share) & (share > 0))
    if moved.isna().all(axis=None):
        return "What moves in normal operation is usually zero"
    common = moved.loc[:, 2 * moved.count() > len(moved)]
    middle = (moved if common.empty else common).median().dropna()
    (tight, loose), least = (middle.idxmin(), middle.idxmax()), _number(middle.min())
    if tight == loose:
        return f"Normal operation moves {_words(tight)} by {least} (median of services)"
    return (f"Normal operation moves {_words(tight)} by {least}, {_words(loose)} by "
            f"{_number(middle.max())} (medians of services)")
