"""How much: the difference between requests on the new and on the old version, with an interval.

Requests are compared within strata (route, region, tenant, time), so that another mix of requests
is no effect; of means and shares, strata count by how many of the new version's requests lie in
them: the effect on those that the change touched. Where the table has a column ``cluster`` (the
session of a request), requests of one are taken to be alike: what is drawn is clusters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import stats

from aiops.changes import clock
from aiops.changes.clusters import Spread, spread
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
            there are too few to compare. clusters: that they belong to; None where each stands
            for itself.
        step: of the clock, as the latencies tell it; the interval allows for it.
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
    clusters: int | None = None
    step: float = 0.0

    @property
    def side(self) -> int:
        """1: the whole interval lies above no effect; -1: below; 0: it holds no effect."""
        return int(self.low > 0) - int(self.high < 0)


def effect(table: pd.DataFrame, outcome: str, measure: str, strata: Sequence[str] = (),
           level: float = LEVEL) -> Effect:
    """The effect of the new version on one outcome.

    Args:
        table: ``requests``: new (bool), the outcome, the columns of ``strata``; and cluster,
            where requests of one are alike.
        measure: "mean", the difference of means: what all requests together pay; a few slow ones
            carry it. Welch's interval (1947) with Satterthwaite's degrees of freedom.
            "typical", the median of all differences new less old (Hodges and Lehmann 1963) with
            the interval of the rank sum test: a few outliers do not widen it.
            "share", the difference of the shares of requests in which the outcome is true, with
            the hybrid score interval (Newcombe 1998) of stratified shares (Yan and Su 2010).
            With clusters: the jackknife over clusters for the first two, and for a share as many
            requests as tell as much (design effect; Korn and Graubard 1998). A clock's step
            widens the typical one by as much, and the mean where most requests took exactly the
            same time.
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
    """Requests to compare, as arrays (n,): number of the stratum, whether new, outcome, cluster.

    ``step`` is the clock's, read from all of the outcome.
    """

    cell: np.ndarray
    new: np.ndarray
    y: np.ndarray
    cluster: np.ndarray | None = None
    step: float = 0.0

    def comparable(self) -> Rows:
        """Those of strata with two requests (clusters) of either version; numbered anew."""
        n = [self._units(of) for of in (self.new, ~self.new)]
        kept = self.take((np.minimum(*n) >= 2)[self.cell])
        return replace(kept, cell=_numbered(kept.cell),
                       cluster=None if kept.cluster is None else _numbered(kept.cluster))

    def take(self, at: np.ndarray) -> Rows:
        """Some of them, by mask or index."""
        return replace(self, cell=self.cell[at], new=self.new[at], y=self.y[at],
                       cluster=None if self.cluster is None else self.cluster[at])

    @property
    def units_new(self) -> int:
        """Requests on the new version; or clusters that it served some of."""
        return int(self.new.sum()) if self.cluster is None else \
            len(np.unique(self.cluster[self.new]))

    def _units(self, of: np.ndarray) -> np.ndarray:
        """Requests (clusters) by stratum."""
        cells = int(self.cell.max(initial=0)) + 1
        if self.cluster is None:
            return np.bincount(self.cell[of], minlength=cells)
        pairs = np.unique(np.stack([self.cell[of], self.cluster[of]]), axis=1)
        return np.bincount(pairs[0], minlength=cells)


def _numbered(labels: np.ndarray) -> np.ndarray:
    return np.unique(labels, return_inverse=True)[1]


def rows(table: pd.DataFrame, outcome: str, strata: Sequence[str]) -> Rows:
    """The requests of a table, see ``effect``; those without an outcome are left out."""
    missing = [name for name in ("new", outcome, *strata) if name not in table]
    if missing:
        raise InputError(f"An effect needs the columns new, the outcome and the strata. Missing: "
                         f"{', '.join(missing)}. There are: {', '.join(map(str, table.columns))}.")
    cell = table.groupby(list(strata), dropna=False, observed=True).ngroup().to_numpy() \
        if strata else np.zeros(len(table), dtype=int)
    y = table[outcome].to_numpy(dtype=float)
    known = ~np.isnan(y)
    cluster = pd.factorize(table["cluster"])[0] if "cluster" in table else None
    told = Rows(cell, table["new"].to_numpy(dtype=bool), y, cluster).take(known)
    return told if table[outcome].dtype == bool else replace(told, step=clock.step(told.y))


def measured(how: str, given: Rows, outcome: str, level: float = LEVEL) -> Effect:
    """The effect by one of ``MEASURES``.

    Raises:
        InputError: fewer than two requests (clusters) of either version in each stratum.
    """
    kept = given.comparable()
    all_new, new = int(given.new.sum()), int(kept.new.sum())
    if not new:
        raise InputError("An effect needs two requests on the new and two on the old version in "
                         "one stratum, of two clusters each where these are told. "
                         f"Got {all_new} new and {len(given.new) - all_new} old "
                         f"requests of {outcome}. Wait for more, or compare fewer strata.")
    value, low, high, old = MEASURES[how](kept, level)
    clusters = None if kept.cluster is None else int(kept.cluster.max()) + 1
    return Effect(outcome, how, value, low, high, level, old, new, len(kept.new) - new,
                  all_new - new, clusters, kept.step)


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
    variance, df = _welch(n, var, w)
    if (by := _spread(kept, kept.y, w)) is not None:
        variance, df = by.difference, by.df
    half = float(stats.t.ppf((1 + level) / 2, df) * np.sqrt(variance)) + _stuck(kept, w)
    return value, value - half, value + half, old


def _welch(n: np.ndarray, var: np.ndarray, w: np.ndarray) -> tuple[float, float]:
    """Variance of a difference of means of requests that each stand for themselves; its df."""
    parts = w**2 * var / n
    if not parts.sum() > 0:  # nothing varies
        return 0.0, 1.0
    return float(parts.sum()), float(parts.sum()**2 / (parts**2 / (n - 1)).sum())


def _spread(kept: Rows, value: np.ndarray, w: np.ndarray) -> Spread | None:
    return None if kept.cluster is None else spread(value, kept.new, kept.cell, kept.cluster, w)


def _stuck(kept: Rows, w: np.ndarray) -> float:
    """What the clock leaves open of a mean: its step, where times do not vary beyond it."""
    cells = len(w)
    group = kept.new.astype(int) * cells + kept.cell
    of = clock.stuck(kept.y, group, 2 * cells).reshape(2, cells).any(axis=0) & (kept.step > 0)
    return kept.step * float(w[of].sum()) if of.any() else 0.0


def _share(kept: Rows, level: float) -> _Found:
    n, middle, _ = _cells(kept)
    w = n[1] / n[1].sum()
    by = _spread(kept, kept.y, w)
    worth = [_worth(w, middle[arm], n[arm]) for arm in (0, 1)]
    if by is not None:
        worth = [_fewer(worth[0], float(w @ middle[0]), by.old, by.n_old, level),
                 _fewer(worth[1], float(w @ middle[1]), by.new, by.n_new, level)]
    (p0, low0, high0), (p1, low1, high1) = (
        _wilson(float(w @ middle[arm]), worth[arm], level) for arm in (0, 1))
    value = p1 - p0
    return (value, value - float(np.hypot(p1 - low1, high0 - p0)),
            value + float(np.hypot(high1 - p1, p0 - low0)), p0)


def _fewer(n: float, share: float, variance: float, clusters: float, level: float) -> float:
    """Requests that each stand for themselves and tell as much as those of so many clusters.

    Where none failed, or all did, nothing tells how alike they are: a cluster counts once.
    """
    alone = share * (1 - share) / variance if variance > 0 else clusters
    t, z = (of.ppf((1 + level) / 2, *df) for of, df in
            ((stats.t, (max(clusters - 1, 1.0),)), (stats.norm, ())))
    return float(min(n, alone) * (z / t)**2)


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
    value = _difference(pairs, whole, whole / 2)
    spread = np.sqrt((n.prod(axis=1) * (n.sum(axis=1) + 1)).sum() / 12)
    off = float(stats.norm.ppf((1 + level) / 2)) * spread
    if (by := _spread(kept, _placed(kept, pairs, value), n.prod(axis=1))) is not None:
        off = float(stats.t.ppf((1 + level) / 2, by.df) * np.sqrt(by.difference))
    low, high = (_difference(pairs, whole, whole / 2 + side) + np.copysign(kept.step, side)
                 if off < whole / 2 - 0.5 else np.copysign(np.inf, side)
                 for side in (-off, off))  # too few to bound it
    return value, low, high, float(np.median(kept.y[~kept.new]))


def _placed(kept: Rows, pairs: list[tuple[np.ndarray, ...]], value: float) -> np.ndarray:
    """Share of the other version's requests of the stratum that lie below, new ones moved back."""
    y = kept.y - value * kept.new
    placed = np.empty(len(y))
    for cell, (old, new) in enumerate(pairs):
        for arm, other in ((True, old), (False, new - value)):
            mine = (kept.cell == cell) & (kept.new == arm)
            placed[mine] = (np.searchsorted(other, y[mine], "left")
                            + np.searchsorted(other, y[mine], "right")) / (2 * len(other))
    return placed


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
