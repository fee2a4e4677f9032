"""A Dataset: named Cases with their truth; Cases are read one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiops.case import Case
from aiops.errors import CaseError, InputError

Truth = dict[str, dict[str, Any]]
Cases = Callable[[], Iterator[tuple[str, Case]]]
Readers = Callable[[], Mapping[str, Callable[[], Case]]]


@dataclass(frozen=True)
class Dataset:
    """Cases and what is known about them.

    Args:
        name: what figures call it.
        root: the folder it lies in.
        truth: id -> {"culprits", "kind", "fault"?, ...}; empty where none is published.
        readers: id -> what reads that Case, in their order; nothing is read before it is called.
        history: past incidents for ``fit``, never scored.
        history_truth: their truth, for rankers that state that they use labels.
        card: where it comes from and its licence.
    """

    name: str
    root: Path
    truth: Truth
    readers: Readers
    history: Cases = lambda: iter(())
    history_truth: Truth = field(default_factory=dict)
    card: str = ""

    def cases(self) -> Iterator[tuple[str, Case]]:
        """(id, Case) one after the other, read anew at each call."""
        for name, read in self.readers().items():
            yield name, read()

    def case(self, name: str = "") -> tuple[str, Case]:
        """(id, Case) of one, without reading the others; the first when no name is given.

        Raises:
            InputError: no such case, or none at all.
        """
        known = self.readers()
        if not known or (name and name not in known):
            raise InputError(f"{self.root} has no case {name!r}. "
                             f"It has: {', '.join(known) or 'none'}.")
        chosen = name or next(iter(known))
        return chosen, known[chosen]()

    @property
    def raw(self) -> Path:
        """The folder of recorded OTLP (recorded sets only)."""
        return self.root / "recordings"


def by_id(readers: Iterable[tuple[str, Callable[[], Case]]]) -> dict[str, Callable[[], Case]]:
    """Readers by id; an id that two folders claim is an error, lest one hide the other."""
    out: dict[str, Callable[[], Case]] = {}
    for name, read in readers:
        if name in out:
            raise CaseError(f"Two folders have the id {name!r}. Ids must differ: change one.")
        out[name] = read
    return out
