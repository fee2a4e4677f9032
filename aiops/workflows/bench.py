"""Benches: score rankers on a data set, with chance beside every figure; tables for people."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from aiops import datasets, rca
from aiops.case import Case
from aiops.datasets import Dataset
from aiops.errors import CaseError, InputError
from aiops.evaluation import ranking
from aiops.evaluation.figures import Figure
from aiops.workflows import parallel, plan
from aiops.workflows.judging import Answer, Court, Question
from aiops.workflows.plan import SEEDS, Effort, Plan
from aiops.workflows.scoring import Tally, slice_of

log = logging.getLogger(__name__)
FEW = 5
SUMMARY = ("detection-figures.json", "rca.json")
SHOWN = ("vus_pr", "pr_auc", "event_recall", "false_alarms_per_hour", "delay_s",
         "ac@1", "ac@3", "avg@5")
NARROW = {"ac@1": "ac@1", "ac@3": "ac@3", "avg@5": "avg@5", "abstained": "abst",
          "failures": "fail"}  # what a terminal of 80 columns has room for; --json has all


def bench_rca(target: str | Path, rankers: Sequence[str] | None = None,
              layout: str | None = None, stress: bool = False,
              seeds: int = SEEDS) -> list[Figure]:
    """Score rankers on a folder of Cases, a published layout, or a data set by name.

    Cases are read one at a time, and again by who needs them twice, unless all are small enough
    to be kept. A ranker that fails on a case has missed it; failures are counted in the figures
    and their reasons logged. Cases without culprits are no incidents: not scored, but counted
    (``not_scored``), and shown to rankers that may abstain. The whole protocol is on the page
    docs/bench-rca.md.

    Args:
        rankers: names from ``aiops.rca.RANKERS``; all of them when None.
        stress: score every ranker also on each case made harder (``evaluation.variants``).
        seeds: how often, where something is drawn; the mean is the case's score.

    Raises:
        LayoutError: no such data set. CaseError: a Case or a truth that cannot be read.
    """
    dataset = datasets.load(target, layout)
    effort = Effort(seeds, stress, alike=True)
    names = list(rca.RANKERS) if rankers is None else rankers
    run = _Run(dataset, Plan(dataset, plan.entries(names), effort))
    run.incidents()
    run.calm()
    return [figure for name in names for figure in run.tallies[name].figures(dataset, name)]


class _Run:
    """What came out so far, by ranker."""

    def __init__(self, dataset: Dataset, of: Plan) -> None:
        if not of.incidents:
            raise CaseError(f"{dataset.root} has no Case whose truth names culprits.")
        self._plan, self._truth, self._court = of, dataset.truth, Court(dataset)
        self._states: set[str] = set()
        self.tallies = {entry.name: Tally() for entry in of.entries}

    def incidents(self) -> None:
        """Each shown once as it is and under stress: who abstains is known when it has ranked."""
        for name, case in self._court.incidents.read("rank"):
            first = self._plan.about(True, self._states)
            self._ask(name, case, first)
            self._ask(name, case, [question for question in self._plan.about(True, self._states)
                                   if question not in first])

    def calm(self) -> None:
        """Recorded Cases without culprits, for rankers that may abstain."""
        if asked := self._plan.about(False, self._states):
            names = self._plan.calm
            for name in parallel.watched(iter(names), "no incidents", len(names)):
                self._ask(name, self._court.case(name), asked)

    def _ask(self, name: str, case: Case, asked: Sequence[Question]) -> None:
        for question, answer in self._court.answers(name, case, asked):
            self.tallies[question.entry.name].add(question, answer, self._truth[name])
            if not question.entry.part and answer.states:
                self._states.add(question.entry.name)
            self._log(question, answer)

    def _log(self, question: Question, answer: Answer) -> None:
        part = slice_of(question, self._truth[answer.case])
        if answer.outcome is None:
            log.debug("%s leaves out %s: %s", part, answer.case, answer.reason)
        elif answer.outcome.error:
            log.log(logging.DEBUG if part else logging.WARNING, "%s failed on %s: %s",
                    question.entry.name, answer.case, answer.outcome.error)


def summary(metrics: Path) -> list[dict[str, Any]]:
    """The figures of a pipeline that one looks at first, a row each, detection before ranking.

    Args:
        metrics: folder with detection-figures.json and rca.json, as the pipeline writes them.
    """
    missing = [name for name in SUMMARY if not (metrics / name).exists()]
    if missing:
        raise InputError(f"{metrics} lacks {', '.join(missing)}. Run `dvc repro`.")
    found = [Figure(**each) for name in SUMMARY for each in json.loads(
        (metrics / name).read_text())]
    return [{"benchmark": f.benchmark, "model": shown_as(f.model), "metric": f.metric,
             "value": f.value, "low": f.low, "high": f.high, "chance": f.chance, "unit": f.unit,
             "n": f.n}
            for f in found if f.slice == "all" and f.metric in SHOWN]


def shown_as(model: str) -> str:
    """A model's name for people: one with hindsight says so.

    >>> shown_as("best-single-metric")
    'best-single-metric (hindsight)'
    """
    known = rca.RANKERS.get(model)
    return f"{model} (hindsight)" if known is not None and known.hindsight else model


def table(figures: Iterable[Figure]) -> list[dict[str, Any]]:
    """Figures as rows to read: one a data set, slice and model, metrics side by side.

    A cell holds value and 95 % interval; above the models of a slice stands what chance gives.
    A model with hindsight says so. Slices of one fault with fewer than five cases are left out.
    """
    groups: dict[tuple[str, str], list[Figure]] = {}
    for figure in figures:
        if not (figure.slice.startswith("fault=") and figure.n < FEW):
            groups.setdefault((figure.dataset, figure.slice), []).append(figure)
    return [{"dataset": dataset, "slice": part, **row}
            for (dataset, part), held in groups.items() for row in _rows(held)]


def narrow(figures: Iterable[Figure]) -> list[dict[str, Any]]:
    """Figures as rows that fit a terminal of 80 columns: the main ones, an interval at the first.

    AC@1 stands before its 95 % interval. A column in which nothing but 0 stands is left out, and
    so is the data set where there is one only.
    """
    kept = [f for f in figures if f.metric in NARROW]
    shown = {f.metric for f in kept if f.metric in ranking.METRICS or f.value}
    several = len({f.dataset for f in kept}) > 1
    rows = table(f for f in kept if f.metric in shown)
    values = {(f.dataset, f.slice, shown_as(f.model), f.metric): f for f in kept}
    made = []
    for row in rows:
        at = (row["dataset"], row["slice"], row["model"])
        cells = {short: _short(values.get((*at, metric)), row.get(metric), metric == "ac@1")
                 for metric, short in NARROW.items() if metric in shown}
        made.append({**({"dataset": at[0]} if several else {}), "slice": at[1], "model": at[2],
                     "n": row["n"], **cells})
    return made


def _short(figure: Figure | None, else_: Any, interval: bool) -> str | None:
    """.42 .21–.62"""
    if figure is None:
        return None if else_ is None else _two(float(else_))
    if figure.unit == "count":
        return f"{figure.value:.3g}"
    told = _two(figure.value)
    if not interval or figure.low is None or figure.high is None:
        return told
    return f"{told} {_two(figure.low)}–{_two(figure.high)}"


def _two(value: float) -> str:
    return f"{value:.2f}".removeprefix("0") if value < 1 else f"{value:.1f}"


def _rows(held: list[Figure]) -> Iterator[dict[str, Any]]:
    by_chance = {f.metric: f"{f.chance:.3g}" for f in held if f.chance is not None}
    if by_chance:
        yield {"model": "chance", "n": held[0].n, **by_chance}
    for model in dict.fromkeys(figure.model for figure in held):
        own = [figure for figure in held if figure.model == model]
        yield {"model": shown_as(model), "n": own[0].n,
               **{figure.metric: _cell(figure) for figure in own}}


def _cell(figure: Figure) -> str:
    value = f"{figure.value:.3g}"
    return value if figure.low is None else f"{value} [{figure.low:.2g}, {figure.high:.2g}]"
