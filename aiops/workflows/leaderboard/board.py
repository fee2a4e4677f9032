"""The leaderboard of root-cause rankers: every ranker on every set, plain and under stress.

Outcomes are kept on disk (``outcomes``), by what decides them: ranker, stress, seed, and a
version of code and data. A run asks only what is not there yet, over whole Cases in two
processes: a Case is read once, made harder once, and shown to all rankers that lack it.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any

from aiops import datasets, rca
from aiops.case import Case
from aiops.code_version import code_version
from aiops.datasets import LAYOUTS, Dataset
from aiops.errors import CaseError, InputError
from aiops.evaluation.figures import Figure
from aiops.evaluation.ranking import Outcome
from aiops.evaluation.stress import pseudo_incidents
from aiops.evaluation.variants import Others, Variant, variants
from aiops.workflows import judging, parallel
from aiops.workflows.bench import PSEUDO, SEEDS
from aiops.workflows.fitting import Entry, Fitted, Incidents
from aiops.workflows.leaderboard.store import Answer, Asked, Store

log = logging.getLogger(__name__)
SETS = ("rcd-sockshop", "petshop-low", "tvdiag/sockshop", "tvdiag/hotel", "shop", "shop-2",
        "nezha-ob")
FOLDER = Path("experiments", "leaderboard")
PLAIN, FALSE_ALARM = "", "no_incident=pseudo"
DECOYS = "decoys=40"


@dataclass(frozen=True)
class Effort:
    """How much is asked.

    Args:
        seeds: of what is drawn, for the default; baselines are asked with one.
        quick: plain, and the decoys alone with one seed.
        limit: only the first Cases of a set, to try it out.
    """

    seeds: int = SEEDS
    quick: bool = False
    limit: int | None = None

    def stresses(self, ranker: str) -> list[tuple[str, int]]:
        """(slice, seed) of all stresses for this ranker."""
        known = [v for v in variants(Others({}, {})) if not self.quick or v.slice == DECOYS]
        many = self.seeds if ranker == rca.DEFAULT and not self.quick else 1
        return [(v.slice, seed) for v in known for seed in range(many if v.seeded else 1)]


@dataclass(frozen=True)
class Task:
    """One Case of a set and what is asked of it."""

    target: str
    case: str
    asked: tuple[Asked, ...]


@dataclass(frozen=True)
class Kept:
    """What is kept of one ranker on one set.

    Args:
        by_slice: its outcomes. left_out: how many Cases each stress does not fit.
        seeds: how many the outcomes of a slice have.
    """

    by_slice: dict[str, list[Outcome]]
    left_out: dict[str, int]
    seeds: dict[str, int]


@dataclass
class Set:
    """A data set of the leaderboard, with what is known of it so far.

    Args:
        target: what ``datasets.load`` takes. rankers: names. folder: of the outcomes.
    """

    target: str
    rankers: Sequence[str] = field(default_factory=lambda: list(rca.RANKERS))
    folder: Path = FOLDER

    @cached_property
    def dataset(self) -> Dataset:
        made = datasets.load(self.target)
        judging.check_truth(made)
        return made

    @cached_property
    def cases(self) -> list[str]:
        """Ids of all Cases, in the set's order."""
        return list(self.dataset.readers())

    @cached_property
    def store(self) -> Store:
        return Store(self.folder, self.target)

    @cached_property
    def entries(self) -> list[Entry]:
        return judging.entries(self.rankers)

    @cached_property
    def _data(self) -> tuple[str, str]:
        """The reader's module, and a hash of what it reads."""
        (reader,) = (m.__name__ for m in LAYOUTS.values() if m.recognise(self.dataset.root))
        return reader, given(self.dataset)

    def asked(self, entry: Entry, part: str, seed: int = 0) -> Asked:
        """With the version of what decides the answer: ranker, reader, stress, and the data."""
        reader, data = self._data
        code = _version(type(entry.model).__module__, reader, bool(part))
        return Asked(entry.name, entry.part, part, seed, f"{code}-{data}")

    def incidents(self, limit: int | None = None) -> list[str]:
        """Ids of the Cases that are scored, in the set's order."""
        truth = self.dataset.truth
        return [n for n in self.cases if truth[n]["culprits"]][:limit]

    def missing(self, effort: Effort) -> list[Task]:
        """What is not known yet, by Case."""
        lacks: dict[str, list[Asked]] = {}
        for asked, names in self._wanted(effort):
            known = self.store.known(asked)
            for name in names:
                if name not in known:
                    lacks.setdefault(name, []).append(asked)
        return [Task(self.target, name, tuple(lacks[name]))
                for name in self.cases if name in lacks]

    def _wanted(self, effort: Effort) -> Iterator[tuple[Asked, list[str]]]:
        names = self.incidents(effort.limit)
        calm = [n for n in self.cases if not self.dataset.truth[n]["culprits"]]
        for entry in self.entries:
            yield self.asked(entry, PLAIN), names
            plain = entry.part or self._anew(entry)
            for part, seed in [] if plain else effort.stresses(entry.name):
                yield self.asked(entry, part, seed), names
            if not entry.part and self._states(entry):
                yield self.asked(entry, PLAIN), calm[:effort.limit]
                for seed in [] if effort.quick else range(PSEUDO):
                    yield self.asked(entry, FALSE_ALARM, seed), names

    def _anew(self, entry: Entry) -> bool:
        """Whether it is fitted anew for each kind of fault: too long to do under each stress."""
        learns = entry.model.uses_labels and not entry.model.hindsight
        return learns and not self.dataset.history_truth

    def _states(self, entry: Entry) -> bool:
        """Whether this ranker says when it abstains, as far as it was asked."""
        kept = self.store.read(self.asked(entry, PLAIN), self.dataset.truth)
        return any(a.outcome is not None and a.outcome.abstains is not None for a in kept)

    def outcomes(self, name: str, seeds: int = SEEDS) -> Kept:
        """All that is kept of one ranker, of the code as it is."""
        found: dict[str, list[tuple[int, int, Outcome]]] = {}
        left: dict[str, set[str]] = {}
        order = {case: at for at, case in enumerate(self.cases)}
        for entry, part, seed in self._kept(name, seeds):
            for answer in self.store.read(self.asked(entry, part, seed), self.dataset.truth):
                as_slice = self._slice(entry, part, answer.case)
                if part and part != FALSE_ALARM:
                    left.setdefault(as_slice, set())
                if answer.outcome is not None:
                    at = (order[answer.case], seed, answer.outcome)
                    found.setdefault(as_slice, []).append(at)
                elif part != FALSE_ALARM:
                    left[as_slice].add(answer.case)
        held = {part: sorted(each, key=lambda o: o[:2]) for part, each in found.items()}
        return Kept({part: [o for *_, o in each] for part, each in held.items()},
                    {part: len(cases) for part, cases in left.items()},
                    {part: len({seed for _, seed, _ in each}) for part, each in held.items()})

    def _kept(self, name: str, seeds: int) -> Iterator[tuple[Entry, str, int]]:
        for entry in self.entries:
            if entry.name != name:
                continue
            yield entry, PLAIN, 0
            if not entry.part:
                for variant in variants(Others({}, {})):
                    for seed in range(seeds if variant.seeded else 1):
                        yield entry, variant.slice, seed
                for seed in range(PSEUDO):
                    yield entry, FALSE_ALARM, seed

    def _slice(self, entry: Entry, part: str, case: str) -> str:
        truth = self.dataset.truth[case]
        if entry.part:
            return f"evidence={entry.part}"
        if not truth["culprits"]:
            return f"{judging.NO_INCIDENT}{truth.get('role', 'control')}"
        return part

    def figures(self, name: str, seeds: int = SEEDS) -> list[Figure]:
        """All figures of one ranker, as ``bench_rca`` gives them; none where nothing is kept."""
        kept = self.outcomes(name, seeds)
        return judging.figures(self.dataset, name, kept.by_slice, kept.left_out) \
            if kept.by_slice.get(PLAIN) else []


@cache
def _version(ranker: str, reader: str, stressed: bool) -> str:
    code = [ranker, reader, *["aiops.evaluation.variants"] * stressed]
    return code_version(code, alone=["aiops.workflows.fitting"])


def run(targets: Sequence[str], effort: Effort = Effort(), rankers: Sequence[str] | None = None,
        folder: Path = FOLDER) -> tuple[list[Set], int]:
    """Ask what is missing, and keep it; gives the sets and how many rankings were made.

    Raises:
        LayoutError, CaseError: a set that is not there or cannot be read. InputError: seeds < 1.
    """
    if effort.seeds < 1:
        raise InputError(f"The leaderboard needs at least one seed. Got seeds={effort.seeds}.")
    sets = [Set(target, list(rankers or rca.RANKERS), folder) for target in targets]
    for each in sets:
        each.dataset  # noqa: B018  what cannot be read is told before hours of work
    return sets, sum(_complete(each, effort) for each in sets)


def _complete(of: Set, effort: Effort) -> int:
    """Twice: whether a ranker states that it abstains is known when it has ranked."""
    made = 0
    for _ in range(2):
        if tasks := of.missing(effort):
            for answers in parallel.each(judge, tasks, of.target):
                for asked, answer in answers:
                    of.store.add(asked, [answer])
                made += sum(answer.outcome is not None for _, answer in answers)
    return made


# --- in a process of its own -------------------------------------------------------------
class _World:
    """A data set opened for ranking: fitted rankers and stresses."""

    def __init__(self, target: str) -> None:
        self.set = Set(target)
        self.dataset = self.set.dataset
        self.readers = self.dataset.readers()
        self.incidents = Incidents(self.dataset)
        self.fitted = Fitted(self.dataset, self.incidents)
        hard = variants(judging.others(self.incidents, self.fitted))
        self.variants = {variant.slice: variant for variant in hard}
        self.entries: dict[tuple[str, str], Entry] = {}

    def entry(self, asked: Asked) -> Entry:
        key = (asked.ranker, asked.part)
        if key not in self.entries:
            self.entries |= {(e.name, e.part): e for e in judging.entries([asked.ranker])}
        return self.entries[key]

    def made(self, name: str, case: Case, part: str, seed: int) -> tuple[Case, Any]:
        """The Case under a stress, and its truth."""
        truth = self.dataset.truth[name]
        if part == FALSE_ALARM:
            found = pseudo_incidents(case, PSEUDO)
            if seed >= len(found):
                raise CaseError("Normal time is too short for this pseudo-incident.")
            return found[seed], {"culprits": []}
        return self.variants[part].make(name, case, truth, seed) if part else (case, truth)

    def variant(self, part: str) -> Variant | None:
        return self.variants.get(part)


@lru_cache(maxsize=1)
def _world(target: str) -> _World:
    return _World(target)


def judge(task: Task) -> list[tuple[Asked, Answer]]:
    """Show one Case to all who were asked."""
    world, name = _world(task.target), task.case
    known = world.incidents.readers
    case = world.incidents.case(name) if name in known else world.readers[name]()
    answers = []
    for (part, seed), asked in groupby(sorted(task.asked, key=_by_stress), _by_stress):
        try:
            made, truth = world.made(name, case, part, seed)
        except CaseError as error:
            answers += [(each, Answer(name, None, str(error))) for each in asked]
            continue
        for each in asked:
            entry = world.entry(each)
            if world.set.asked(entry, part, seed) != each:
                log.warning("%s changed while the leaderboard was made: run it again", entry.name)
                continue
            model = world.fitted.of(entry, name, world.variant(part), seed)
            answers.append((each, Answer(name, judging.outcome(
                entry, model, name, made, truth, logging.DEBUG))))
    return answers


def _by_stress(asked: Asked) -> tuple[str, int]:
    return asked.slice, asked.seed


def given(dataset: Dataset) -> str:
    """A hash of the data: names and sizes of its files, and what is known of its Cases."""
    folder = dataset.raw if dataset.raw.is_dir() else dataset.root
    files = sorted((str(f.relative_to(folder)), f.stat().st_size)
                   for f in folder.rglob("*") if f.is_file())
    told = json.dumps([files, dataset.truth], sort_keys=True, default=str)
    return hashlib.sha1(told.encode(), usedforsecurity=False).hexdigest()[:6]
