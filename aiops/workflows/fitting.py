"""What a ranker may see before it is scored: history, and other incidents where it learns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from sklearn.base import clone

from aiops.base import Ranker
from aiops.case import Case
from aiops.datasets import Dataset
from aiops.errors import CaseError
from aiops.evaluation.variants import Variant
from aiops.workflows import parallel

KEPT_ROWS = 2_000_000  # of all tables: about a gigabyte of Cases


@dataclass(frozen=True)
class Entry:
    """A ranker that is scored; ``part`` names the evidence where it is one of another's parts."""

    name: str
    model: Ranker
    part: str = ""


class Incidents:
    """The Cases that are scored, one after the other; the first of them stay in memory."""

    def __init__(self, dataset: Dataset) -> None:
        self.truth = dataset.truth
        self.readers = {name: read for name, read in dataset.readers().items()
                        if dataset.truth[name]["culprits"]}
        self._kept: dict[str, Case] = {}
        self._rows = 0

    def read(self, label: str, names: Sequence[str] | None = None) -> Iterator[tuple[str, Case]]:
        """(id, Case) of these incidents, or of all, with a bar."""
        wanted = list(self.readers) if names is None else names
        for name in parallel.watched(iter(wanted), label, len(wanted)):
            yield name, self.case(name)

    def case(self, name: str) -> Case:
        """One of them."""
        if name in self._kept:
            return self._kept[name]
        case = self.readers[name]()
        self._rows += sum(map(len, case.tables.values()))
        if self._rows <= KEPT_ROWS:
            self._kept[name] = case
        return case

    def culprits(self, names: Iterable[str]) -> list[list[str]]:
        """Of each of them."""
        return [self.truth[name]["culprits"] for name in names]

    def of_other_kinds(self, name: str) -> list[str]:
        """The incidents of other faults than this one's; without a fault it is its own kind."""
        fault = self.truth[name].get("fault")
        return [other for other in self.readers if other != name and (
            fault is None or self.truth[other].get("fault") != fault)]


class _Lazy(Sequence[Case]):
    """Incidents to learn from, read (and made harder) when they are asked for."""

    def __init__(self, incidents: Incidents, names: Sequence[str],
                 change: Callable[[Case], Case]) -> None:
        self._incidents, self._names, self._change = incidents, names, change

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, slice):
            return _Lazy(self._incidents, self._names[at], self._change)
        return self._change(self._incidents.case(self._names[at]))


class _Unfit(Ranker):
    """Stands for a ranker that could not be fitted: it fails on every case."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def rank(self, case: Case) -> pd.Series:
        raise self.error.with_traceback(None)


def learns_anew(model: Ranker, labelled_past: bool) -> bool:
    """Whether it is fitted anew for each kind of fault: no past has labels for it to learn from."""
    return model.uses_labels and not model.hindsight and not labelled_past


class Fitted:
    """Rankers fitted as the protocol says; each once for what it must not, or must, have seen."""

    def __init__(self, dataset: Dataset, incidents: Incidents) -> None:
        self.history = list(dataset.history())
        self.truth = dataset.history_truth
        self._incidents = incidents
        self._held: dict[Any, Ranker] = {}
        self._past: tuple[Any, list[tuple[str, Case]]] = (None, self.history)

    def of(self, entry: Entry, name: str, variant: Variant | None, seed: int) -> Ranker:
        """For the case of this name, or a variant of it."""
        apart = learns_anew(entry.model, bool(self.truth))
        learnt = self._incidents.of_other_kinds(name) if apart and name in \
            self._incidents.readers else list(self._incidents.readers)
        under = None
        if variant and variant.past and not entry.model.hindsight and (apart or self.history):
            under = (variant.slice, seed if variant.seeded else 0)
        key = (entry.name, entry.part, under, tuple(learnt) if apart else None)
        if key not in self._held:
            change = _changing(variant if under else None, seed)
            try:
                self._held[key] = self._fit(clone(entry.model), entry.name, under, change,
                                            learnt if apart else None)
            except Exception as error:  # noqa: BLE001  it then fails on each case, and is counted
                self._held[key] = _Unfit(error.with_traceback(None))
        return self._held[key]

    def _fit(self, model: Ranker, name: str, under: Any, change: Callable[[Case], Case],
             learnt: list[str] | None) -> Ranker:
        of = self._incidents
        if model.hindsight:
            cases: Any = (case for _, case in of.read(f"fit {name}"))  # read one at a time
            return model.fit(cases, of.culprits(of.readers))
        if learnt is not None:
            return model.fit(_Lazy(of, learnt, change), of.culprits(learnt))
        if self._past[0] != under:  # what was made harder last is asked for by each ranker
            self._past = (under, [(each, change(case)) for each, case in self.history])
        if not model.uses_labels:
            return model.fit([case for _, case in self._past[1]])
        told = [(case, self.truth[each]["culprits"]) for each, case in self._past[1]
                if self.truth.get(each, {}).get("culprits")]
        return model.fit([case for case, _ in told], [culprits for _, culprits in told])


def _changing(variant: Variant | None, seed: int) -> Callable[[Case], Case]:
    """What a stress does to past incidents; one that it does not fit stays as it is."""
    def change(case: Case) -> Case:
        try:
            return case if variant is None or variant.past is None else variant.past(case, seed)
        except CaseError:
            return case

    return change
