"""What is asked of rankers, and how an answer comes about: fitted, shown one Case, judged.

All that decides an outcome beside the ranker, the reader and the stresses is here and in
``fitting``: a change of either makes the outcomes stale that the leaderboard keeps.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import pandas as pd

from aiops.base import Ranker
from aiops.case import Case
from aiops.datasets import Dataset
from aiops.errors import CaseError
from aiops.evaluation import ranking
from aiops.evaluation.decoys import Past, past_alerts
from aiops.evaluation.ranking import Outcome
from aiops.evaluation.stress import pseudo_incidents
from aiops.evaluation.variants import Others, less_requests, variants
from aiops.workflows.fitting import Entry, Fitted, Incidents

PLAIN, FALSE_ALARM = "", "no_incident=pseudo"
PSEUDO = 2  # pseudo-incidents a Case, at most


@dataclass(frozen=True)
class Question:
    """What a ranker is asked about a Case.

    Args:
        slice: a stress, or ``FALSE_ALARM``; ``PLAIN``: the Case as it is.
        seed: of the draw, or the number of the false alarm; 0 where there is only one.
    """

    entry: Entry
    slice: str = PLAIN
    seed: int = 0


@dataclass(frozen=True)
class Answer:
    """What came of it: the outcome, or None where the stress does not fit the Case."""

    case: str
    outcome: Outcome | None
    reason: str = ""

    @property
    def states(self) -> bool:
        """Whether the ranker said if it abstains."""
        return self.outcome is not None and self.outcome.abstains is not None


class Court:
    """A data set opened for ranking: its Cases, fitted rankers and stresses."""

    def __init__(self, dataset: Dataset) -> None:
        self.truth = dataset.truth
        self.incidents = Incidents(dataset)
        self._readers = dataset.readers()
        self._fitted = Fitted(dataset, self.incidents)
        self._variants = {v.slice: v for v in variants(_others(self.incidents, self._fitted))}

    def case(self, name: str) -> Case:
        """An incident, or a Case that is none."""
        known = name in self.incidents.readers
        return self.incidents.case(name) if known else self._readers[name]()

    def answers(self, name: str, case: Case, asked: Iterable[Question]
                ) -> Iterator[tuple[Question, Answer]]:
        """Show one Case to all who were asked; it is made harder once for all of them."""
        together: dict[tuple[str, int], list[Question]] = {}
        for question in asked:
            together.setdefault((question.slice, question.seed), []).append(question)
        for (part, seed), questions in together.items():
            try:
                made, truth = self._made(name, case, part, seed)
            except CaseError as error:
                yield from ((each, Answer(name, None, str(error))) for each in questions)
                continue
            for each in questions:
                model = self._fitted.of(each.entry, name, self._variants.get(part), seed)
                yield each, Answer(name, outcome(each.entry, model, name, made, truth))

    def _made(self, name: str, case: Case, part: str, seed: int) -> tuple[Case, Any]:
        """The Case as it is shown, and its truth."""
        if part == PLAIN:
            return case, self.truth[name]
        if part != FALSE_ALARM:
            return self._variants[part].make(name, case, self.truth[name], seed)
        found = pseudo_incidents(case, PSEUDO)
        if seed >= len(found):
            raise CaseError("Normal time is too short for this pseudo-incident.")
        return found[seed], {"culprits": []}


def outcome(entry: Entry, model: Ranker, name: str, case: Case, truth: Any) -> Outcome:
    """What a fitted model makes of a Case; its failure is a miss."""
    started = time.perf_counter()
    blame, error = None, None
    try:
        blame = model.rank(case)
        ranking.stated(blame)
    except Exception as raised:  # noqa: BLE001  a model's failure is a miss, and is counted
        blame, error = None, f"{type(raised).__name__}: {raised}"
        if entry.part and isinstance(raised, CaseError):  # nothing to say is no failure here
            blame = pd.Series(0.0, index=list(case.suspects))
    return Outcome(blame, case.suspects, truth, time.perf_counter() - started, error,
                   name if truth["culprits"] else None)


class _LessRequests(Mapping[str, Case]):
    """Incidents less their requests; when the first is drawn all are read, in their order,
    which readers that keep a day's files are fast in, and kept."""

    def __init__(self, incidents: Incidents) -> None:
        self._incidents = incidents
        self._held: dict[str, Case] = {}

    def __getitem__(self, name: str) -> Case:
        if not self._held:
            self._held = {each: less_requests(case) for each, case in self._incidents.read("read")}
        return self._held[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._incidents.readers)

    def __len__(self) -> int:
        return len(self._incidents.readers)


def _others(incidents: Incidents, fitted: Fitted) -> Others:
    """The incidents less their requests, and what services raise when they are not guilty."""
    cases, names = _LessRequests(incidents), list(incidents.readers)
    culprits = dict(zip(names, incidents.culprits(names), strict=True))
    return Others(cases, culprits, cache(lambda: _past(cases, incidents, fitted)))


def _past(cases: Mapping[str, Case], incidents: Incidents, fitted: Fitted) -> Past:
    """Alerts of past incidents; of the scored ones where there is no history."""
    if fitted.history:
        return past_alerts((case for _, case in fitted.history),
                           [fitted.truth.get(name, {}).get("culprits", [])
                            for name, _ in fitted.history])
    return past_alerts(cases.values(), incidents.culprits(cases))
