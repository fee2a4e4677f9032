"""Whom it hit most: effects by combinations of attributes, as a tenant on a route.

A learner is asked, and not believed. Requests (or sessions) are halved by lot. On either half it
learns what a request of each kind gains, and names the combinations in which that differs most;
the other half, of which it saw nothing, says by the textbook's intervals what is true of them.
Several measures, halves and combinations are tested: the level holds over all of them (Bonferroni).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from aiops.case import Case
from aiops.changes import learner
from aiops.changes.effect import LEVEL, Effect, effect, rows
from aiops.changes.impact import compared
from aiops.changes.requests import SEGMENTS, requests
from aiops.changes.treatments import Change

MEASURES = (("typical", "latency_ms"), ("share", "failed"))
NAMED = 2  # combinations that a half names for each measure
DEEPEST = 3  # attributes of one
LEAST = 10  # requests of either version in a combination and the rest, in the half that names it
_SHRINK = 10.0  # requests by which a stratum's share of new ones is drawn to the whole's
_ENDS = (0.01, 0.99)  # quantiles to which latencies are cut for the learner: a few are no kind
_POINTS = 51  # of the curve

Features = Sequence[str]
Name = Callable[[pd.DataFrame, str, Features, int], "Named"]


@dataclass(frozen=True)
class Named:
    """What one half says: kinds of request that differ, and how much a request like each gains."""

    kinds: list[dict[str, object]]
    score: Callable[[pd.DataFrame], np.ndarray]


@dataclass(frozen=True)
class Uplift:
    """Whom a change hit most.

    Attributes:
        found: a row a combination and measure, those that differ most surely first: outcome,
            measure, combination, halves (that named it), effect, low, high, rest (the effect on
            all other requests), p (that both are the same, for all tests together), n_new, n_old.
        curve: by outcome: share of requests, most affected first; gain, what they add to the
            mean; chance, the same in any order.
        areas: by outcome: area (between both, in the outcome's unit a request) and p that there
            is none, one-sided, of the better half (Bonferroni).
        why: nothing could be asked, and why; empty otherwise.
    """

    found: pd.DataFrame
    curve: pd.DataFrame
    areas: pd.DataFrame
    level: float
    why: str = ""

    @property
    def sure(self) -> pd.DataFrame:
        """The combinations whose requests are hit otherwise than the rest, beyond chance."""
        return self.found[self.found["p"] <= 1 - self.level] if len(self.found) else self.found


def uplift(case: Case, change: Change, segments: Sequence[str] = SEGMENTS,
           cluster: str | None = None, level: float = LEVEL, seed: int = 0) -> Uplift:
    """Whom one change hit most, of the requests that both versions served side by side.

    Args:
        segments, cluster: see ``impact``. level: over all that is tested. seed: of the lots.

    Raises:
        UsageError: causalml is not installed; or no span tells the cluster.
    """
    beside, strata, whole = compared(requests(case, change, segments, cluster), segments)
    if whole:
        return _none("All requests changed at once: nothing is left to compare with.", level)
    return among(beside, strata, level, seed)


def among(table: pd.DataFrame, strata: Sequence[str], level: float = LEVEL, seed: int = 0,
          name: Name | None = None) -> Uplift:
    """The same of a table of requests that may be compared within strata.

    Args:
        table: see ``effect``, with the outcomes of ``MEASURES``. name: what names combinations on
            a half; the X-learner where None.
    """
    features = [each for each in strata if each != "period"]
    if not any(_kinds(table, features, 2 * LEAST)):
        return _none("There are too few requests, or all are of one kind: no combination of "
                     f"{', '.join(features)} leaves {2 * LEAST} on either version in it, and as "
                     "many beside it.", level)
    halves = _halves(table, seed)
    parts = [_asked(table, halves, features, list(strata), how, what, level, seed,
                    name or by_learner) for how, what in MEASURES]
    found, curves, areas = (pd.concat(each, ignore_index=True) for each in zip(*parts, strict=True))
    return Uplift(found.sort_values("p", kind="stable", ignore_index=True), curves, areas, level)


def all_kinds(table: pd.DataFrame, features: Features) -> list[dict[str, object]]:
    """Every combination of up to three attributes with enough requests in and beside it."""
    return [kind for kind, _ in _kinds(table, features, 2 * LEAST)]


def of_kinds(table: pd.DataFrame, kinds: Sequence[dict[str, object]], strata: Sequence[str],
             level: float = LEVEL) -> pd.DataFrame:
    """Combinations that were fixed beforehand, on all requests, the surest first.

    The textbook alone: with p of every measure and combination, the level holds over all.

    Returns:
        See ``Uplift.found``; halves is 1.
    """
    tests = len(kinds) * len(MEASURES)
    told = [_answer(kind, table, list(strata), how, what, 1 - (1 - level) / max(tests, 1))
            for how, what in MEASURES for kind in kinds]
    return _merged([each for each in told if each], tests).sort_values(
        "p", kind="stable", ignore_index=True)


def by_learner(half: pd.DataFrame, outcome: str, features: Features, seed: int) -> Named:
    """What the X-learner says of a half."""
    y = half[outcome].astype(float)
    if half[outcome].dtype != bool:
        y = y.clip(*y.quantile(list(_ENDS)))
    columns = pd.get_dummies(half[list(features)].astype("string")).columns
    fit = learner.x_learner(_coded(half, features, columns), half["new"].to_numpy(), y.to_numpy(),
                            _share(half, features), seed)

    def score(other: pd.DataFrame) -> np.ndarray:
        return fit(_coded(other, features, columns), _share(other, features))

    return Named(_most(half, score(half), features), score)


def _coded(table: pd.DataFrame, features: Features, columns: pd.Index) -> np.ndarray:
    told = pd.get_dummies(table[list(features)].astype("string"))
    return np.asarray(told.reindex(columns=columns, fill_value=False).to_numpy(dtype=float))


def _share(table: pd.DataFrame, features: Features) -> np.ndarray:
    """Of requests of the same kind, those that the new version serves, drawn to the whole's."""
    by = table.groupby(list(features), dropna=False)["new"]
    whole = float(np.clip(table["new"].mean(), 0.01, 0.99))
    drawn = (by.transform("sum") + _SHRINK * whole) / (by.transform("size") + _SHRINK)
    return np.asarray(drawn.to_numpy(dtype=float))


def _halves(table: pd.DataFrame, seed: int) -> np.ndarray:
    """By lot, whole clusters where there are any: True for one half."""
    unit = pd.factorize(table["cluster"])[0] if "cluster" in table else np.arange(len(table))
    order = np.random.default_rng(seed).permutation(int(unit.max()) + 1)
    return np.asarray(order[unit] % 2 == 0)


def _kinds(table: pd.DataFrame, features: Features,
           least: int = LEAST) -> Iterator[tuple[dict[str, object], np.ndarray]]:
    """Combinations with enough requests of either version in them and beside them: positions."""
    new = table["new"].to_numpy()
    for deep in range(1, min(DEEPEST, len(features)) + 1):
        for names in combinations(features, deep):
            for values, at in table.groupby(list(names)).indices.items():
                inside = np.array([(new[at]).sum(), (~new[at]).sum()])
                if min(*inside, *(np.array([new.sum(), (~new).sum()]) - inside)) >= least:
                    told = values if isinstance(values, tuple) else (values,)
                    yield dict(zip(names, told, strict=True)), at


def _most(half: pd.DataFrame, gain: np.ndarray, features: Features) -> list[dict[str, object]]:
    """The combinations that explain most of how gains differ, one after the other."""
    known, gain, named = list(_kinds(half, features)), gain.copy(), []
    for _ in range(min(NAMED, len(known))):
        off = gain - gain.mean()
        told = [off[at].sum()**2 * len(off) / (len(at) * (len(off) - len(at))) for _, at in known]
        best = int(np.argmax(told))
        kind, at = known.pop(best)
        named.append(kind)
        rest = np.setdiff1d(np.arange(len(gain)), at)
        gain[at] += gain[rest].mean() - gain[at].mean()
    return named


def _asked(table: pd.DataFrame, halves: np.ndarray, features: Features, strata: list[str],
           how: str, what: str, level: float, seed: int,
           name: Name) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """One measure: what each half names, asked of the other; and the curve of its scores."""
    tests = 2 * NAMED * len(MEASURES)
    out, lines = [], []
    for mine in (halves, ~halves):
        named, other = name(table[mine], what, features, seed), table[~mine]
        out += [_answer(kind, other, strata, how, what, 1 - (1 - level) / tests)
                for kind in named.kinds]
        lines.append(_line(other, named.score(other), what, features))
    return (_merged([each for each in out if each], tests),
            _curve(lines).assign(outcome=what), _area(lines).assign(outcome=what))


def _answer(kind: dict[str, object], other: pd.DataFrame, strata: list[str], how: str, what: str,
            level: float) -> dict[str, object] | None:
    """A row of ``Uplift.found``, of one half; None where the half has too few to say."""
    mine = np.logical_and.reduce([(other[each] == value).to_numpy()
                                  for each, value in kind.items()])
    within = [each for each in strata if each not in kind]
    if not (_able(other[mine], what, within) and _able(other[~mine], what, strata)):
        return None
    at, rest = effect(other[mine], what, how, within, level), effect(other[~mine], what, how,
                                                                     strata, level)
    return {"outcome": what, "measure": how, "halves": 1, "effect": at.value, "low": at.low,
            "combination": ", ".join(f"{each}={value}" for each, value in kind.items()),
            "high": at.high, "rest": rest.value, "p": _same(at, rest), "n_new": at.n_new,
            "n_old": at.n_old}


def _able(part: pd.DataFrame, what: str, strata: list[str]) -> bool:
    kept = rows(part, what, strata).comparable()
    return bool(min(kept.new.sum(), (~kept.new).sum()) >= LEAST // 2)


def _same(one: Effect, other: Effect) -> float:
    """p that two effects are equal, their intervals read as normal."""
    wide = np.hypot(one.high - one.low, other.high - other.low)
    if not np.isfinite(wide) or wide <= 0:
        return 1.0
    z = float(stats.norm.ppf((1 + one.level) / 2))
    return float(2 * stats.norm.sf(abs(one.value - other.value) * 2 * z / wide))


def _merged(told: list[dict[str, object]], tests: int) -> pd.DataFrame:
    """One row a combination: where both halves named it, the middle of their two answers.

    Both intervals hold together, and so does the one between them; the better p is counted.
    """
    names = ["outcome", "measure", "combination", "halves", "effect", "low", "high", "rest", "p",
             "n_new", "n_old"]
    if not told:
        return pd.DataFrame(columns=names)
    by = pd.DataFrame(told).groupby(["outcome", "measure", "combination"], sort=False)
    made = by.agg({"halves": "sum", "effect": "mean", "low": "mean", "high": "mean",
                   "rest": "mean", "p": "min", "n_new": "sum", "n_old": "sum"}).reset_index()
    return made.assign(p=np.minimum(1.0, made["p"] * tests))[names]


@dataclass(frozen=True)
class _Line:
    """What each request adds, most affected first (n,), and what units these belong to."""

    gain: np.ndarray
    unit: np.ndarray


def _line(other: pd.DataFrame, score: np.ndarray, what: str, features: Features) -> _Line:
    """Gains whose mean is the effect (Horvitz and Thompson 1952), less what the kind explains."""
    y, new, share = other[what].astype(float), other["new"], _share(other, features)
    by = list(features)
    middle = y.groupby([other[each] for each in by], dropna=False).transform("mean")
    gain = ((y - middle) * np.where(new, 1 / share, -1 / (1 - share))).to_numpy()
    unit = pd.factorize(other["cluster"])[0] if "cluster" in other else np.arange(len(other))
    order = np.argsort(-score, kind="stable")
    return _Line(gain[order], unit[order])


def _curve(lines: list[_Line]) -> pd.DataFrame:
    at = np.linspace(0, 1, _POINTS)
    gains = [np.interp(at, np.linspace(0, 1, len(each.gain) + 1),
                       np.r_[0.0, np.cumsum(each.gain)] / len(each.gain)) for each in lines]
    gain = np.mean(gains, axis=0)
    return pd.DataFrame({"share": at, "gain": gain, "chance": at * gain[-1]})


def _area(lines: list[_Line]) -> pd.DataFrame:
    """Between the curve and any order; p of the better half, one-sided, by its units' sums."""
    areas, ps = [], []
    for each in lines:
        n = len(each.gain)
        weight = 0.5 - (np.arange(n) + 0.5) / n
        part = (each.gain - each.gain.mean()) * weight / n
        spread = float(np.sqrt((np.bincount(each.unit, part)**2).sum()))
        areas.append(float(part.sum()))
        ps.append(float(stats.norm.sf(part.sum() / spread)) if spread > 0 else 1.0)
    return pd.DataFrame({"area": [float(np.mean(areas))], "p": [min(1.0, 2 * min(ps))]})


def _none(why: str, level: float) -> Uplift:
    return Uplift(pd.DataFrame(), pd.DataFrame(), pd.DataFrame(), level, why)
