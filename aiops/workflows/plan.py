"""The plan of a run: who is asked what, in ``bench`` (all at once, in memory) and on the
leaderboard (piece by piece, kept on disk)."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass

from aiops import rca
from aiops.datasets import Dataset
from aiops.errors import CaseError, InputError
from aiops.evaluation.decoys import COUNT
from aiops.evaluation.variants import Others, variants
from aiops.workflows.fitting import Entry, learns_anew
from aiops.workflows.judging import FALSE_ALARM, PLAIN, PSEUDO, Question

SEEDS = 5
DECOYS = f"decoys={COUNT}"


@dataclass(frozen=True)
class Effort:
    """How much is asked.

    Args:
        seeds: of what is drawn.
        stress: also each incident made harder; and false alarms, of rankers that may abstain.
        quick: of all that, the decoys alone, and with one seed.
        alike: baselines are asked all that the default is. Else they are with one seed, and
            who learns anew for each kind of fault is not stressed: it would take too long.
        limit: only the first Cases of a set, to try it out.

    Raises:
        InputError: seeds < 1.
    """

    seeds: int = SEEDS
    stress: bool = True
    quick: bool = False
    alike: bool = False
    limit: int | None = None

    def __post_init__(self) -> None:
        if self.seeds < 1:
            raise InputError(f"A bench needs at least one seed. Got seeds={self.seeds}.")


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


class Plan:
    """What is asked on one data set.

    Attributes:
        incidents: ids of the Cases that are scored. calm: of those that are no incidents.

    Raises:
        CaseError: a Case has no truth to be scored against.
    """

    def __init__(self, dataset: Dataset, entries: Sequence[Entry], effort: Effort) -> None:
        check_truth(dataset)
        names, self._effort, self.entries = list(dataset.readers()), effort, entries
        guilty = {name for name in names if dataset.truth[name]["culprits"]}
        self.incidents = [name for name in names if name in guilty][:effort.limit]
        self.calm = [name for name in names if name not in guilty][:effort.limit]
        self._labelled_past = bool(dataset.history_truth)

    def about(self, incident: bool, states: Container[str]) -> list[Question]:
        """All that is asked about an incident, or about a Case that is none.

        Args:
            states: names of the rankers that are known to say when they abstain.
        """
        return [Question(entry, part, seed) for entry in self.entries
                for part, seed in self._of(entry, incident, entry.name in states)]

    def _of(self, entry: Entry, incident: bool, states: bool) -> list[tuple[str, int]]:
        """(slice, seed); only the whole ranker is asked more than the Cases as they are."""
        if entry.part:
            return [(PLAIN, 0)] * incident
        false = range(PSEUDO * (states and self._effort.stress and not self._effort.quick))
        alarms = [(FALSE_ALARM, number) for number in false]
        return [(PLAIN, 0), *self._stresses(entry), *alarms] if incident else [(PLAIN, 0)] * states

    def _stresses(self, entry: Entry) -> list[tuple[str, int]]:
        of = self._effort
        if not of.stress or not of.alike and learns_anew(entry.model, self._labelled_past):
            return []
        many = of.seeds if (of.alike or entry.name == rca.DEFAULT) and not of.quick else 1
        return [(v.slice, seed) for v in variants(Others({}, {}))
                if not of.quick or v.slice == DECOYS for seed in range(many if v.seeded else 1)]


def check_truth(dataset: Dataset) -> None:
    """Raises CaseError where a Case has no truth to be scored against."""
    if not dataset.truth:
        raise CaseError(f"{dataset.root} has no truth.json to score against. Write one beside "
                        'the cases: {"<id>": {"culprits": ["<service>"], "kind": "service"}}.')
    for name in dataset.readers():
        if name not in dataset.truth:
            raise CaseError(f"The truth of {dataset.root} lacks the case {name!r}. "
                            "A case that is no incident has culprits [].")
