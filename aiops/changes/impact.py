"""What a change did: to whom, how much, how sure, and whether that can be said at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import stats

from aiops.case import Case
from aiops.changes import placebo, treatments
from aiops.changes.earlier import Shift, shifts
from aiops.changes.effect import LEVEL, Effect, effect
from aiops.changes.effect import rows as effect_rows
from aiops.changes.placebo import DRAWS, Cuts
from aiops.changes.requests import SEGMENTS, before, own_time, requests, side_by_side
from aiops.changes.treatments import LEAST, Change

AT_SERVICE = (("mean", "latency_ms"), ("typical", "latency_ms"), ("share", "failed"))
_AT_ENTRY = (("mean", "entry_latency_ms"), ("typical", "entry_latency_ms"),
             ("share", "entry_failed"))
_PERIODS = 4  # of the time side by side, to see whether the new version's share drifts
_A_PERIOD, _MOST = 50, 24  # where it does: requests a period, and periods at most
_DRIFT = 0.01  # p of a share that is the same in all of them
_SAME, _SURE = 0.3, 3.0  # |correlation| of two changes that cannot be told apart; its z

HARMFUL, BETTER, UNSEEN = "harmful", "better", "no effect seen"
NOT_IDENTIFIABLE = "not identifiable"
RANDOM = ("Which version serves a request does not depend on what else makes it slow or fail, "
          "within its stratum.")
ALONE = "A request that one version serves does not slow down those of the other."
NOTHING_ELSE = ("Nothing else changed at that time: load, data, other releases. Requests before "
                "and after are compared, and whatever came with the change counts to it.")


@dataclass(frozen=True)
class Impact:
    """The answer about one change.

    Attributes:
        verdict: "harmful", "better", "no effect seen", or "not identifiable".
        why: in a sentence.
        effects: at the service; the verdict is theirs, and their levels hold together.
        entry: on the whole requests. before_after: not identifiable: the effects are a plain
            before and after.
        segments: by segment and its value, the same measures; n, interval, p that all are equal.
        cuts, others, same_before: placebos; see ``aiops.changes.placebo``. shifts: placebos in
            time; see ``aiops.changes.earlier``. level: of the intervals, together.
        cluster: attribute whose requests are taken to be alike; None where none was named.
        assumptions: what must hold for the effects to be the change's.
        mixed: requests that both versions served, left out.
    """

    change: Change
    verdict: str
    why: str
    effects: list[Effect]
    entry: list[Effect]
    before_after: bool
    segments: pd.DataFrame
    cuts: list[Cuts]
    others: list[Effect]
    assumptions: list[str]
    strata: list[str]
    level: float
    mixed: int = 0
    with_it: list[Change] = field(default_factory=list)
    cluster: str | None = None
    same_before: list[Effect] = field(default_factory=list)
    shifts: list[Shift] = field(default_factory=list)

    def __str__(self) -> str:
        from aiops.changes.words import to_text

        return to_text(self)

    def _repr_html_(self) -> str:
        """A notebook shows the words, and the effects drawn."""
        from aiops.changes.pictures import page

        return page(self)


def impacts(case: Case, attributes: Sequence[str] = treatments.ATTRIBUTES,
            level: float = LEVEL, draws: int = DRAWS, segments: Sequence[str] = SEGMENTS,
            cluster: str | None = None) -> list[Impact]:
    """What every change in a Case did, earliest first; see ``impact``.

    Raises:
        UsageError: the Case tells no versions, or not the cluster.
    """
    known = treatments.find(case, attributes)
    return [impact(case, change, known, level, draws, segments, cluster) for change in known]


def impact(case: Case, change: Change, known: Sequence[Change] = (), level: float = LEVEL,
           draws: int = DRAWS, segments: Sequence[str] = SEGMENTS,
           cluster: str | None = None) -> Impact:
    """What one change did.

    Identifiable is what the requests that both versions served side by side tell. Where all
    changed at once there are none, and a before and after is given as what it is.

    Args:
        known: all changes of the Case; one whose requests are the same cannot be told apart.
        level: of the verdict; held over its measures (Bonferroni).
        draws: placebos by lot.
        segments: attributes of the first span that tell requests apart, beside the route.
        cluster: attribute of spans, as ``session.id``, by which requests are alike; name it where
            a router sends all requests of a session to one version.

    Raises:
        UsageError: no span tells the cluster.
    """
    table = requests(case, change, segments, cluster)
    twins = _twins(case, change, side_by_side(table), known)
    rows, strata, whole = compared(table, segments)
    if effect_rows(rows, "latency_ms", strata).comparable().units_new < LEAST:
        return _too_few(change, rows, strata, twins, level, table.attrs["mixed"], cluster)
    return _measured(case, change, rows, table, strata, whole, twins, level, draws, cluster)


def compared(table: pd.DataFrame,
             segments: Sequence[str] = SEGMENTS) -> tuple[pd.DataFrame, list[str], bool]:
    """The requests that are compared, the columns within which, and whether all changed at once.

    Side by side; where no request on the old version is left beside the new one, all there are.
    """
    rows = side_by_side(table)
    strata = ["route", *[name for name in segments if name in table]]
    if (~rows["new"]).sum() < LEAST <= table["new"].sum():
        return table, strata, True
    return *_with_period(rows, strata), False


def _measured(case: Case, change: Change, rows: pd.DataFrame, table: pd.DataFrame,
              strata: list[str], whole: bool, twins: list[Change], level: float, draws: int,
              cluster: str | None) -> Impact:
    found = at_service(rows, strata, level)
    entry = [effect(rows, what, how, strata, level) for how, what in _AT_ENTRY]
    lots = [strat for strat in strata if strat != "period"]
    drawn = [] if whole else [made for each in found if (
        made := placebo.cuts(before(table), each, lots, draws)) is not None]
    rest = placebo.others(rows, own_time(case, change.service), strata, level)
    same = [] if whole or cluster is None else placebo.same_sessions(table, found, lots)
    verdict, why = _verdict(found, whole, twins, level)
    return Impact(change, verdict, why, found, entry, whole, by_segment(rows, strata, level),
                  drawn, rest, [NOTHING_ELSE] if whole else [RANDOM, ALONE], strata, level,
                  table.attrs["mixed"], twins, cluster, same, shifts(table, found, lots))


def at_service(rows: pd.DataFrame, strata: Sequence[str], level: float = LEVEL) -> list[Effect]:
    """The effects on which the verdict rests; their intervals hold together at ``level``."""
    alone = 1 - (1 - level) / len(AT_SERVICE)
    return [effect(rows, what, how, strata, alone) for how, what in AT_SERVICE]


def blamed(found: Sequence[Effect]) -> tuple[str, list[Effect]] | None:
    """"harmful" or "better", and by what; None where no interval excludes zero."""
    for side, verdict in ((1, HARMFUL), (-1, BETTER)):
        if told := [each for each in found if each.side == side]:
            return verdict, told
    return None


def _verdict(found: list[Effect], whole: bool, twins: list[Change],
             level: float) -> tuple[str, str]:
    if whole:
        return NOT_IDENTIFIABLE, ("All requests changed at once: no request on the old version "
                                  "is left to compare with at the same time.")
    if twins:
        return NOT_IDENTIFIABLE, ("The same requests changed in another way too: "
                                  f"{'; '.join(map(str, twins))}.")
    if (told := blamed(found)) is None:
        return UNSEEN, (f"No interval excludes zero at {level:.0%}; what they still hold cannot "
                        "be ruled out.")
    verdict, by = told
    named = ", ".join(f"{_WORDS[each.measure]} ({each.outcome})" for each in by)
    return verdict, f"{named} {'rose' if verdict == HARMFUL else 'fell'} beyond chance."


_WORDS = {"mean": "mean", "typical": "typical request", "share": "share of requests"}


def _too_few(change: Change, rows: pd.DataFrame, strata: list[str], twins: list[Change],
             level: float, mixed: int, cluster: str | None) -> Impact:
    new, old = int(rows["new"].sum()), int((~rows["new"]).sum())
    units = "" if cluster is None else f", of {LEAST} {cluster} or more,"
    why = (f"Too few requests: {new} on the new and {old} on the old version; {LEAST} on the new"
           f"{units} are needed where the {', '.join(strata)} is one that the old served as well.")
    return Impact(change, NOT_IDENTIFIABLE, why, [], [], False, pd.DataFrame(), [], [], [], strata,
                  level, mixed, twins, cluster)


def _with_period(rows: pd.DataFrame, strata: list[str]) -> tuple[pd.DataFrame, list[str]]:
    """Time as a stratum where the new version's share drifts (a roll-out step by step)."""
    if not drifts(rows):
        return rows, strata
    number = int(np.clip(len(rows) // _A_PERIOD, _PERIODS, _MOST))
    return rows.assign(period=_period(rows, number)), [*strata, "period"]


def drifts(rows: pd.DataFrame) -> bool:
    """Whether the new version's share of requests changes with time."""
    return _depends(rows, _period(rows, _PERIODS))


def _period(rows: pd.DataFrame, number: int) -> pd.Series:
    at = rows["start"].rank(method="first") - 1
    return (at * number // max(len(rows), 1)).astype(int)


def _depends(rows: pd.DataFrame, on: pd.Series) -> bool:
    """Whether the new version's share differs; of a cluster's requests each counts a part."""
    weight = 1 / rows.groupby("cluster")["new"].transform("size") if "cluster" in rows else \
        pd.Series(1.0, rows.index)
    counts = weight.groupby([on.to_numpy(), rows["new"].to_numpy()]).sum().unstack(fill_value=0)
    return min(counts.shape) > 1 and bool(stats.chi2_contingency(counts).pvalue < _DRIFT)


def unlike(rows: pd.DataFrame) -> str | None:
    """Why shares of the two versions cannot be compared as they are; None where they can."""
    if _depends(rows, rows["route"]):
        return "The versions serve other routes, in other proportions"
    return "The share that the new version serves changes with time" if drifts(rows) else None


def _twins(case: Case, change: Change, table: pd.DataFrame,
           known: Sequence[Change]) -> list[Change]:
    """Other changes that came to the same requests."""
    found = []
    for other in known:
        if other == change:
            continue
        theirs = requests(case, other)["new"].reindex(table.index)
        both = pd.DataFrame({"mine": table["new"], "theirs": theirs}).dropna().astype(float)
        alike = abs(both.corr().iloc[0, 1]) if len(both) >= 2 * LEAST else 0.0
        n = table.loc[both.index, "cluster"].nunique() if "cluster" in table else len(both)
        if alike >= _SAME and alike * np.sqrt(n) >= _SURE:
            found.append(other)
    return found


def by_segment(rows: pd.DataFrame, segments: Sequence[str], level: float = LEVEL) -> pd.DataFrame:
    """The effect for each value of each segment, a row a value and measure.

    Returns:
        segment, value, measure, outcome, effect, low, high, n_new, n_old, p_equal: Cochran's Q
        (1954) that the effect is the same for all values of the segment; the intervals of a
        segment hold together (Bonferroni). Values with too few requests are left out.
    """
    out = []
    for name in [each for each in segments if each != "period"]:
        rest = [each for each in segments if each != name]
        parts = {value: part for value, part in rows.groupby(name) if effect_rows(
            part, "latency_ms", rest).comparable().units_new >= LEAST}
        alone = 1 - (1 - level) / max(len(parts), 1)
        for how, what in AT_SERVICE:
            made = {value: effect(part, what, how, rest, alone) for value, part in parts.items()}
            p = _equal(list(made.values()))
            out += [(name, value, how, what, e.value, e.low, e.high, e.n_new, e.n_old, p)
                    for value, e in made.items()]
    return pd.DataFrame(out, columns=["segment", "value", "measure", "outcome", "effect", "low",
                                      "high", "n_new", "n_old", "p_equal"])


def _equal(made: list[Effect]) -> float:
    """p of Cochran's Q, the intervals read as normal; 1 where there is nothing to compare."""
    spread = np.array([(e.high - e.low) / (2 * stats.norm.ppf((1 + e.level) / 2)) for e in made])
    value = np.array([e.value for e in made])
    if len(made) < 2 or not (spread > 0).all() or not np.isfinite(spread).any():
        return 1.0
    w = spread**-2.0
    q = float((w * (value - (w * value).sum() / w.sum())**2).sum())
    return float(stats.chi2.sf(q, len(made) - 1))
