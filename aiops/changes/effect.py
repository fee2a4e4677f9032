"""How much: the difference between requests on the new and on the old version, with an interval.

Requests are compared within strata (route, region, tenant, time), so that another mix of requests
is no effect; of means and shares, strata count by how many of the new version's requests lie in
them: the effect on those that the change touched.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from aiops.errors import InputError

LEVEL = 0.95
_STEPS = 60  # halvings of the range of differences


@dataclass(frozen=True)
class Effect:
    """New less old.

    Attributes:
        outcome: a column of ``requests``. measure: "mean", "typical" or "share".
        value: in the outcome's unit, or a share of requests.
        low, high: confidence interval at ``level``.
        old: the same of the old version (typical: its median), in the new one's strata.
        n_new, n_old: requests compared. left_out: requests of the new version in strata where
            there are too few to compare.
    """

    outcome: str
    measure: str
    value: float
    low: float
    high: float
    level: float
    old: float
    n_new: int
    n_old: int
    left_out: int

    @property
    def side(self) -> int:
        """1: the whole interval lies above no effect; -1: below; 0: it holds no effect."""
        return int(self.low > 0) - int(self.high < 0)


def effect(table: pd.DataFrame, outcome: str, measure: str, strata: Sequence[str] = (),
           level: float = LEVEL) -> Effect:
    """The effect of the new version on one outcome.

    Args:
        table: ``requests``: new (bool), the outcome, and the columns of ``strata``.
        measure: "mean", the difference of means: what all requests together pay; a few slow ones
            carry it. Welch's interval (1947) with Satterthwaite's degrees of freedom.
            "typical", the median of all differences new less old (Hodges and Lehmann 1963) with
            the interval of the rank sum test: a few outliers do not widen it.
            "share", the difference of the shares of requests in which the outcome is true, with
            the hybrid score interval (Newcombe 1998) of stratified shares (Yan and Su 2010).
        strata: requests are compared where these are equal.

    Raises:
        InputError: fewer than two requests of either version to compare, or an unknown column
            or measure.
    """
    if measure not in MEASURES:
        raise InputError(f"The measure parameter must be one of {', '.join(MEASURES)}. "
                         f"Got {measure!r} instead.")
    return measured(measure, rows(table, outcome, strata), outcome, level)


_Found = tuple[float, float, float, float]  # value, low, high, old


@dataclass(frozen=True)
class Rows:
    """Requests to compare, as arrays (n,): number of the stratum, whether new, outcome."""

    cell: np.ndarray
    new: np.ndarray
    y: np.ndarray

    def comparable(self) -> Rows:
        """Those of strata with two requests of either version; strata numbered anew."""
        n = [np.bincount(self.cell[of], minlength=int(self.cell.max(initial=0)) + 1)
             for of in (self.new, ~self.new)]
        keep = (np.minimum(*n) >= 2)[self.cell]
        return Rows(np.unique(self.cell[keep], return_inverse=True)[1], self.new[keep],
                    self.y[keep])


def rows(table: pd.DataFrame, outcome: str, strata: Sequence[str]) -> Rows:
    """The requests of a table, see ``mean``; those without an outcome are left out."""
    missing = [name for name in ("new", outcome, *strata) if name not in table]
    if missing:
        raise InputError(f"An effect needs the columns new, the outcome and the strata. Missing: "
                         f"{', '.join(missing)}. There are: {', '.join(map(str, table.columns))}.")
    cell = table.groupby(list(strata), dropna=False, observed=True).ngroup().to_numpy() \
        if strata else np.zeros(len(table), dtype=int)
    y = table[outcome].to_numpy(dtype=float)
    known = ~np.isnan(y)
    return Rows(cell[known], table["new"].to_numpy(dtype=bool)[known], y[known])


def measured(how: str, given: Rows, outcome: str, level: float = LEVEL) -> Effect:
    """The effect by one of ``MEASURES``.

    Raises:
        InputError: fewer than two requests of either version in each stratum.
    """
    kept = given.comparable()
    all_new, new = int(given.new.sum()), int(kept.new.sum())
    if not new:
        raise InputError("An effect needs two requests on the new and two on the old version in "
                         f"one stratum. Got {all_new} new and {len(given.new) - all_new} old "
                         f"requests of {outcome}. Wait for more, or compare fewer strata.")
    value, low, high, old = MEASURES[how](kept, level)
    return Effect(outcome, how, value, low, high, level, old, new, len(kept.new) - new,
                  all_new - new)


def _cells(kept: Rows) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of the old version (row 0) and the new (row 1), by stratum: n, mean, variance."""
    arm = kept.new.astype(int)
    shape = (2, int(kept.cell.max()) + 1)
    at = arm * shape[1] + kept.cell
    n = np.bincount(at, minlength=shape[0] * shape[1]).astype(float)
    middle = np.bincount(at, kept.y, len(n)) / n
    var = np.bincount(at, (kept.y - middle[at])**2, len(n)) / (n - 1)
    return n.reshape(shape), middle.reshape(shape), var.reshape(shape)


def _mean(kept: Rows, level: float) -> _Found:
    n, middle, var = _cells(kept)
    w = n[1] / n[1].sum()
    old, value = float(w @ middle[0]), float(w @ (middle[1] - middle[0]))
    parts = w**2 * var / n
    if not parts.sum() > 0:  # nothing varies
        return value, value, value, old
    df = parts.sum()**2 / (parts**2 / (n - 1)).sum()
    half = float(stats.t.ppf((1 + level) / 2, df) * np.sqrt(parts.sum()))
    return value, value - half, value + half, old


def _share(kept: Rows, level: float) -> _Found:
    n, middle, _ = _cells(kept)
    w = n[1] / n[1].sum()
    (p0, low0, high0), (p1, low1, high1) = (
        _wilson(float(w @ middle[arm]), _worth(w, middle[arm], n[arm]), level) for arm in (0, 1))
    value = p1 - p0
    return (value, value - float(np.hypot(p1 - low1, high0 - p0)),
            value + float(np.hypot(high1 - p1, p0 - low0)), p0)


def _worth(w: np.ndarray, share: np.ndarray, n: np.ndarray) -> float:
    """Requests in one stratum that would tell as much; shares with half a request added."""
    p = (share * n + 0.5) / (n + 1)
    whole = float(w @ p)
    return whole * (1 - whole) / float((w**2 * p * (1 - p) / n).sum())


def _wilson(share: float, n: float, level: float) -> tuple[float, float, float]:
    """A share of n requests and its score interval."""
    z = float(stats.norm.ppf((1 + level) / 2))
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return share, max(0.0, middle - half), min(1.0, middle + half)


def _typical(kept: Rows, level: float) -> _Found:
    pairs = [tuple(np.sort(kept.y[(kept.cell == cell) & (kept.new == new)])
                   for new in (False, True)) for cell in range(int(kept.cell.max()) + 1)]
    n = np.array([(len(old), len(new)) for old, new in pairs], dtype=float)
    whole = float(n.prod(axis=1).sum())
    spread = np.sqrt((n.prod(axis=1) * (n.sum(axis=1) + 1)).sum() / 12)
    off = float(stats.norm.ppf((1 + level) / 2)) * spread
    value = _difference(pairs, whole, whole / 2)
    low, high = (_difference(pairs, whole, whole / 2 + side) if off < whole / 2 - 0.5 else
                 np.copysign(np.inf, side) for side in (-off, off))  # too few to bound it
    return value, low, high, float(np.median(kept.y[~kept.new]))


def _difference(pairs: list[tuple[np.ndarray, ...]], whole: float, at: float) -> float:
    """The difference new less old that ``at`` of all pairs do not exceed; pairs are not listed."""
    low = min(float(new[0] - old[-1]) for old, new in pairs)
    high = max(float(new[-1] - old[0]) for old, new in pairs)
    for _ in range(_STEPS):
        middle = (low + high) / 2
        above = sum(int(np.searchsorted(old, new - middle).sum()) for old, new in pairs)
        low, high = (low, middle) if whole - above >= at else (middle, high)
    return (low + high) / 2


MEASURES: dict[str, Callable[[Rows, float], _Found]] = {
    "mean": _mean, "typical": _typical, "share": _share}
