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
_LEAST = 20  # requests on either side of a moment


@dataclass(frozen=True)
class Shift:
    """A before and after at the change, and at earlier cuts.

    Attributes:
        side: requests on either side, the nearest in time. value: at the change, of these alone;
            so not the effect over all of the time, and less sure.
        low, high: the least and the most at earlier cuts. cuts: how many, ``side`` requests apart.
        p: share with one at least as large, that at the change counted as well; 1 / (1 + cuts) is
            the least there is. found: share of the earlier ones whose interval excludes zero.
    """

    outcome: str
    measure: str
    side: int
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
        One a measure; none where there are too few requests before. On either side of a moment
        lie 20 requests or more, so many that ``CUTS`` moments fill the time before the change.
    """
    calm, new = before(table), table[table["new"]]
    side = max(_LEAST, len(calm) // (CUTS + 1))
    if len(calm) < (1 + _FEWEST) * side or len(new) < _LEAST:
        return []
    moments = range(len(calm) - side, side - 1, -side)[:CUTS]
    earlier = [_cut(calm[at - side:at], calm[at:at + side]) for at in moments]
    made = [_shift(each, strata, earlier, _cut(calm[-side:], new[:side]), side) for each in real]
    return [each for each in made if each is not None]


def _cut(first: pd.DataFrame, then: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([first.assign(new=False), then.assign(new=True)])


def _shift(real: Effect, strata: Sequence[str], earlier: list[pd.DataFrame], now: pd.DataFrame,
           side: int) -> Shift | None:
    at = _moved(now, real, strata)
    told = [made for each in earlier if (made := _moved(each, real, strata)) is not None]
    if at is None or len(told) < _FEWEST:
        return None
    values = [each.value for each in told]
    as_large = sum(abs(each) >= abs(at.value) for each in values)
    return Shift(real.outcome, real.measure, side, at.value, min(values), max(values),
                 len(told), (1 + as_large) / (1 + len(told)),
                 sum(each.side != 0 for each in told) / len(told))


def _moved(cut: pd.DataFrame, real: Effect, strata: Sequence[str]) -> Effect | None:
    if not rows(cut, real.outcome, strata).comparable().new.any():
        return None
    return effect(cut, real.outcome, real.measure, strata, real.level)
