"""How good models are, with the interval of the figure and the chance level beside it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, is_dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from aiops.errors import InputError
from aiops.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@style.picture
def leaderboard(figures: Iterable[Any] | pd.DataFrame, metrics: Sequence[str] = ("ac@1", "ac@3"),
                slice: str = "all", controls: Collection[str] = (), source: str = "") -> Figure:
    """Draw one panel a metric, one row a model, best at the top by the first metric.

    Args:
        figures: tidy figures (the records of ``aiops.evaluation``, dicts, or a frame of them).
        metrics: names of the metrics, all shares between 0 and 1.
        slice: which slice of them.
        controls: models that know the answer or try nothing: grey, below the others, and
            never said to lead.
        source: what they were measured on, for the line under the title.
    """
    table = _table(figures)
    table = table[(table["slice"] == slice) & table.metric.isin(metrics)]
    if missing := [m for m in metrics if m not in set(table.metric)]:
        raise InputError(f"leaderboard found no figure of {', '.join(missing)} in slice "
                         f"{slice!r}. Ask for a metric that the figures hold.")
    first = table[table.metric == metrics[0]]
    first = first.assign(rival=~first.model.isin(controls)).sort_values(
        ["rival", "value", "model"], kind="stable")
    models = list(first.model)
    fig = style.figure(0.62 + 0.30 * len(models))
    axes = fig.subplots(1, len(metrics), sharey=True, squeeze=False)[0]
    for ax, metric in zip(axes, metrics, strict=True):
        rows = table[table.metric == metric].set_index("model").reindex(models)
        _panel(ax, rows, metric, controls)
    style.headline(fig, _title(first, metrics[0]), _text(first, source))
    return fig


def _table(figures: Iterable[Any] | pd.DataFrame) -> pd.DataFrame:
    if isinstance(figures, pd.DataFrame):
        return figures
    rows = [asdict(f) if is_dataclass(f) and not isinstance(f, type) else f for f in figures]
    return pd.DataFrame(rows, columns=["benchmark", "dataset", "model", "slice", "metric",
                                       "value", "low", "high", "n", "chance", "unit"])


def _title(first: pd.DataFrame, metric: str) -> str:
    rivals = first[first.rival]
    if rivals.empty:
        return f"{style.count(len(first), 'control')}, no model to compare"
    best = rivals.iloc[-1]
    told = f"with {_name(metric)} {_share(best.value)}"
    if not _beats_chance(best):
        return f"No model beats chance: best is {best.model} {told}"
    level = sorted(rivals.model[rivals.value == best.value])
    lead = f"{best.model} leads" if len(level) == 1 else f"{', '.join(level)} lead together"
    chance = "" if pd.isna(best.chance) else f" (chance {_share(best.chance)})"
    return f"{lead} {told}{chance}{_rival(rivals, best)}"


def _rival(rivals: pd.DataFrame, best: Any) -> str:
    """The next model, where the leader's interval holds it: the lead may be luck."""
    behind = rivals[rivals.value < best.value]
    if behind.empty or pd.isna(best.low) or (second := behind.iloc[-1]).value < best.low:
        return ""
    return f"; {second.model}'s {_share(second.value)} lies within its interval"


def _name(metric: str) -> str:
    return metric.upper() if metric.startswith("ac@") else metric


def _share(value: float) -> str:
    """Two decimals, a half rounded up as by hand: 0.625 is 0.63.

    >>> _share(0.625)
    '0.63'
    """
    return f"{value + 1e-9:.2f}"


def _text(first: pd.DataFrame, source: str) -> str:
    n = int(first.n.max()) if first.n.notna().any() else 0
    controls = [m for m, rival in zip(first.model, first.rival, strict=True) if not rival]
    aside = f" {', '.join(controls)}: a control, no rival." if controls else ""
    return (f"{style.count(n, 'case')}. Dot: mean, line: 95 % bootstrap over cases; dashed: "
            f"chance; grey: the interval reaches chance.{aside} {source}").strip()


def _beats_chance(row: Any) -> bool:
    return pd.isna(row.chance) or pd.isna(row.low) or row.low > row.chance


def _panel(ax: Axes, rows: pd.DataFrame, metric: str, controls: Collection[str]) -> None:
    for i, row in enumerate(rows.itertuples()):
        ax.axhline(i, color="#eef0f2", lw=0.8, zorder=0)
        if pd.isna(row.value):
            continue
        better = _beats_chance(row) and row.Index not in controls
        color = style.SCORE if better else "#9aa5ae"
        ax.plot([row.low, row.high], [i, i], color=color, lw=2, solid_capstyle="butt", zorder=2)
        ax.plot(row.value, i, "o", color=color, ms=6.5, mec=style.PAPER, mew=0.8, zorder=3,
                clip_on=False)
        ax.text(1.04, i, _share(row.value), va="center", fontsize=8.5,
                transform=ax.get_yaxis_transform(), color=style.INK if better else style.GREY)
        if not pd.isna(row.chance):
            ax.plot([row.chance] * 2, [i - 0.5, i + 0.5], color=style.GREY, lw=1,
                    ls=(0, (3, 2)), zorder=1)
    ax.set(xlim=(0, 1), ylim=(-0.6, len(rows) - 0.4), xlabel="share of cases")
    ax.set_yticks(range(len(rows)), [f"{m} (control)" if m in controls else m for m in rows.index])
    for label in ax.get_yticklabels():
        label.set_color(style.GREY if label.get_text().endswith("(control)") else style.INK)
    ax.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "0.25", "0.5", "0.75", "1"])
    ax.set_title(_name(metric))
    ax.tick_params(axis="y", length=0)
    style.bare(ax, ("left",))
