"""Benches: score rankers on a data set, with chance beside every figure; tables for people."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiops import datasets, rca
from aiops.case import Case
from aiops.datasets import Dataset
from aiops.errors import CaseError, InputError
from aiops.evaluation import ranking
from aiops.evaluation.figures import Figure
from aiops.evaluation.ranking import Outcome
from aiops.evaluation.stress import pseudo_incidents
from aiops.evaluation.variants import Variant, variants
from aiops.workflows import judging, parallel
from aiops.workflows.fitting import Entry, Fitted, Incidents

log = logging.getLogger(__name__)
FEW = 5
SEEDS = 5
PSEUDO = 2  # pseudo-incidents a Case, at most
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
    judging.check_truth(dataset)
    entries = judging.entries(list(rca.RANKERS) if rankers is None else rankers)
    if seeds < 1:
        raise InputError(f"bench_rca needs at least one seed. Got seeds={seeds}.")
    incidents = Incidents(dataset)
    if not incidents.readers:
        raise CaseError(f"{dataset.root} has no Case whose truth names culprits.")
    run = _Run(dataset, Fitted(dataset, incidents), entries)
    hard = variants(judging.others(incidents, run.fitted)) if stress else []
    for name, case in incidents.read("rank"):
        run.plain(name, case)
        for variant in hard:
            run.stressed(name, case, variant, seeds)
        if stress:
            run.pseudo(name, case)
    run.no_incidents()
    return run.figures()


@dataclass
class _Run:
    """What came out so far: outcomes by ranker and slice ("": the truth names its slices)."""

    dataset: Dataset
    fitted: Fitted
    entries: list[Entry]
    outcomes: dict[tuple[str, str], list[Outcome]] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)

    def plain(self, name: str, case: Case) -> None:
        """The case as it is, for rankers and their parts."""
        for entry in self.entries:
            self._rank(entry, f"evidence={entry.part}" if entry.part else "", name, case,
                       self.dataset.truth[name])

    def stressed(self, name: str, case: Case, variant: Variant, seeds: int) -> None:
        """The case made harder, for rankers; counted where it does not fit."""
        self.left_out.setdefault(variant.slice, 0)
        for seed in range(seeds if variant.seeded else 1):
            try:
                made, truth = variant.make(name, case, self.dataset.truth[name], seed)
            except CaseError as error:
                log.debug("%s leaves out %s: %s", variant.slice, name, error)
                self.left_out[variant.slice] += 1
                return
            for entry in self._whole():
                self._rank(entry, variant.slice, name, made, truth, variant, seed)

    def pseudo(self, name: str, case: Case) -> None:
        """Normal time of the case, called an incident, for rankers that may abstain."""
        if entries := self._abstaining():
            for made in pseudo_incidents(case, PSEUDO):
                for entry in entries:
                    self._rank(entry, "no_incident=pseudo", name, made, {"culprits": []})

    def no_incidents(self) -> None:
        """Recorded cases without culprits, for rankers that may abstain."""
        readers = {name: read for name, read in self.dataset.readers().items()
                   if not self.dataset.truth[name]["culprits"]}
        if entries := self._abstaining():
            for name in parallel.watched(iter(readers), "no incidents", len(readers)):
                case, truth = readers[name](), self.dataset.truth[name]
                for entry in entries:
                    self._rank(entry, f"no_incident={truth.get('role', 'control')}", name, case,
                               truth)

    def figures(self) -> list[Figure]:
        """All figures, ranker by ranker."""
        return [figure for entry in self._whole() for figure in judging.figures(
            self.dataset, entry.name, self._parts(entry.name), self.left_out)]

    def _parts(self, model: str) -> dict[str, list[Outcome]]:
        return {part: made for (name, part), made in self.outcomes.items() if name == model}

    def _whole(self) -> list[Entry]:
        return [entry for entry in self.entries if not entry.part]

    def _abstaining(self) -> list[Entry]:
        return [entry for entry in self._whole()
                if any(o.abstains is not None for o in self.outcomes[entry.name, ""])]

    def _rank(self, entry: Entry, part: str, name: str, case: Case, truth: Any,
              variant: Variant | None = None, seed: int = 0) -> None:
        model = self.fitted.of(entry, name, variant, seed)
        made = judging.outcome(entry, model, name, case, truth,
                               logging.DEBUG if part else logging.WARNING)
        self.outcomes.setdefault((entry.name, part), []).append(made)


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
