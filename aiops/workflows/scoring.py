"""All figures of a ranker from its outcomes, by slice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiops.datasets import Dataset
from aiops.evaluation import ranking
from aiops.evaluation.figures import Figure
from aiops.evaluation.ranking import Outcome
from aiops.workflows.judging import FALSE_ALARM, PLAIN, Answer, Question

_NO_INCIDENT = "no_incident="  # what slices of these begin with


@dataclass(frozen=True)
class Tally:
    """What came of the questions to one ranker on one data set.

    Args:
        by_slice: its outcomes; of ``PLAIN`` the truth names the slices.
        left_out: ids of the Cases that each stress does not fit.
        seeds: with which each slice was asked.
    """

    by_slice: dict[str, list[Outcome]] = field(default_factory=dict)
    left_out: dict[str, set[str]] = field(default_factory=dict)
    seeds: dict[str, set[int]] = field(default_factory=dict)

    def add(self, question: Question, answer: Answer, truth: Mapping[str, Any]) -> None:
        """Count an answer.

        Args:
            truth: the data set's, of this Case.
        """
        part = slice_of(question, truth)
        stress = question.slice not in (PLAIN, FALSE_ALARM)
        if stress:
            self.left_out.setdefault(part, set())
        if answer.outcome is not None:
            self.by_slice.setdefault(part, []).append(answer.outcome)
            self.seeds.setdefault(part, set()).add(question.seed)
        elif stress:
            self.left_out[part].add(answer.case)

    def figures(self, dataset: Dataset, model: str) -> list[Figure]:
        """All figures of the ranker of this name; none where no incident was asked about."""
        plain = self.by_slice.get(PLAIN, [])
        if not plain:
            return []
        made = ranking.figures(plain, dataset.name, model)
        for part, held in self.by_slice.items():
            if part.startswith(_NO_INCIDENT):
                made += ranking.abstention(held, dataset.name, model, part)
            elif part:
                made += self._harder(dataset.name, model, part)
        left = float(len(dataset.readers()) - len(plain))
        return [*made, Figure("rca", dataset.name, model, "all", "not_scored", left, None, None,
                              len(plain), None, "count")]

    def _harder(self, name: str, model: str, part: str) -> Iterator[Figure]:
        """A slice, and within it what the set's own protocol judges apart."""
        made = self.by_slice[part]
        yield from ranking.of_slice(made, name, model, part)
        for each, held in within(made).items():
            yield from ranking.of_slice(held, name, model, f"{part}, {each}")
        if part in self.left_out:
            yield Figure("rca", name, model, part, "left_out", float(len(self.left_out[part])),
                         None, None, len({o.case for o in made}), None, "count")


def slice_of(question: Question, truth: Mapping[str, Any]) -> str:
    """The slice that an outcome counts in: a stress, one evidence alone, or what is no incident."""
    if question.entry.part:
        return f"evidence={question.entry.part}"
    if not truth["culprits"]:
        return f"{_NO_INCIDENT}{truth.get('role', 'control')}"
    return question.slice


def within(outcomes: list[Outcome]) -> dict[str, list[Outcome]]:
    """The outcomes of each slice that the truth names."""
    own = dict.fromkeys(each for o in outcomes for each in o.truth.get("slices", []))
    return {each: [o for o in outcomes if each in o.truth.get("slices", [])] for each in own}
