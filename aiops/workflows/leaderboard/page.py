"""The page of the leaderboard: targets, every set plain and under stress, and the runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from aiops import rca
from aiops.evaluation.figures import Figure
from aiops.workflows.bench import shown_as
from aiops.workflows.judging import FALSE_ALARM
from aiops.workflows.leaderboard.falls import FALL
from aiops.workflows.leaderboard.published import LIFT, Measured
from aiops.workflows.leaderboard.sets import SETS
from aiops.workflows.leaderboard.sheet import Sheet
from aiops.workflows.leaderboard.targets import TARGETS, Target

SHARES = {"ac@1": "AC@1", "ac@3": "AC@3", "avg@5": "Avg@5", "mrr": "MRR"}
NAMES = {**SHARES, "abstained": "abstained", "seconds_p95": "p95 s"}
STALE = "stale"
STRESS = ("decoys=", "spans=", "without=", "edges_wrong=", "delay_s=", "two_faults")


def page(sheets: Sequence[Sheet], about: Mapping[str, str], picture: str = "") -> str:
    """The whole page.

    Args:
        about: how, of what and when it was made, by name.
        picture: relative path of the picture; "": there is none.
    """
    parts = [_head(about, picture), _notes(sheets), _targets(sheets)]
    parts += [_plain(sheet) for sheet in sheets]
    parts += ["## Under stress\n\n" + _HOW_STRESS.format(default=rca.DEFAULT)]
    parts += [_stress(sheet) for sheet in sheets]
    parts += [_abstention(sheets), _runs(sheets)]
    return "\n".join(part.rstrip() + "\n" for part in parts if part)


_HOW_STRESS = """\
AC@1 of all rankers, and of the default (`{default}`) also AC@3 and by how much AC@1 falls from the
plain figure over the same cases, with its interval. What is drawn is drawn with the number of
seeds that stands beside: the mean over them is a case's score. What each stress does, and which
cases it leaves out, is in the [protocol](../bench-rca.md#under-stress). A ranker that learns from
labels is stressed only where the set publishes a train split: elsewhere it would be fitted anew for
each kind of fault and stress."""


def _head(about: Mapping[str, str], picture: str) -> str:
    told = "".join(f"| {name} | {value} |\n" for name, value in about.items())
    shown = f"\n![AC@1 by set, plain and among 40 decoys]({picture})\n" if picture else ""
    return f"""\
# Leaderboard of root-cause rankers

Generated: do not edit; the command below writes it anew.

| | |
|---|---|
{told}
Every ranker sees each incident without its label. What the figures mean, what a ranker may have
seen, and what each slice is, so that anyone can dispute them: [the protocol](../bench-rca.md). In
brackets the 95 % bootstrap interval over cases: it covers the choice of cases, not that of
settings, which were made on these same sets. Lift is AC@1 over that of chance. Seconds are of
ranking alone, on a machine that did other work beside. `{rca.DEFAULT}` is the default.
{shown}"""


def _notes(sheets: Sequence[Sheet]) -> str:
    """What is not measured, not of here, or not as measured."""
    away = [name for name in SETS if name not in {sheet.target for sheet in sheets}]
    told = [f"**Not measured:** {', '.join(away)}. Their targets are not judged.\n"] if away else []
    lacks = [f"- {s.target}: {', '.join(s.lacks)}\n" for s in sheets if s.lacks]
    if lacks:
        told.append("**Not complete.** Of these, cases or stresses are still to be asked:\n\n"
                    + "".join(lacks))
    if any(s.stale for s in sheets):
        told.append(_STALE + "".join(map(_stale, sheets)))
    every = [each for sheet in sheets for each in sheet.measured]
    told.append(_machines(every))
    if printed := sum(each.printed for each in every):
        some = f"{printed} of the" if printed < len(every) else "all"
        told.append(_PRINTED.format(rows=f"{some} {len(every)} rows"))
    return "\n".join(filter(None, told))


_STALE = """\
**Stale.** These were made by other code or of other data than was here when this page was written,
and say nothing of what is here. `aiops bench leaderboard --ranker NAME --set SET` measures anew.

"""
_PRINTED = """\
**As printed.** Of {rows} (set and ranker) the rankings are lost: their figures were read back from
this page as it was, and have the digits that it printed, no more. [Runs](#runs) tells which;
measuring them anew gives all digits.
"""


def _stale(sheet: Sheet) -> str:
    why: dict[tuple[str, str], list[str]] = {}
    for name in sheet.stale:
        why.setdefault((sheet.of[name].stale, sheet.of[name].commit), []).append(name)
    return "".join(f"- {sheet.target}: {', '.join(names)} ({reason}; measured at "
                   f"{shown_commit(at)})\n" for (reason, at), names in why.items())


def _machines(every: Sequence[Measured]) -> str:
    """Whose seconds are not to be compared with those of most rows."""
    by: dict[str, list[str]] = {}
    for each in every:
        by.setdefault(each.machine, []).append(f"{each.ranker} on {each.set}")
    most, *others = sorted(by, key=lambda machine: -len(by[machine])) or [""]
    told = "".join(f"- {machine}: {', '.join(by[machine])}\n" for machine in others)
    return told and ("**Seconds** of these are of other machines than the others' "
                     f"({most}):\n\n{told}")


# --- targets -----------------------------------------------------------------------------
def _targets(sheets: Sequence[Sheet]) -> str:
    by_name = {sheet.target: sheet for sheet in sheets}
    rows = [_target(by_name[t.set], t) for t in TARGETS if t.set in by_name]
    met = [row[-2] for row in rows]
    stale = f", {met.count(STALE)} of stale figures" if STALE in met else ""
    return "## Targets\n\n" + (
        f"{met.count('yes')} met, {met.count('no')} not met, {met.count('stated')} only stated, "
        f"{met.count('not measured')} not measured{stale}. A fall is plain less stressed.\n\n"
    ) + table(["set", "protocol", "ranker", "figure", "to beat", "aim", "measured", "n", "met",
               "run"], rows)


def _target(sheet: Sheet, target: Target) -> list[str]:
    figure = sheet.find(target.model, target.slice, target.metric)
    sign = "" if target.aim is None else "at most" if target.most else "at least"
    name = target.metric.removeprefix(FALL)
    fall = FALL if target.metric.startswith(FALL) else ""
    old = figure is not None and target.model in sheet.stale
    return [target.set, target.protocol, target.model, fall + NAMES[name], target.beat,
            "" if target.aim is None else f"{sign} {_number(target.aim, 2)}",
            "" if figure is None else cell(figure, 3), "" if figure is None else str(figure.n),
            STALE if old else target.met(figure), _short(sheet, target.model)]


# --- plain -------------------------------------------------------------------------------
def _plain(sheet: Sheet) -> str:
    models = sheet.models()
    guess = [sheet.find(models[0], "all", m) for m in SHARES]
    rows = [["chance", *[_number(f.chance, 3) if f and f.chance is not None else ""
                         for f in guess], "1", "", "", "", ""]]
    rows += [_row(sheet, model) for model in models]
    parts = [f"## {sheet.target}\n\n{sheet.incidents} incidents.\n\n" + table(
        ["ranker", *SHARES.values(), "lift", "s p50", "s p95", "failed", "run"], rows)]
    own = sheet.slices(rca.DEFAULT)
    apart = [s for s in own if s != "all" and not s.startswith((*STRESS, "no_incident",
                                                               "evidence="))]
    alone = [s for s in own if s.startswith("evidence=")]
    if apart:
        parts.append(f"By kind, `{rca.DEFAULT}`:\n\n" + _by_slice(sheet, apart, "slice"))
    if alone:
        parts.append(f"Each evidence of `{rca.DEFAULT}` alone; one that has nothing to go by in a "
                     "case blames all alike:\n\n" + _by_slice(sheet, ["all", *alone], "evidence"))
    return "\n".join(parts)


def _row(sheet: Sheet, model: str) -> list[str]:
    lift = sheet.find(model, "all", LIFT)
    seconds = [sheet.find(model, "all", f"seconds_p{q}") for q in (50, 95)]
    failed = sheet.find(model, "all", "failures")
    return [_named(sheet, model),
            *[cell(sheet.find(model, "all", m), 3 if m in ("avg@5", "mrr") else 2) for m in SHARES],
            f"{lift.value:.1f}" if lift else "",
            *[f"{f.value:.3g}" if f else "" for f in seconds],
            f"{failed.value:.0f}" if failed else "", _short(sheet, model)]


def _by_slice(sheet: Sheet, parts: Sequence[str], called: str) -> str:
    rows = []
    for part in parts:
        found = [sheet.find(rca.DEFAULT, part, m) for m in ("ac@1", "ac@3", "avg@5")]
        if found[0] is not None:
            name = "all together" if part == "all" else part.removeprefix("evidence=")
            rows.append([name, str(found[0].n), *[cell(f) for f in found],
                         "" if found[0].chance is None else _number(found[0].chance)])
    return table([called, "n", "AC@1", "AC@3", "Avg@5", "chance"], rows)


# --- stress ------------------------------------------------------------------------------
def _stress(sheet: Sheet) -> str:
    models = [m for m in sheet.models() if m != rca.DEFAULT]
    parts = [s for s in dict.fromkeys(f.slice for f in sheet.figures)
             if s.startswith(STRESS)]
    rows = [_stressed(sheet, part, models) for part in ["all", *parts]]
    if not parts:
        return f"### {sheet.target}\n\nNo stress was measured.\n"
    return f"### {sheet.target}\n\n" + table(
        ["slice", "n", "left out", "seeds", f"{rca.DEFAULT} AC@1", "AC@3", "fall of AC@1",
         *models], rows)


def _stressed(sheet: Sheet, part: str, models: Sequence[str]) -> list[str]:
    of = [sheet.find(rca.DEFAULT, part, m) for m in ("ac@1", "ac@3", FALL + "ac@1")]
    any_of = of[0] or next(filter(None, (sheet.find(m, part, "ac@1") for m in models)), None)
    left = sheet.find(rca.DEFAULT, part, "left_out")
    own = sheet.seeds(rca.DEFAULT, part)
    other = max([sheet.seeds(m, part) for m in models], default=1)
    seeds = str(own) if own == other else f"{own}, others {other}"
    return ["plain" if part == "all" else part, str(any_of.n) if any_of else "",
            f"{left.value:.0f}" if left else "", "" if part == "all" else seeds,
            cell(of[0]), cell(of[1]), cell(of[2]),
            *[_value(sheet.find(m, part, "ac@1")) for m in models]]


def _abstention(sheets: Sequence[Sheet]) -> str:
    rows = []
    for sheet in sheets:
        for model in sheet.models():
            told = sheet.find(model, "all", "abstained")
            if told is None:
                continue
            kinds = [sheet.find(model, f"no_incident={k}", "abstained")
                     for k in ("disturbance", "control")]
            kinds.append(sheet.find(model, FALSE_ALARM, "abstained"))
            rows.append([sheet.target, _named(sheet, model), cell(told),
                         cell(sheet.find(model, "all", "ac@1_answered")),
                         *[f"{cell(f)} (n {f.n})" if f else "" for f in kinds],
                         _value(sheet.find(model, "all", "ece"))])
    text = "" if rows else "No ranker says when it abstains.\n"
    return ("## Confidence and abstention\n\nThe lower over incidents, and the higher over what is "
            "none, the better. ECE: mean distance of stated confidence and share of hits.\n\n"
            ) + text + (table(["set", "ranker", "abstains over incidents", "AC@1 elsewhere",
                               "over disturbances", "controls", "pseudo-incidents", "ECE"], rows)
                        if rows else "")


def _runs(sheets: Sequence[Sheet]) -> str:
    rows = [[s.target, model, f"`{s.target}/{model}`", f"`{s.of[model].run}`",
             shown_commit(s.of[model].commit), f"{s.of[model].made} UTC",
             "as printed" if s.of[model].printed else "all"]
            for s in sheets for model in s.models()]
    return "" if not rows else (
        "## Runs\n\nEach row's figures, all slices and metrics, are one run of the MLflow "
        "experiment `rca-leaderboard` (`make ui` shows it; the artifact `figures.json` holds "
        "them as they are). Beside it the commit of the code that measured it.\n\n") + table(
            ["set", "ranker", "run", "id", "commit", "measured", "digits"], rows)


# --- words -------------------------------------------------------------------------------
def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [list(columns), ["---"] * len(columns), *[list(row) for row in rows]]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def cell(figure: Figure | None, places: int = 2) -> str:
    """A figure with its interval: .93 [.83, 1.00]."""
    if figure is None:
        return ""
    if figure.unit != "share":
        return f"{figure.value:.3g}"
    if figure.low is None or figure.high is None:
        return _number(figure.value, places)
    return (f"{_number(figure.value, places)} [{_number(figure.low, places)}, "
            f"{_number(figure.high, places)}]")


def _value(figure: Figure | None) -> str:
    return "" if figure is None else _number(figure.value)


def _number(value: float, places: int = 2) -> str:
    """A half is rounded up, as by hand; no 0 before the point.

    >>> _number(0.925), _number(1.0), _number(-0.05)
    ('.93', '1.00', '-.05')
    """
    told = f"{abs(value) + 1e-9:.{places}f}"
    told = told.removeprefix("0")
    return f"-{told}" if value < 0 and float(told) else told


def _named(sheet: Sheet, model: str) -> str:
    name = f"**{model}** (default)" if model == rca.DEFAULT else shown_as(model)
    return f"{name} (stale)" if model in sheet.stale else name


def _short(sheet: Sheet, model: str) -> str:
    """The beginning of its run's id."""
    return f"`{sheet.of[model].run[:8]}`" if model in sheet.of else ""


def shown_commit(told: str) -> str:
    """Where the code stood, and whether files differed from it."""
    at, *changes = told.split(", ")
    return ", ".join([f"`{at}`", *changes])
