"""A Dataset: named Cases with their truth; Cases are read one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiops.case import Case

Truth = dict[str, dict[str, Any]]
Cases = Callable[[], Iterator[tuple[str, Case]]]


@dataclass(frozen=True)
class Dataset:
    """Cases and what is known about them.

    Args:
        name: what figures call it.
        root: the folder it lies in.
        truth: id -> {"culprits", "kind", "fault"?, ...}; empty where none is published.
        cases: reads (id, Case) one after the other, anew at each call.
        history: past incidents for ``fit``, never scored.
        card: where it comes from and its licence.
    """

    name: str
    root: Path
    truth: Truth
    cases: Cases
    history: Cases = lambda: iter(())
    card: str = ""

    @property
    def raw(self) -> Path:
        """The folder of recorded OTLP (recorded sets only)."""
        return self.root / "recordings"
