"""An impact drawn: its effects at the service, on whole requests, and by segment."""

from __future__ import annotations

import base64
import html
from typing import TYPE_CHECKING

import pandas as pd

from aiops import plots
from aiops.changes.effect import Effect
from aiops.changes.impact import Impact
from aiops.changes.words import to_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_UNIT = {"mean": "milliseconds", "typical": "milliseconds", "share": "share"}
_WORD = {"mean": "mean", "typical": "typical request", "share": "failed"}


def effects(told: Impact, source: str = "") -> Figure:
    """The effects of a change and their intervals.

    Raises:
        InputError: it has none (too few requests).
    """
    whole = [(told.change.service, each) for each in told.effects]
    whole += [("whole request", each) for each in told.entry]
    return plots.effects(_table(whole), _title(told), " ".join(
        [*(["A before and after: no causal effect."] if told.before_after else []), source]))


def segments(told: Impact, source: str = "") -> Figure:
    """The same for each value of each segment.

    Raises:
        InputError: no value has requests enough.
    """
    rows = told.segments
    table = pd.DataFrame({"unit": rows["measure"].map(_UNIT), "value": rows["effect"],
                          "label": [f"{value}: {_WORD[how]}" for value, how in
                                    zip(rows["value"], rows["measure"], strict=True)],
                          "low": rows["low"], "high": rows["high"]}) if len(rows) else rows
    return plots.effects(table, f"{told.change.service} {told.change.new}, by "
                         f"{' and '.join(dict.fromkeys(rows.get('segment', [])))}", source)


def page(told: Impact) -> str:
    """Words and pictures as HTML that needs nothing else."""
    drawn = [effects(told)] if told.effects else []
    return f"<pre>{html.escape(to_text(told))}</pre>{''.join(map(_image, drawn))}"


def _image(fig: Figure) -> str:
    data = base64.b64encode(plots.to_png(fig)).decode()
    return (f'<img alt="{html.escape(str(fig.get_label()))}" style="max-width:100%" '
            f'src="data:image/png;base64,{data}">')


def _table(effects: list[tuple[str, Effect]]) -> pd.DataFrame:
    rows = [(_UNIT[e.measure], f"{place}: {_WORD[e.measure]}", e.value, e.low, e.high)
            for place, e in effects]
    return pd.DataFrame(rows, columns=["unit", "label", "value", "low", "high"])


def _title(told: Impact) -> str:
    typical = told.effects[1]
    return (f"{told.change.service} {told.change.new}: {told.verdict}, a typical request "
            f"{typical.value:+.3g} ms [{typical.low:+.3g}, {typical.high:+.3g}]")
