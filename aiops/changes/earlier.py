"""A placebo in time: the same before and after, at moments before the change.

How far it moves there is what chance and drift give. It needs no second version beside the first,
and is all that can be set against a change that came to all requests at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from aiops.changes.effect import Effect, effect, rows
from aiops.changes.requests import before

CUTS = 20  # moments before the change, at most
_FEWEST = 2  # of them
_LEAST = 20  # requests that an average window must hold


@dataclass(frozen=True)
class Shift:
    """A before and after at the change, and at earlier cuts.

    Attributes:
        value: at the change, over windows of ``window`` on either side; so not the effect over all
            of the time, and less sure.
        low, high: the least and the most at earlier cuts. cuts: how many, a window apart.
        p: share with one at least as large, that at the change counted as well; 1 / (1 + cuts) is
            the least there is. found: share of the earlier ones whose interval excludes zero.
    """

    outcome: str
    measure: str
    window: pd.Timedelta
    value: float
    low: float
    high: float
    cuts: int
    p: float
    found: float


def shifts(table: pd.DataFrame, real: Sequence[Effect],
           strata: Sequence[str] = ()) -> list[Shift]:
    """The before and after of each measure, moved through the time before the change.

    Args:
        table: ``requests``; after the change, those on the new version count.
        real: effects, whose measures and levels are taken.

    Returns:
        One a measure; none where the time before is too short or holds too few requests. The
        window is as long as the new version served, or shorter: so that ``CUTS`` moments lie a
        window apart before the change, and an average one holds 20 requests.
    """
    calm, new = before(table), table[table["new"]]
    if len(calm) < (1 + _FEWEST) * _LEAST:
        return []
    since, long = new["start"].min(), new["start"].max() - new["start"].min()
    past = since - calm["start"].min()
    window = min(long, max(past / (CUTS + 1), past * _LEAST / len(calm)))
    moments = [since - number * window for number in range(1, CUTS + 1)
               if (number + 1) * window <= past * (1 + 1e-9)]
    earlier = [_cut(calm, calm, moment, window) for moment in moments]
    now = _cut(calm, new, since, window)
    made = [_shift(each, strata, earlier, now, window) for each in real]
    return [each for each in made if each is not None]


def _cut(old: pd.DataFrame, new: pd.DataFrame, at: pd.Timestamp,
         window: pd.Timedelta) -> pd.DataFrame:
    """Requests within the window before the moment, and within that from it on, as new."""
    first = old[(old["start"] >= at - window) & (old["start"] < at)]
    then = new[(new["start"] >= at) & (new["start"] < at + window)]
    return pd.concat([first.assign(new=False), then.assign(new=True)])


def _shift(real: Effect, strata: Sequence[str], earlier: list[pd.DataFrame], now: pd.DataFrame,
           window: pd.Timedelta) -> Shift | None:
    at = _moved(now, real, strata)
    told = [made for each in earlier if (made := _moved(each, real, strata)) is not None]
    if at is None or len(told) < _FEWEST:
        return None
    values = [each.value for each in told]
    as_large = sum(abs(each) >= abs(at.value) for each in values)
    return Shift(real.outcome, real.measure, window, at.value, min(values), max(values),
                 len(told), (1 + as_large) / (1 + len(told)),
                 sum(each.side != 0 for each in told) / len(told))


def _moved(cut: pd.DataFrame, real: Effect, strata: Sequence[str]) -> Effect | None:
    if not rows(cut, real.outcome, strata).comparable().new.any():
        return None
    return effect(cut, real.outcome, real.measure, strata, real.level)
