"""How good models are on each of several data sets, plain and under one stress."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from aiops.errors import InputError
from aiops.plots import style
from aiops.plots.leaderboard import _share, _table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 3


@style.picture
def across_sets(figures: Iterable[Any] | pd.DataFrame, default: str, metric: str = "ac@1",
                stress: str = "decoys=40", told: str = "40 decoys",
                controls: Collection[str] = (), source: str = "") -> Figure:
    """Draw one panel a data set, one row a model: plain, and under the stress where measured.

    Args:
        figures: tidy figures of several data sets (records, dicts, or a frame of them).
        default: the model to point out.
        metric: its name, a share between 0 and 1.
        stress: which slice stands beside the plain one; told: what people call it.
        controls: models that know the answer: grey, below the others.
        source: what is told in the line under the title beside what is drawn.
    """
    table = _table(figures)
    table = table[(table.metric == metric) & table["slice"].isin(["all", stress])]
    plain = table[table["slice"] == "all"]
    if plain.empty:
        raise InputError(f"across_sets found no figure of {metric} in slice 'all'. "
                         "Ask for a metric that the figures hold.")
    sets, models = list(dict.fromkeys(plain.dataset)), _order(plain, default, controls)
    wide = min(COLUMNS, len(sets))
    high = -(-len(sets) // wide)
    fig = style.figure(high * (0.62 + 0.19 * len(models)))
    axes = list(fig.subplots(high, wide, sharey=True, squeeze=False).flat)
    for ax, name in zip(axes, sets, strict=False):
        _panel(ax, table[table.dataset == name], models, default, stress, controls)
        ax.set_title(name)
    for ax in axes[len(sets):]:
        ax.set_axis_off()
    style.headline(fig, _title(plain, default, controls), _text(plain, told, metric, source))
    return fig


def _order(plain: pd.DataFrame, default: str, controls: Collection[str]) -> list[str]:
    """From the bottom: controls, then the others by their mean over sets, the default on top."""
    mean = plain.groupby("model")["value"].mean()
    return sorted(mean.index, key=lambda m: (m == default, m not in controls, mean[m], m))


def _title(plain: pd.DataFrame, default: str, controls: Collection[str]) -> str:
    rivals = plain[~plain.model.isin(controls)].groupby("dataset")["value"]
    best = rivals.max()
    if (rivals.size() > 1).any():  # leading where nobody else was asked is no lead
        best = best[rivals.size() > 1]
    own = plain[plain.model == default].set_index("dataset")["value"].reindex(best.index)
    if own.isna().all():
        return f"{default} was not measured on any of {style.count(len(best), 'data set')}"
    if len(best) == 1:
        only = plain[(plain.dataset == best.index[0]) & ~plain.model.isin(controls)]
        return _on_one_set(only.set_index("model")["value"], default, _named(plain))
    # as told, to two digits: figures that were read back from a page have no more
    leads = int((own.round(2) >= best.round(2)).sum())
    return (f"{default} has the best {_named(plain)} on {leads} of "
            f"{style.count(len(best), 'data set')}, {_share(own.min())} to {_share(own.max())}")


def _on_one_set(values: pd.Series, default: str, metric: str) -> str:
    """Who has the best figure of the set (values by model); a tie is no lead."""
    own, top = values[default], values.max()
    others = ", ".join(m for m in values.index[values >= top - 1e-9] if m != default)
    if own < top - 1e-9:
        return f"{default} has {metric} {_share(own)}, the best is {_share(top)} ({others})"
    if others:
        return f"{default} ties with {others} for the best {metric}: {_share(top)}"
    lead = "the best " if len(values) > 1 else ""
    return f"{default} has {lead}{metric}: {_share(top)}"


def _named(plain: pd.DataFrame) -> str:
    metric = str(plain.metric.iloc[0])
    return metric.upper() if metric.startswith("ac@") else metric


def _text(plain: pd.DataFrame, told: str, metric: str, source: str) -> str:
    return (f"{_named(plain)} by data set. Dot: plain, line: its 95 % bootstrap over cases; ring: "
            f"with {told}; dashed: chance. Grey: the interval reaches chance, or a control that "
            f"knows the answer. {source}").strip()


def _panel(ax: Axes, table: pd.DataFrame, models: Sequence[str], default: str, stress: str,
           controls: Collection[str]) -> None:
    by = table.set_index(["slice", "model"])
    for at, model in enumerate(models):
        ax.axhline(at, color="#eef0f2", lw=0.8, zorder=0)
        if ("all", model) not in by.index:
            continue
        row: Any = by.loc[("all", model)]
        dull = model in controls or (pd.notna(row.chance) and pd.notna(row.low)
                                     and row.low <= row.chance)
        color = "#9aa5ae" if dull else style.ACCENT if model == default else style.SCORE
        if pd.notna(row.low):
            ax.plot([row.low, row.high], [at, at], color=color, lw=1.6, solid_capstyle="butt")
        ax.plot(row.value, at, "o", color=color, ms=5, mec=style.PAPER, mew=0.6, zorder=3,
                clip_on=False)
        if (stress, model) in by.index:
            ax.plot(by.loc[(stress, model)].value, at, "o", ms=6.5, mfc="none", mec=color, mew=1.1,
                    zorder=4, clip_on=False)
        if pd.notna(row.chance):
            ax.plot([row.chance] * 2, [at - 0.5, at + 0.5], color=style.GREY, lw=0.9,
                    ls=(0, (3, 2)), zorder=1)
    ax.set(xlim=(0, 1), ylim=(-0.6, len(models) - 0.4))
    ax.set_yticks(range(len(models)), models)
    for label in ax.get_yticklabels():
        label.set_fontweight("bold" if label.get_text() == default else "normal")
    ax.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    ax.tick_params(axis="y", length=0)
    style.bare(ax, ("left",))
