"""An impact drawn: its effects at the service, on whole requests, by segment, and on whom most."""

from __future__ import annotations

import base64
import html
from typing import TYPE_CHECKING

import pandas as pd

from aiops import plots
from aiops.changes.effect import Effect
from aiops.changes.impact import Impact
from aiops.changes.treatments import Change
from aiops.changes.uplift import Uplift
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


def combinations(told: Uplift, change: Change, source: str = "") -> Figure:
    """The effect on the combinations of attributes that it hits otherwise than the rest.

    Raises:
        InputError: none could be named; see its ``why``.
    """
    rows = told.found
    table = pd.DataFrame({"unit": rows["measure"].map(_UNIT), "value": rows["effect"],
                          "label": [f"{what}: {_WORD[how].split()[0]}" for what, how in
                                    zip(rows["combination"], rows["measure"], strict=True)],
                          "low": rows["low"], "high": rows["high"]}) if len(rows) else rows
    sure = "; ".join(dict.fromkeys(told.sure.get("combination", []))) or "none beyond chance"
    return plots.effects(table, f"{change.service} {change.new}, unlike the rest: {sure}",
                         f"Named on one half of the requests, measured on the other. {source}")


def curve(told: Uplift, change: Change, outcome: str = "latency_ms", source: str = "") -> Figure:
    """What the requests said to be most affected add to the mean.

    Raises:
        InputError: nothing could be learned; see its ``why``.
    """
    of, unit = told.curve, "share failed" if outcome == "failed" else "milliseconds"
    if of.empty:
        return plots.gains(of, "", unit)
    area = told.areas.set_index("outcome").loc[outcome]
    return plots.gains(of[of["outcome"] == outcome],
                       f"{change.service} {change.new}: {area['area']:+.3g} above any order "
                       f"(p {area['p']:.3f})", unit, source)


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
