"""Pieces of work that do not need each other, two at a time, with a bar that shows how far."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from joblib import Parallel, delayed
from rich.console import Console
from rich.progress import track

AT_ONCE = 2  # a third would wait for the two cores that a laptop has to spare
Item = TypeVar("Item")
Made = TypeVar("Made")


def each(work: Callable[[Item], Made], items: Sequence[Item], label: str) -> Iterator[Made]:
    """``work(item)`` of every item, in their order, each in a process; the bar is called ``label``.

    Raises:
        Exception: what ``work`` raises.
    """
    run = Parallel(n_jobs=min(AT_ONCE, len(items)), return_as="generator")
    yield from watched(run(delayed(work)(item) for item in items), label, len(items))


def watched(items: Iterator[Made], label: str, total: int) -> Iterator[Made]:
    """The items, with a bar on standard error that shows how many of them are through.

    No bar where standard error is no terminal: a report would hold each of its steps. Asked of the
    stream, since rich takes a notebook for a terminal.
    """
    console = Console(stderr=True)
    yield from track(items, label, total=total, console=console, disable=not sys.stderr.isatty())
