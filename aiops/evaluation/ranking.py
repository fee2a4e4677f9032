"""How good is a ranking of suspects: AC@k, Avg@5, MRR, with chance beside them.

AC@k = |top k ∩ culprits| / min(k, |culprits|), Avg@5 the mean of AC@1 to AC@5, MRR one over
the rank of the first culprit. Equal blame is a tie, its order means nothing: all of a tie
have its mean rank. A suspect without blame ties last, and a failed case is a miss.

Where a case is ranked several times (under a stress with seeds), its mean is its score. What a
ranker states of itself (``aiops.base.Ranker``) is judged beside: how often it abstains, how good
it is where it does not, and whether its confidence is true.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import comb
from typing import Any

import numpy as np
import pandas as pd

from aiops.errors import InputError
from aiops.evaluation.bootstrap import interval
from aiops.evaluation.figures import Figure
from aiops.evaluation.slices import group, visible

KS = (1, 2, 3, 4, 5)
METRICS = ("ac@1", "ac@3", "ac@5", "avg@5", "mrr")
BINS = 10  # of confidence


@dataclass(frozen=True)
class Outcome:
    """What one ranker made of one case.

    Args:
        blame: suspect -> blame; None where it failed.
        truth: the case's entry of truth.json; it names the culprits.
        seconds: time of ``rank`` alone.
        case: which case; outcomes of one case count once, by their mean. None: of its own.
    """

    blame: pd.Series | None
    suspects: tuple[str, ...]
    truth: Mapping[str, Any]
    seconds: float = 0.0
    error: str | None = None
    case: str | None = None

    @cached_property
    def scores(self) -> dict[str, float]:
        """The metrics of this ranking; a case is judged in several slices."""
        return scores(self.blame, self.suspects, self.truth["culprits"])

    @cached_property
    def chance(self) -> dict[str, float]:
        """What a random ranking of these suspects scores on average."""
        return chance(self.suspects, self.truth["culprits"])

    @property
    def confidence(self) -> float | None:
        """How sure the ranker said that it is; None: it did not, or it failed."""
        return stated(self.blame)[0]

    @property
    def abstains(self) -> bool | None:
        """Whether the ranker would name nobody; None: it did not say, or it failed."""
        return stated(self.blame)[1]


def stated(blame: pd.Series | None) -> tuple[float | None, bool | None]:
    """(confidence, abstains) that a ranking states; None for what it does not.

    Raises:
        InputError: a confidence outside 0 to 1, or something that is no bool.
    """
    told = {} if blame is None else blame.attrs
    sure, abstains = told.get("confidence"), told.get("abstains")
    if sure is not None and not 0.0 <= sure <= 1.0:
        raise InputError(f"A ranking's confidence is a probability, 0 to 1. Got {sure!r}.")
    if abstains is not None and not isinstance(abstains, bool | np.bool_):
        raise InputError(f"A ranking's abstains is True or False. Got {abstains!r}.")
    return (None if sure is None else float(sure), None if abstains is None else bool(abstains))


def ranks(blame: pd.Series, suspects: Sequence[str]) -> pd.Series:
    """Rank of every suspect, 1 is most blamed, ties at their mean rank."""
    if blame.index.has_duplicates:
        raise InputError("A ranking must name each suspect once. Got "
                         f"{sorted(set(blame.index[blame.index.duplicated()]))} twice.")
    full = blame.reindex(list(suspects)).astype(float).fillna(-np.inf)
    return full.rank(ascending=False, method="average")


def scores(blame: pd.Series | None, suspects: Sequence[str],
           culprits: Collection[str]) -> dict[str, float]:
    """The metrics of one case. A culprit who is no suspect cannot be found: a miss."""
    if not culprits:
        raise InputError("A case without culprits is no incident and cannot be scored.")
    if blame is None:
        return dict.fromkeys(METRICS, 0.0)
    of = ranks(blame, suspects).reindex(sorted(set(culprits))).fillna(np.inf)
    at = {k: float((of <= k).sum()) / min(k, len(of)) for k in KS}
    return {"ac@1": at[1], "ac@3": at[3], "ac@5": at[5],
            "avg@5": float(np.mean(list(at.values()))), "mrr": float(1 / of.min())}


def chance(suspects: Sequence[str], culprits: Collection[str]) -> dict[str, float]:
    """What a ranking drawn at random scores on average."""
    n, m = len(suspects), len(set(culprits) & set(suspects))
    wanted = len(set(culprits))
    at = {k: min(k, n) * m / n / min(k, wanted) for k in KS}
    first = [comb(n - r, m - 1) / comb(n, m) if m else 0.0 for r in range(1, n + 1)]
    return {"ac@1": at[1], "ac@3": at[3], "ac@5": at[5],
            "avg@5": float(np.mean(list(at.values()))),
            "mrr": float(sum(p / r for r, p in enumerate(first, start=1)))}


def slices(truth: Mapping[str, Any]) -> list[str]:
    """The slices that a case belongs to; ``slices`` of its truth are a set's own protocol."""
    fault = [f"fault={truth['fault']}"] if truth.get("fault") else []
    return ["all", group(truth.get("kind"), visible(truth)), *fault, *truth.get("slices", [])]


def figures(outcomes: Sequence[Outcome], dataset: str, model: str) -> list[Figure]:
    """All figures of one ranker on one data set, slice by slice."""
    by_slice: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        for name in slices(outcome.truth):
            by_slice.setdefault(name, []).append(outcome)
    return [figure for name in sorted(by_slice, key=lambda s: (s != "all", s))
            for figure in of_slice(by_slice[name], dataset, model, name)]


def of_slice(outcomes: Sequence[Outcome], dataset: str, model: str, name: str) -> list[Figure]:
    """All figures of one ranker over these outcomes, which are one slice."""
    case = _cases(outcomes)
    got = pd.DataFrame([o.scores for o in outcomes])
    guess = pd.DataFrame([o.chance for o in outcomes])
    by_case, by_chance = got.groupby(case).mean(), guess.groupby(case).mean().mean()
    made = [_figure(dataset, model, name, m, by_case[m], float(by_chance[m])) for m in METRICS]
    made += _answered(outcomes, got["ac@1"], guess["ac@1"], dataset, model, name)
    seconds, n = [o.seconds for o in outcomes], len(by_case)
    made += [Figure("rca", dataset, model, name, f"seconds_p{q}",
                    float(np.percentile(seconds, q)), None, None, n, None, "s")
             for q in (50, 95)]
    failed = pd.Series([o.blame is None for o in outcomes]).groupby(case).mean().sum()
    return [*made, Figure("rca", dataset, model, name, "failures", float(failed), None, None, n,
                          None, "count")]


def _cases(outcomes: Sequence[Outcome]) -> np.ndarray:
    """A number a case, for each outcome."""
    names = [n if o.case is None else o.case for n, o in enumerate(outcomes)]
    return pd.factorize(pd.Series(names, dtype=object))[0]


def _figure(dataset: str, model: str, name: str, metric: str, by_case: pd.Series,
            by_chance: float | None = None) -> Figure:
    return Figure("rca", dataset, model, name, metric, float(by_case.mean()), *interval(by_case),
                  len(by_case), by_chance, "share")


def _answered(outcomes: Sequence[Outcome], first: pd.Series, guess: pd.Series, dataset: str,
              model: str, name: str) -> list[Figure]:
    """How often it abstains, how good it is elsewhere, and how true its confidence is."""
    made = abstention(outcomes, dataset, model, name)
    case = _cases(outcomes)
    kept = np.array([not o.abstains for o in outcomes])
    if made and kept.any():
        made.append(_figure(dataset, model, name, "ac@1_answered",
                            first[kept].groupby(case[kept]).mean(),
                            float(guess[kept].groupby(case[kept]).mean().mean())))
    table = reliability(outcomes)
    if len(table):
        off = (table["confidence"] - table["hit"]).abs()
        made.append(Figure("rca", dataset, model, name, "ece",
                           float(np.average(off, weights=table["n"])), None, None,
                           int(table["n"].sum()), None, "share"))
    return made


def abstention(outcomes: Sequence[Outcome], dataset: str, model: str, name: str) -> list[Figure]:
    """In what share of the cases the ranker abstains; nothing where it never says.

    A case in which it fails is none in which it abstains.
    """
    if all(o.abstains is None for o in outcomes):
        return []
    by_case = pd.Series([float(bool(o.abstains)) for o in outcomes]).groupby(
        _cases(outcomes)).mean()
    return [_figure(dataset, model, name, "abstained", by_case)]


def reliability(outcomes: Sequence[Outcome], bins: int = BINS) -> pd.DataFrame:
    """Is the stated confidence true? A row a bin of confidence that holds a ranking.

    Returns:
        low, high: the bin's bounds. confidence: the mean stated in it. hit: in what share the
        first suspect is a culprit; of suspects that tie for the first place, the share of
        culprits among them. n: rankings. Those that state no confidence are left out.
    """
    told = [(o.confidence, _hit(o)) for o in outcomes if o.confidence is not None]
    rows = pd.DataFrame(told, columns=["confidence", "hit"], dtype=float)
    number = (rows["confidence"] * bins).astype(int).clip(upper=bins - 1).rename("bin")
    made = rows.groupby(number).agg(confidence=("confidence", "mean"), hit=("hit", "mean"),
                                    n=("hit", "size")).reset_index()
    return pd.DataFrame({"low": made["bin"] / bins, "high": (made["bin"] + 1) / bins,
                         **{c: made[c] for c in ("confidence", "hit", "n")}})


def _hit(outcome: Outcome) -> float:
    assert outcome.blame is not None
    place = ranks(outcome.blame, outcome.suspects)
    first = place.index[place == place.min()]
    return float(first.isin(list(outcome.truth["culprits"])).mean())
