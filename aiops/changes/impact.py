"""What a change did: to whom, how much, how sure, and whether that can be said at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import stats

from aiops.case import Case
from aiops.changes import placebo, treatments
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
        cuts, others: placebos; see ``aiops.changes.placebo``. level: of the intervals, together.
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

    def __str__(self) -> str:
        from aiops.changes.words import to_text

        return to_text(self)

    def _repr_html_(self) -> str:
        """A notebook shows the words, and the effects drawn."""
        from aiops.changes.pictures import page

        return page(self)


def impacts(case: Case, attributes: Sequence[str] = treatments.ATTRIBUTES,
            level: float = LEVEL, draws: int = DRAWS) -> list[Impact]:
    """What every change in a Case did, earliest first.

    Raises:
        UsageError: the Case tells no versions; see ``treatments.find``.
    """
    known = treatments.find(case, attributes)
    return [impact(case, change, known, level, draws) for change in known]


def impact(case: Case, change: Change, known: Sequence[Change] = (), level: float = LEVEL,
           draws: int = DRAWS, segments: Sequence[str] = SEGMENTS) -> Impact:
    """What one change did.

    Identifiable is what the requests that both versions served side by side tell. Where all
    changed at once there are none, and a before and after is given as what it is.

    Args:
        known: all changes of the Case; one whose requests are the same cannot be told apart.
        level: of the verdict; held over its measures (Bonferroni).
        draws: placebos by lot.
    """
    table = requests(case, change, segments)
    beside = side_by_side(table)
    twins = _twins(case, change, beside, known)
    whole = bool((~beside["new"]).sum() < LEAST <= table["new"].sum())
    rows = table if whole else beside
    strata = ["route", *[name for name in segments if name in rows]]
    if not whole:
        rows, strata = _with_period(rows, strata)
    if effect_rows(rows, "latency_ms", strata).comparable().new.sum() < LEAST:
        return _too_few(change, rows, strata, twins, level, table.attrs["mixed"])
    return _measured(case, change, rows, before(table), strata, whole, twins, level, draws,
                     table.attrs["mixed"])


def _enough(rows: pd.DataFrame) -> bool:
    return bool(rows["new"].sum() >= LEAST and (~rows["new"]).sum() >= LEAST)


def _measured(case: Case, change: Change, rows: pd.DataFrame, calm: pd.DataFrame,
              strata: list[str], whole: bool, twins: list[Change], level: float, draws: int,
              mixed: int) -> Impact:
    found = at_service(rows, strata, level)
    entry = [effect(rows, what, how, strata, level) for how, what in _AT_ENTRY]
    lots = [strat for strat in strata if strat != "period"]
    drawn = [] if whole else [made for each in found if (
        made := placebo.cuts(calm, each, lots, draws)) is not None]
    rest = placebo.others(rows, own_time(case, change.service), strata, level)
    verdict, why = _verdict(found, whole, twins, level)
    return Impact(change, verdict, why, found, entry, whole, by_segment(rows, strata, level),
                  drawn, rest, [NOTHING_ELSE] if whole else [RANDOM, ALONE], strata, level, mixed,
                  twins)


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
             level: float, mixed: int) -> Impact:
    new, old = int(rows["new"].sum()), int((~rows["new"]).sum())
    why = (f"Too few requests: {new} on the new and {old} on the old version; {LEAST} on the new "
           f"are needed where the {', '.join(strata)} is one that the old served as well.")
    return Impact(change, NOT_IDENTIFIABLE, why, [], [], False, pd.DataFrame(), [], [], [], strata,
                  level, mixed, twins)


def _with_period(rows: pd.DataFrame, strata: list[str]) -> tuple[pd.DataFrame, list[str]]:
    """Time as a stratum where the new version's share drifts (a roll-out step by step)."""
    if not drifts(rows):
        return rows, strata
    number = int(np.clip(len(rows) // _A_PERIOD, _PERIODS, _MOST))
    return rows.assign(period=_period(rows, number)), [*strata, "period"]


def drifts(rows: pd.DataFrame) -> bool:
    """Whether the new version's share of requests changes with time."""
    return _depends(rows["new"], _period(rows, _PERIODS))


def _period(rows: pd.DataFrame, number: int) -> pd.Series:
    at = rows["start"].rank(method="first") - 1
    return (at * number // max(len(rows), 1)).astype(int)


def _depends(new: pd.Series, on: pd.Series) -> bool:
    counts = pd.crosstab(on, new)
    return min(counts.shape) > 1 and bool(stats.chi2_contingency(counts).pvalue < _DRIFT)


def unlike(rows: pd.DataFrame) -> str | None:
    """Why shares of the two versions cannot be compared as they are; None where they can."""
    if _depends(rows["new"], rows["route"]):
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
        if alike >= _SAME and alike * np.sqrt(len(both)) >= _SURE:
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
            part, "latency_ms", rest).comparable().new.sum() >= LEAST}
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
