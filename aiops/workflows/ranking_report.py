"""What a bench of rankers found, in words and in a table: for reports."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from aiops.evaluation.figures import Figure
from aiops.workflows import bench

METRICS = {"ac@1": "AC@1", "ac@3": "AC@3", "avg@5": "Avg@5"}


def record(figures: Sequence[Figure], ranker: str) -> str:
    """How often a ranker's first suspect was the culprit, a sentence; empty when not measured."""
    first = _of(figures, "ac@1", ranker)
    if not first:
        return ""
    told = first[0]
    sure = "" if told.low is None or told.high is None else \
        f"95% interval {_percent(told.low)} to {_percent(told.high)}"
    chance = "" if told.chance is None else f"chance {_percent(told.chance)}"
    aside = ", ".join(filter(None, (sure, chance)))
    return (f"Over {_incidents(told.n)} of this data set, the first suspect of {ranker} is the "
            f"culprit in {_percent(told.value)}" + (f" ({aside})." if aside else "."))


def aside(figures: Sequence[Figure]) -> str:
    """What was not scored, what failed, and how long a ranking takes, in sentences."""
    scored = max(f.n for f in figures if f.slice == "all")
    left = max([f.value for f in _of(figures, "not_scored")], default=0.0)
    failed = sum(f.value for f in _of(figures, "failures"))
    seconds = [f.value for f in _of(figures, "seconds_p50")]
    told = [f"{_incidents(scored)} scored"]
    if left:
        told.append(f"{left:.0f} recording{'s' if left > 1 else ''} without an incident not "
                    "scored: there is no culprit to find")
    told.append(f"{failed:.0f} rankings failed, and count as missed" if failed else
                "no ranking failed")
    if seconds:
        told.append(f"a ranking takes {min(seconds):.2f} to {max(seconds):.2f} s "
                    "(medians by ranker)")
    return "; ".join(told) + "."


def by_slice(figures: Sequence[Figure]) -> pd.DataFrame:
    """A row a slice and ranker, above the rankers what chance gives; value and 95 % interval."""
    rows = bench.table(f for f in figures if f.metric in METRICS)
    return pd.DataFrame(rows, columns=["slice", "model", "n", *METRICS]).rename(
        columns={"n": "incidents", **METRICS})


def _of(figures: Sequence[Figure], metric: str, model: str | None = None) -> list[Figure]:
    return [f for f in figures if (f.slice, f.metric) == ("all", metric)
            and model in (None, f.model)]


def _incidents(number: int) -> str:
    return f"{number} incident{'' if number == 1 else 's'}"


def _percent(share: float) -> str:
    """A half is rounded up, as by hand: 62.5% is 63%."""
    return f"{100 * share + 1e-9:.0f}%"
