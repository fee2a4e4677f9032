"""A data set of the leaderboard: what is kept of it, and what is missing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import groupby
from pathlib import Path

from aiops import datasets, rca
from aiops.code_version import code_version
from aiops.datasets import LAYOUTS, Dataset
from aiops.evaluation.figures import Figure
from aiops.workflows import plan
from aiops.workflows.fitting import Entry
from aiops.workflows.judging import PLAIN, Answer, Question
from aiops.workflows.leaderboard.store import Asked, Store
from aiops.workflows.plan import SEEDS, Effort, Plan
from aiops.workflows.scoring import Tally

SETS = ("rcd-sockshop", "petshop-low", "tvdiag/sockshop", "tvdiag/hotel", "shop", "shop-2",
        "shop-parts", "nezha-ob")
FOLDER = Path("experiments", "leaderboard")
_ASKS = ("aiops.workflows.fitting", "aiops.workflows.judging")  # all rankers alike


@dataclass(frozen=True)
class Task:
    """One Case of a set and what is asked of it."""

    target: str
    case: str
    asked: tuple[Asked, ...]


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
        plan.check_truth(made)
        return made

    @cached_property
    def store(self) -> Store:
        return Store(self.folder, self.target)

    @cached_property
    def entries(self) -> list[Entry]:
        return plan.entries(self.rankers)

    @cached_property
    def _data(self) -> tuple[str, str]:
        """The reader's module, and a hash of what it reads."""
        return reader_of(self.dataset), given(self.dataset)

    def asked(self, question: Question) -> Asked:
        """With the version of what decides the answer: ranker, reader, stress, and the data."""
        reader, data = self._data
        entry, part = question.entry, question.slice
        code = version(type(entry.model).__module__, reader, part != PLAIN)
        return Asked(entry.name, entry.part, part, question.seed, f"{code}-{data}")

    def plan(self, effort: Effort) -> Plan:
        """What is asked of the rankers."""
        return Plan(self.dataset, self.entries, effort)

    def missing(self, effort: Effort) -> list[Task]:
        """What is not known yet, by Case."""
        lacks: dict[str, list[Asked]] = {}
        for asked, names in self._wanted(effort):
            known = self.store.known(asked)
            for name in names:
                if name not in known:
                    lacks.setdefault(name, []).append(asked)
        return [Task(self.target, name, tuple(lacks[name]))
                for name in self.dataset.readers() if name in lacks]

    def _wanted(self, effort: Effort) -> Iterator[tuple[Asked, list[str]]]:
        of = self.plan(effort)
        states = {entry.name for entry in self.entries if not entry.part and self._states(entry)}
        for incident, names in ((True, of.incidents), (False, of.calm)):
            for question in of.about(incident, states):
                yield self.asked(question), names

    def _states(self, entry: Entry) -> bool:
        """Whether this ranker says when it abstains, as far as it was asked."""
        return any(answer.states for answer in self._kept(Question(entry)))

    def _kept(self, question: Question) -> Iterator[Answer]:
        return self.store.read(self.asked(question), self.dataset.truth)

    def outcomes(self, name: str, seeds: int = SEEDS) -> Tally:
        """All that is kept of one ranker, of the code as it is; by Case, and then by seed."""
        made, order = Tally(), {case: at for at, case in enumerate(self.dataset.readers())}
        everything = self.plan(Effort(seeds, alike=True)).about(True, self.rankers)
        mine = [question for question in everything if question.entry.name == name]
        for _, alike in groupby(mine, lambda question: (question.entry.part, question.slice)):
            found = [(question, answer) for question in alike for answer in self._kept(question)]
            for question, answer in sorted(found, key=lambda f: (order[f[1].case], f[0].seed)):
                made.add(question, answer, self.dataset.truth[answer.case])
        return made

    def figures(self, name: str, seeds: int = SEEDS) -> list[Figure]:
        """All figures of one ranker, as ``bench_rca`` gives them; none where nothing is kept."""
        return self.outcomes(name, seeds).figures(self.dataset, name)


@cache
def version(ranker: str, reader: str, stressed: bool) -> str:
    """Of the code that decides an answer; what is asked of all alike counts without its imports,
    so that the answers of one ranker do not go stale with the code of another.

    Args:
        ranker, reader: their modules.
    """
    stresses = ["aiops.evaluation.variants"] * stressed
    return code_version([ranker, reader, *stresses], alone=_ASKS)


def reader_of(dataset: Dataset) -> str:
    """Name of the module that reads it."""
    (reader,) = (m.__name__ for m in LAYOUTS.values() if m.recognise(dataset.root))
    return reader


def given(dataset: Dataset) -> str:
    """A hash of the data: names and sizes of its files, and what is known of its Cases."""
    folder = dataset.raw if dataset.raw.is_dir() else dataset.root
    files = sorted((str(f.relative_to(folder)), f.stat().st_size)
                   for f in folder.rglob("*") if f.is_file())
    told = json.dumps([files, dataset.truth], sort_keys=True, default=str)
    return hashlib.sha1(told.encode(), usedforsecurity=False).hexdigest()[:6]
