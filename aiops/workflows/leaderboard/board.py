"""A run of the leaderboard: what is missing is asked, over whole Cases in two processes.

A Case is read once, made harder once, and shown to all rankers that lack it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from aiops import rca
from aiops.workflows import parallel, plan
from aiops.workflows.fitting import Entry
from aiops.workflows.judging import Answer, Court, Question
from aiops.workflows.leaderboard.sets import FOLDER, Set, Task
from aiops.workflows.leaderboard.store import Asked
from aiops.workflows.plan import Effort

log = logging.getLogger(__name__)


def run(targets: Sequence[str], effort: Effort, rankers: Sequence[str] | None = None,
        folder: Path = FOLDER) -> tuple[list[Set], int]:
    """Ask what is missing, and keep it; gives the sets and how many rankings were made.

    Raises:
        LayoutError, CaseError: a set that is not there or cannot be read.
    """
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
class _Opened:
    """A data set opened for ranking, and the rankers that were asked so far."""

    def __init__(self, target: str) -> None:
        self.set = Set(target)
        self.court = Court(self.set.dataset)
        self._entries: dict[tuple[str, str], Entry] = {}

    def question(self, asked: Asked) -> Question:
        key = (asked.ranker, asked.part)
        if key not in self._entries:
            self._entries |= {(e.name, e.part): e for e in plan.entries([asked.ranker])}
        return Question(self._entries[key], asked.slice, asked.seed)


@lru_cache(maxsize=1)
def _opened(target: str) -> _Opened:
    return _Opened(target)


def judge(task: Task) -> list[tuple[Asked, Answer]]:
    """Show one Case to all who were asked, by the code that they were asked of."""
    opened = _opened(task.target)
    questions = {opened.question(asked): asked for asked in task.asked}
    same = {question: asked for question, asked in questions.items()
            if opened.set.asked(question) == asked}
    for name in dict.fromkeys(q.entry.name for q in questions if q not in same):
        log.warning("%s changed while the leaderboard was made: run it again", name)
    case = opened.court.case(task.case)
    return [(same[question], answer)
            for question, answer in opened.court.answers(task.case, case, same)]
