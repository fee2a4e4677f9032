"""One ranking of one Case as an Outcome, and all figures of a ranker from its outcomes.

What ``bench`` (all at once, in memory) and ``leaderboard`` (piece by piece, kept on disk) share.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import pandas as pd

from aiops import rca
from aiops.base import Ranker
from aiops.case import Case
from aiops.datasets import Dataset
from aiops.errors import CaseError, InputError
from aiops.evaluation import ranking
from aiops.evaluation.decoys import Past, past_alerts
from aiops.evaluation.figures import Figure
from aiops.evaluation.ranking import Outcome
from aiops.evaluation.variants import Others, less_requests
from aiops.workflows.fitting import Entry, Fitted, Incidents

log = logging.getLogger(__name__)
NO_INCIDENT = "no_incident="  # what slices of these begin with


def entries(names: Sequence[str]) -> list[Entry]:
    """Rankers by name, each followed by its parts.

    Raises:
        UsageError, InputError: an unknown name, or none.
    """
    if not names:
        raise InputError(f"bench_rca needs rankers. Known: {', '.join(rca.RANKERS)}.")
    made = []
    for name in names:
        model = rca.make(name)
        made += [Entry(name, model), *[Entry(name, own, part)
                                        for part, own in model.parts().items()]]
    return made


def check_truth(dataset: Dataset) -> None:
    """Raises CaseError where a Case has no truth to be scored against."""
    if not dataset.truth:
        raise CaseError(f"{dataset.root} has no truth.json to score against. Write one beside "
                        'the cases: {"<id>": {"culprits": ["<service>"], "kind": "service"}}.')
    for name in dataset.readers():
        if name not in dataset.truth:
            raise CaseError(f"The truth of {dataset.root} lacks the case {name!r}. "
                            "A case that is no incident has culprits [].")


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


def others(incidents: Incidents, fitted: Fitted) -> Others:
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


def outcome(entry: Entry, model: Ranker, name: str, case: Case, truth: Any,
            level: int) -> Outcome:
    """What a fitted model makes of a Case; its failure is a miss, logged at this level."""
    started = time.perf_counter()
    blame, error = None, None
    try:
        blame = model.rank(case)
        ranking.stated(blame)
    except Exception as raised:  # noqa: BLE001  a model's failure is a miss, and is counted
        blame, error = None, f"{type(raised).__name__}: {raised}"
        if entry.part and isinstance(raised, CaseError):  # nothing to say is no failure here
            blame = pd.Series(0.0, index=list(case.suspects))
        log.log(level, "%s failed on %s: %s", entry.name, name, error)
    return Outcome(blame, case.suspects, truth, time.perf_counter() - started, error,
                   name if truth["culprits"] else None)


def figures(dataset: Dataset, model: str, outcomes: Mapping[str, list[Outcome]],
            left_out: Mapping[str, int]) -> list[Figure]:
    """All figures of one ranker.

    Args:
        outcomes: by slice; "" are the Cases as they are, whose truth names their slices.
        left_out: how many Cases each stress does not fit.
    """
    plain = outcomes.get("", [])
    made = ranking.figures(plain, dataset.name, model)
    for part, held in outcomes.items():
        if part.startswith(NO_INCIDENT):
            made += ranking.abstention(held, dataset.name, model, part)
        elif part:
            made += _harder(dataset.name, model, part, held, left_out)
    left = float(len(dataset.readers()) - len(plain))
    return [*made, Figure("rca", dataset.name, model, "all", "not_scored", left, None, None,
                          len(plain), None, "count")]


def _harder(name: str, model: str, part: str, made: list[Outcome],
            left_out: Mapping[str, int]) -> Iterator[Figure]:
    """A slice, and within it what the set's own protocol judges apart."""
    yield from ranking.of_slice(made, name, model, part)
    own = dict.fromkeys(each for o in made for each in o.truth.get("slices", []))
    for each in own:
        held = [o for o in made if each in o.truth.get("slices", [])]
        yield from ranking.of_slice(held, name, model, f"{part}, {each}")
    if part in left_out:
        yield Figure("rca", name, model, part, "left_out", float(left_out[part]), None,
                     None, len({o.case for o in made}), None, "count")
