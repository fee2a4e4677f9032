"""How every picture looks: colours, type, a wrapped headline, numbers in words' size."""

from __future__ import annotations

import functools
import io
import textwrap
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ParamSpec

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

P = ParamSpec("P")

INK, GREY, PALE, PAPER = "#222222", "#7a7a7a", "#d9d9d9", "#ffffff"
ACCENT, SCORE, TINT = "#D55E00", "#0072B2", "#FBE3D4"  # Okabe-Ito; a tint of the accent
LINE, STEEL, WASH = "#b9c2ca", "#6b7f90", "#f5f7f8"
BLAME = ("#ffffff", "#fbd9c0", "#f0955a", "#D55E00")
COUNT = ("#e3edf5", "#8fbbdb", "#3480b9", "#0b3c68", "#04182b")
WIDTH_IN = 8.0

RC: dict[str, Any] = {
    "font.family": "DejaVu Sans", "font.size": 9, "text.color": INK,
    "axes.labelcolor": INK, "axes.edgecolor": GREY, "axes.titlelocation": "left",
    "axes.titlesize": 9, "axes.titleweight": "bold", "axes.labelsize": 9,
    "axes.spines.top": False, "axes.spines.right": False,
    "xtick.color": GREY, "ytick.color": GREY, "xtick.labelcolor": INK, "ytick.labelcolor": INK,
    "xtick.labelsize": 8.5, "ytick.labelsize": 8.5, "xtick.major.size": 3, "ytick.major.size": 3,
    "figure.facecolor": PAPER, "axes.facecolor": PAPER, "figure.dpi": 100,
    "lines.linewidth": 1.2,
}


def picture(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Draw under this style whatever the caller's own settings are."""

    @functools.wraps(draw)
    def styled(*args: P.args, **kwargs: P.kwargs) -> Figure:
        import matplotlib

        with matplotlib.rc_context(RC):  # type: ignore[arg-type]
            return draw(*args, **kwargs)

    return styled


def figure(height_in: float) -> Figure:
    """An empty figure of the house's width, outside pyplot's global list.

    ``height_in`` is the panels' height; ``headline`` adds its own.
    """
    from matplotlib.figure import Figure

    return Figure(figsize=(WIDTH_IN, height_in), layout="constrained")


def headline(fig: Figure, title: str, text: str = "") -> None:
    """Set the finding and, in grey, how it was made, wrapped; the figure grows by as much."""
    width, panels = fig.get_size_inches()
    below = [line for part in text.split("\n") for line in textwrap.wrap(part, int(width * 15.2))]
    above = textwrap.wrap(title, int(width * 9.6))
    styles = [(line, 11.5, INK, "bold") for line in above]
    styles += [(line, 8.5, GREY, "normal") for line in below]
    used = 0.16 + sum(size * 1.32 / 72 for _, size, *_ in styles)
    height, at = panels + used, 0.06
    fig.set_size_inches(width, height)
    for i, (line, size, color, weight) in enumerate(styles):
        at += 0.03 if i == len(above) else 0
        fig.text(0.07 / width, 1 - at / height, line, va="top", fontsize=size, color=color,
                 fontweight=weight)
        at += size * 1.32 / 72
    layout = fig.get_layout_engine()
    assert layout is not None  # made by figure()
    layout.set(rect=(0, 0, 1, panels / height))  # type: ignore[call-arg]
    fig.set_label(title)  # the picture's alternative text


def colormap(colors: tuple[str, ...]) -> Colormap:
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("aiops", list(colors))


def bare(ax: Axes, spines: tuple[str, ...] = ("left", "bottom", "top", "right")) -> None:
    for side in spines:
        ax.spines[side].set_visible(False)


def to_png(fig: Figure, dpi: int = 200) -> bytes:
    """PNG bytes, the same on every run; 200 dpi for notebooks, 160 for pages."""
    out = io.BytesIO()
    fig.savefig(out, format="png", dpi=dpi, metadata={"Software": None})
    return out.getvalue()


def text_width(text: str, size: float, weight: str = "normal") -> float:
    """Inches that a line of text takes."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    font = FontProperties(family="DejaVu Sans", weight=weight)
    return float(TextPath((0, 0), text, size=size, prop=font).get_extents().width) / 72


def fit(text: str, room_in: float, size: float, weight: str = "normal",
        least: float = 6.2) -> float:
    """The font size, at most ``size``, at which a line takes no more than the room."""
    return max(min(size, size * room_in / max(text_width(text, size, weight), 1e-6)), least)


# --- words and numbers -------------------------------------------------------------------
def shorten(name: str, room: int = 17) -> str:
    """A service's name without the word service, cut to the room there is."""
    name = name.removesuffix("service").rstrip("-_ ") or name
    return name if len(name) <= room else name[: room - 1] + "…"


def brief(value: float) -> str:
    """Two to three figures: 317 M, 600 k, 86, 5.8, 0.044."""
    size = abs(value)
    for power, letter in ((1e9, "G"), (1e6, "M")):
        if size >= power:
            return f"{value / power:.3g} {letter}"
    if size >= 1e5:
        return f"{value / 1e3:.0f} k"
    return f"{value:,.0f}" if size >= 10 else f"{value:.1f}" if size >= 1 else f"{value:.2g}"


def signed(value: float) -> str:
    """A change: +361, −20, ±0, and one decimal below ten."""
    places = 0 if abs(value) >= 10 else 1
    if abs(value) < 0.05:
        return "±0"
    return f"{value:+,.{places}f}".replace("-", "−")


def percent(share: float) -> str:
    return f"{share:.0%}" if share == 0 or share >= 0.01 else "under 1%"


def count(number: int, noun: str) -> str:
    """1 request, 1,470 requests."""
    return f"{number:,} {noun}" + ("" if number == 1 else "es" if noun.endswith("s") else "s")
