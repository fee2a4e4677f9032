"""An impact in words: a table that fits 80 columns, and JSON's own types."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

import pandas as pd

from aiops.changes.canary import Judgement
from aiops.changes.effect import Effect
from aiops.changes.impact import NOT_IDENTIFIABLE, Impact
from aiops.changes.uplift import Uplift

WIDE = 80
_FINE = 0.001  # of what is measured: a finer step of the clock is not worth a line


def to_text(told: Impact) -> str:
    """All that is said of a change, as lines of at most 80 characters."""
    return "\n".join(_wrapped(_lines(told)))


def _wrapped(parts: Iterator[str]) -> Iterator[str]:
    for part in parts:
        yield from textwrap.wrap(part, WIDE, subsequent_indent="  ") if len(part) > WIDE \
            else [part]


def to_dict(told: Impact) -> dict[str, Any]:
    """The same for machines: change, verdict, effects, placebos, segments, assumptions."""
    plain = {"change": vars(told.change), "verdict": told.verdict, "why": told.why,
             "identifiable": told.verdict != NOT_IDENTIFIABLE,
             "strata": told.strata, "mixed": told.mixed,
             "effects": [vars(each) for each in told.effects],
             "entry": [vars(each) for each in told.entry],
             "segments": told.segments.to_dict(orient="records"),
             "placebo_cuts": [vars(each) for each in told.cuts],
             "placebo_services": [vars(each) for each in told.others],
             "placebo_same_sessions": [vars(each) for each in told.same_before],
             "placebo_time": [vars(each) for each in told.shifts],
             "assumptions": told.assumptions, "cluster": told.cluster}
    return plain


def uplift_text(told: Uplift) -> str:
    """Whom a change hit most, as lines of at most 80 characters."""
    return "\n".join(_wrapped(_uplift(told)))


def uplift_dict(told: Uplift) -> dict[str, Any]:
    """The same for machines; the curve is left out."""
    return {"combinations": told.found.to_dict(orient="records"), "level": told.level,
            "sure": list(told.sure.get("combination", [])), "why": told.why,
            "areas": told.areas.to_dict(orient="records")}


def _uplift(told: Uplift) -> Iterator[str]:
    if told.why:
        yield f"  Whom it hit most cannot be said: {told.why}"
        return
    yield f"\n  {'whom it hit most':<40}{'effect':>8}  {'interval':<17}{'rest':>8}"
    for row in told.found.itertuples():
        share = row.measure == "share"
        effect, low, high, rest = (
            f"{each:+.1%}" if share else f"{each:+.3g}" for each in
            (row.effect, row.low, row.high, row.rest))
        what = "failed" if share else "typical ms"
        yield (f"  {f'{row.combination[:27]}: {what}':<40}{effect:>8}  "
               f"{f'[{low}, {high}]':<17}{rest:>8}{'*' * (row.p <= 1 - told.level)}")
    yield ("  Named by an X-learner on one half of the requests, measured on the other; * unlike "
           f"the rest beyond chance, at {told.level:.0%} over all that was tested"
           + (": " + "; ".join(dict.fromkeys(told.sure["combination"])) if len(told.sure) else
              ": none") + ".")
    for row in told.areas.itertuples():
        area = f"{row.area:+.2%}" if row.outcome == "failed" else f"{row.area:+.3g} ms"
        yield (f"  Uplift curve, {row.outcome}: {area} a request above any order, p "
               f"{row.p:.3f}.")


def _lines(told: Impact) -> Iterator[str]:
    change = told.change
    yield str(change)
    both = f"both served until {change.until:%H:%M:%S}" if change.until > change.since else \
        "never side by side"
    yield f"  since {change.since:%Y-%m-%d %H:%M:%S} UTC, {both}"
    yield f"  {told.verdict.upper()}: {told.why}"
    if told.effects:
        yield from _table(told)
    if told.mixed:
        yield f"  {told.mixed} requests were served by both, and count to the version called first."
    yield from _placebos(told)
    yield from (f"  Assumed: {each}" for each in told.assumptions)


def _table(told: Impact) -> Iterator[str]:
    title = "before and after, no causal effect" if told.before_after else "effect of the change"
    yield f"\n  {title:<34}{'old':>9}{'effect':>10}  {'interval':<19}"
    for place, effects in ((told.change.service, told.effects), ("entry", told.entry)):
        yield from (f"  {_named(place, each):<34}{_number(each.old, each)}"
                    f"{_signed(each.value, each):>10}  {_interval(each):<19}"
                    for each in effects)
    first = told.effects[0]
    yield (f"  {first.n_new} requests on the new version, {first.n_old} on the old, compared "
           f"within {', '.join(told.strata)}; {first.left_out} could not be compared. The "
           f"intervals at {told.change.service} hold together at {told.level:.0%}.")
    if first.clusters is not None:
        yield f"  Requests of one {told.cluster} count as alike: there are {first.clusters}."
    if first.step > _FINE * max(abs(first.value), abs(first.old)):
        yield (f"  The clock tells steps of {first.step:.3g} ms; the intervals allow for one where "
               "times do not vary beyond it.")


def _named(place: str, each: Effect) -> str:
    what = {"mean": "mean ms", "typical": "typical ms", "share": "failed"}[each.measure]
    return f"{place[:22]}: {what}"


def _number(value: float, of: Effect) -> str:
    return f"{value:>9.1%}" if of.measure == "share" else f"{value:>9.4g}"


def _signed(value: float, of: Effect) -> str:
    return f"{value:+.1%}" if of.measure == "share" else f"{value:+.3g}"


def _interval(each: Effect) -> str:
    return f"[{_signed(each.low, each)}, {_signed(each.high, each)}]"


def _placebos(told: Impact) -> Iterator[str]:
    if told.cuts:
        yield "\n  Placebo, an earlier cut by lot (" + f"{told.cuts[0].draws} draws):"
        yield from (f"    {each.measure} {each.outcome}: {each.found:.1%} find something; "
                    f"p of the real effect {each.p:.3f}" for each in told.cuts)
    if told.others:
        moved = [each.outcome for each in told.others if each.side]
        yield ("  Placebo, own time of " + ", ".join(e.outcome for e in told.others) + ": "
               + (f"{', '.join(moved)} moved as well: by chance, or the versions served other "
                  "requests." if moved else "none moved."))
    if told.same_before:
        unlike = [f"{each.measure} {each.outcome} {_signed(each.value, each)} {_interval(each)}"
                  for each in told.same_before if each.side]
        yield (f"  Placebo, the same {told.cluster} before the change: "
               + (f"unlike even then, {'; '.join(unlike)}: the versions were handed others."
                  if unlike else "alike."))
    yield from _shifts(told)
    yield from _unequal(told.segments)


def _shifts(told: Impact) -> Iterator[str]:
    if not told.shifts:
        return
    first = told.shifts[0]
    yield (f"  Placebo, before and after at {first.cuts} earlier moments, "
           f"{first.side} requests either side:")
    for each in told.shifts:
        at, low, high = (f"{value:+.1%}" if each.measure == "share" else f"{value:+.3g}"
                         for value in (each.value, each.low, each.high))
        yield (f"    {each.measure} {each.outcome}: {low} to {high} ({each.found:.0%} found); "
               f"at the change {at}, p {each.p:.3f}")


def _unequal(segments: pd.DataFrame) -> Iterator[str]:
    for (name, measure), rows in segments.groupby(["segment", "measure"], sort=False) if len(
            segments) else ():
        if rows["p_equal"].iloc[0] < 0.05:
            most = rows.loc[rows["effect"].idxmax()]
            yield (f"  By {name} the {measure} {most['outcome']} differs (p "
                   f"{most['p_equal']:.3f}): most for {most['value']}, {most['effect']:+.3g} "
                   f"[{most['low']:+.3g}, {most['high']:+.3g}].")


def judged_text(told: Judgement, unit: str = "requests") -> str:
    """A decision and what it rests on, as lines of at most 80 characters; of units counted."""
    lines = [f"{told.decision.upper()}: {told.why}", "",
             f"{'outcome':<12}{'new':>16}{'old':>16}{'difference, interval':>26}{'accepted':>10}"]
    for each in told.looked:
        c, (low, high) = each.counts, each.interval
        lines.append(f"{each.outcome[:11]:<12}{_share_of(c.new_bad, c.new):>16}"
                     f"{_share_of(c.old_bad, c.old):>16}"
                     f"{f'{each.difference:+.1%} [{low:+.1%}, {high:+.1%}]':>26}"
                     f"{each.tolerance:>10.1%}")
    return "\n".join([*textwrap.wrap(lines[0], WIDE), *lines[1:],
                      *textwrap.wrap(f"Counted are {unit}. The intervals hold however often one "
                                     "looks.", WIDE)])


def judged_dict(told: Judgement) -> dict[str, Any]:
    """The same for machines."""
    return {"decision": told.decision, "why": told.why,
            "outcomes": [{"outcome": each.outcome, **vars(each.counts),
                          "difference": each.difference, "low": each.interval[0],
                          "high": each.interval[1], "tolerance": each.tolerance,
                          "e_harm": each.harm, "e_within": each.within, "alpha": each.alpha}
                         for each in told.looked]}


def _share_of(bad: float, n: int) -> str:
    return f"{bad if isinstance(bad, int) else f'{bad:.1f}'} of {n}"
