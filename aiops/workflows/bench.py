"""Benches: score rankers on a data set, with chance beside every figure; tables for people."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from aiops import datasets, rca
from aiops.base import Ranker
from aiops.case import Case
from aiops.datasets import Dataset
from aiops.errors import CaseError, InputError
from aiops.evaluation import ranking
from aiops.evaluation.figures import Figure
from aiops.workflows import parallel

log = logging.getLogger(__name__)
FEW = 5
KEPT_ROWS = 2_000_000  # of all tables: about a gigabyte of Cases
SUMMARY = ("detection-figures.json", "rca.json")
SHOWN = ("vus_pr", "pr_auc", "event_recall", "false_alarms_per_hour", "delay_s",
         "ac@1", "ac@3", "avg@5")


def bench_rca(target: str | Path, rankers: Sequence[str] | None = None,
              layout: str | None = None) -> list[Figure]:
    """Score rankers on a folder of Cases, a published layout, or a data set by name.

    Cases are read one at a time, and again by who needs them twice, unless all are small enough
    to be kept. A ranker that fails on a case has missed it; failures are
    counted in the figures and their reasons logged. Cases without culprits are no incidents:
    not scored, but counted (``not_scored``). A ranker with hindsight is fitted on the scored
    cases themselves.

    Args:
        rankers: names from ``aiops.rca.RANKERS``; all of them when None.

    Raises:
        LayoutError: no such data set. CaseError: a Case or a truth that cannot be read.
    """
    dataset = datasets.load(target, layout)
    _check_truth(dataset)
    models = {name: rca.make(name) for name in (rca.RANKERS if rankers is None else rankers)}
    if not models:
        raise InputError(f"bench_rca needs rankers. Known: {', '.join(rca.RANKERS)}.")
    incidents = _Incidents(dataset)
    for model_name, model in models.items():
        _fit(model, model_name, dataset, incidents)
    outcomes: dict[str, list[ranking.Outcome]] = {name: [] for name in models}
    for name, case in incidents.read("rank"):
        for model_name, model in models.items():
            outcomes[model_name].append(_outcome(model_name, model, name, case,
                                                 dataset.truth[name]))
    if not any(outcomes.values()):
        raise CaseError(f"{dataset.root} has no Case whose truth names culprits.")
    return [figure for name, made in outcomes.items()
            for figure in [*ranking.figures(made, dataset.name, name),
                           _not_scored(dataset, name, len(made))]]


def _not_scored(dataset: Dataset, model: str, scored: int) -> Figure:
    left = len(dataset.readers()) - scored
    return Figure("rca", dataset.name, model, "all", "not_scored", float(left), None, None, scored,
                  None, "count")


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


def _check_truth(dataset: Dataset) -> None:
    if not dataset.truth:
        raise CaseError(f"{dataset.root} has no truth.json to score against. Write one beside "
                        'the cases: {"<id>": {"culprits": ["<service>"], "kind": "service"}}.')
    for name in dataset.readers():
        if name not in dataset.truth:
            raise CaseError(f"The truth of {dataset.root} lacks the case {name!r}. "
                            "A case that is no incident has culprits [].")


class _Incidents:
    """The Cases that are scored, one after the other; the first of them stay in memory."""

    def __init__(self, dataset: Dataset) -> None:
        self.readers = {name: read for name, read in dataset.readers().items()
                        if dataset.truth[name]["culprits"]}
        self.culprits = [dataset.truth[name]["culprits"] for name in self.readers]
        self._kept: dict[str, Case] = {}
        self._rows = 0

    def read(self, label: str) -> Iterator[tuple[str, Case]]:
        names = iter(self.readers)
        for name in parallel.watched(names, label, len(self.readers)):
            yield name, self._kept.get(name) or self._read(name)

    def _read(self, name: str) -> Case:
        case = self.readers[name]()
        self._rows += sum(map(len, case.tables.values()))
        if self._rows <= KEPT_ROWS:
            self._kept[name] = case
        return case


def _fit(model: Ranker, name: str, dataset: Dataset, incidents: _Incidents) -> None:
    if model.hindsight:
        cases: Any = (case for _, case in incidents.read(f"fit {name}"))  # read one at a time
        model.fit(cases, incidents.culprits)
    else:
        model.fit([case for _, case in dataset.history()])


def _outcome(model_name: str, model: Ranker, name: str, case: Case,
             truth: dict[str, object]) -> ranking.Outcome:
    started = time.perf_counter()
    blame, error = None, None
    try:
        blame = model.rank(case)
    except Exception as raised:  # noqa: BLE001  a model's failure is a miss, and is counted
        error = f"{type(raised).__name__}: {raised}"
        log.warning("%s failed on %s: %s", model_name, name, error)
    return ranking.Outcome(blame, case.suspects, truth, time.perf_counter() - started, error)
