"""How good is a ranking of suspects: AC@k, Avg@5, MRR, with chance beside them.

AC@k = |top k ∩ culprits| / min(k, |culprits|), Avg@5 the mean of AC@1 to AC@5, MRR one over
the rank of the first culprit. Equal blame is a tie, its order means nothing: all of a tie
have its mean rank. A suspect without blame ties last, and a failed case is a miss.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Outcome:
    """What one ranker made of one case.

    Args:
        blame: suspect -> blame; None where it failed.
        truth: the case's entry of truth.json; it names the culprits.
        seconds: time of ``rank`` alone.
    """

    blame: pd.Series | None
    suspects: tuple[str, ...]
    truth: Mapping[str, Any]
    seconds: float = 0.0
    error: str | None = None


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
            for figure in _slice(by_slice[name], dataset, model, name)]


def _slice(outcomes: list[Outcome], dataset: str, model: str, name: str) -> list[Figure]:
    n = len(outcomes)
    got = pd.DataFrame([scores(o.blame, o.suspects, o.truth["culprits"]) for o in outcomes])
    guess = pd.DataFrame([chance(o.suspects, o.truth["culprits"]) for o in outcomes]).mean()

    def figure(metric: str, value: float, unit: str, low: float | None = None,
               high: float | None = None, by_chance: float | None = None) -> Figure:
        return Figure("rca", dataset, model, name, metric, float(value), low, high, n,
                      by_chance, unit)

    made = [figure(m, got[m].mean(), "share", *interval(got[m]), float(guess[m]))
            for m in METRICS]
    seconds = [o.seconds for o in outcomes]
    made += [figure(f"seconds_p{q}", np.percentile(seconds, q), "s") for q in (50, 95)]
    return [*made, figure("failures", sum(o.blame is None for o in outcomes), "count")]
