"""What the same question answers where there is nothing to find.

An earlier cut by lot: before the change, requests (or sessions) are told to be new by lot. The same
sessions before the change: those that the new version served later, beside those that it did not.
Another service: what the others spend themselves on a request cannot depend on which version of
this one served it, unless the versions were handed other requests.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from aiops.changes import effect
from aiops.changes.effect import LEVEL, Effect, Rows
from aiops.changes.requests import before
from aiops.changes.treatments import LEAST

DRAWS = 200
_LEAST = 10  # requests of either version in which another service takes part


@dataclass(frozen=True)
class Cuts:
    """Placebo changes among requests that the old version served.

    Attributes:
        draws: how many. found: share of them whose interval holds no zero; beyond 1 - level the
            intervals are too narrow here. p: share with an effect at least as large as the one
            that was found, the real one counted as well (Phipson and Smyth 2010).
    """

    outcome: str
    measure: str
    draws: int
    found: float
    p: float


def cuts(calm: pd.DataFrame, real: Effect, strata: Sequence[str] = (), draws: int = DRAWS,
         seed: int = 0) -> Cuts | None:
    """Repeat the measurement on requests from before the change, with the new ones drawn by lot.

    Args:
        calm: ``requests`` served by the old version alone. real: the effect that was found.

    Returns:
        None where there were too few requests before. As many are drawn as the change had on each
        side, or all there are in the same proportion; lots that cannot be compared are no draws.
        Where requests belong to clusters, whole clusters are drawn, as a sticky router does.
    """
    told = effect.rows(calm, real.outcome, strata)
    taken = min(len(told.y), real.n_new + real.n_old)
    new = max(2, round(taken * real.n_new / (real.n_new + real.n_old)))
    rng = np.random.default_rng(seed)
    lots = [_drawn(told, taken, new, rng) for _ in range(draws * (taken >= 2 * _LEAST))]
    made = [effect.measured(real.measure, lot, real.outcome, real.level)
            for lot in lots if lot.comparable().new.any()]
    if not made:
        return None
    as_large = sum(abs(each.value) >= abs(real.value) for each in made)
    return Cuts(real.outcome, real.measure, len(made),
                float(np.mean([each.side != 0 for each in made])),
                (1 + as_large) / (1 + len(made)))


def others(table: pd.DataFrame, own: pd.DataFrame, strata: Sequence[str] = (),
           level: float = LEVEL) -> list[Effect]:
    """The effect on the own time of every other service, the level held over all of them.

    Args:
        table: ``requests`` side by side; those that failed are left out, for where one fails the
            rest of its way is another.
        own: ``requests.own_time``.
    """
    fine = table[~table["entry_failed"]]
    joined = {name: fine.join(own[name].rename("own_ms"), how="inner").dropna(subset="own_ms")
              for name in own.columns}
    able = {name: rows for name, rows in joined.items() if _both(rows, strata)}
    alone = 1 - (1 - level) / max(len(able), 1)
    return [replace(effect.effect(rows, "own_ms", "typical", strata, alone), outcome=name)
            for name, rows in able.items()]


def _both(rows: pd.DataFrame, strata: Sequence[str]) -> bool:
    cells = [part for _, part in rows.groupby(list(strata), dropna=False)] if strata else [rows]
    return any(part["new"].sum() >= _LEAST and (~part["new"]).sum() >= _LEAST for part in cells) \
        and bool(effect.rows(rows, "own_ms", strata).comparable().new.any())


def same_sessions(table: pd.DataFrame, real: Sequence[Effect],
                  strata: Sequence[str] = ()) -> list[Effect]:
    """The same measures before the change, between the sessions that the versions served later.

    Both were served by the old version then: where they differ, the versions were handed other
    sessions, and what they differ by now need not be the change's.

    Args:
        table: ``requests`` with a cluster. real: effects, whose measures and levels are taken.

    Returns:
        An effect each; none where fewer than ``LEAST`` of the new version's sessions were seen
        before, or there is no stratum with enough of both.
    """
    calm = before(table)
    later = table[~table.index.isin(calm.index)]
    new = later.groupby("cluster")["new"].max()
    known = calm[calm["cluster"].isin(new.index)]
    told = known.assign(new=known["cluster"].map(new).astype(bool))
    by = [effect.rows(told, each.outcome, strata) for each in real]
    if not by or min(each.comparable().units_new for each in by) < LEAST:
        return []
    return [effect.measured(each.measure, given, each.outcome, each.level)
            for each, given in zip(real, by, strict=True)]


def _drawn(calm: Rows, taken: int, new: int, rng: np.random.Generator) -> Rows:
    if calm.cluster is not None:
        return _sessions(calm, taken, new, rng)
    drawn = calm.take(rng.choice(len(calm.y), taken, replace=False))
    return replace(drawn, new=np.arange(taken) < new)


def _sessions(calm: Rows, taken: int, new: int, rng: np.random.Generator) -> Rows:
    """Whole clusters in random order, until there are as many requests."""
    assert calm.cluster is not None
    size = np.bincount(calm.cluster)
    order = rng.permutation(len(size))
    rank = np.argsort(order)[calm.cluster]
    upto = np.cumsum(size[order])
    keep = rank <= np.searchsorted(upto, taken)
    return replace(calm, new=rank <= np.searchsorted(upto, new)).take(keep)
