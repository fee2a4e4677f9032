"""Outcomes of rankings kept on disk, one line a ranking, so that none is made twice.

``<folder>/<set>/<ranker>[+<part>]/<slice>.<seed>.<version>.jsonl``: a line a Case, appended
when it was ranked. A last line that a kill cut short is left out, and the Case ranked again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from aiops.evaluation import ranking
from aiops.evaluation.ranking import Outcome
from aiops.workflows.judging import Answer


@dataclass(frozen=True, order=True)
class Asked:
    """What is asked of a Case.

    Args:
        ranker: its name. part: one of its parts alone; "": the whole.
        slice: a stress; "": the Case as it is, an incident or not.
        seed: of the draw; 0 where nothing is drawn.
        version: of the code and the data that decide the answer.
    """

    ranker: str
    part: str
    slice: str
    seed: int
    version: str


class Store:
    """The kept answers of one data set, below ``folder``."""

    def __init__(self, folder: Path, dataset: str) -> None:
        self.folder = folder / _plain(dataset)

    def add(self, asked: Asked, answers: Iterable[Answer]) -> None:
        """Keep answers; each is on disk when this returns."""
        path = self._file(asked)
        path.parent.mkdir(parents=True, exist_ok=True)
        torn = path.is_file() and not path.read_bytes().endswith(b"\n")
        with path.open("a") as file:
            file.write("\n" * torn + "".join(f"{json.dumps(_row(a))}\n" for a in answers))

    def read(self, asked: Asked, truth: Mapping[str, Any]) -> Iterator[Answer]:
        """The kept answers, a Case once; ``truth`` is the data set's."""
        path = self._file(asked)
        lines = path.read_text().splitlines() if path.is_file() else []
        found = {row["case"]: row for row in map(_parsed, lines) if row and row["case"] in truth}
        yield from (_answer(row, truth[name]) for name, row in found.items())

    def known(self, asked: Asked) -> set[str]:
        """Ids of the Cases that have been asked."""
        path = self._file(asked)
        lines = path.read_text().splitlines() if path.is_file() else []
        return {row["case"] for row in map(_parsed, lines) if row}

    def _file(self, asked: Asked) -> Path:
        name = asked.ranker + (f"+{asked.part}" if asked.part else "")
        return self.folder / _plain(name) / (
            f"{_plain(asked.slice or 'plain')}.{asked.seed}.{asked.version}.jsonl")


def _plain(name: str) -> str:
    return re.sub(r"[^\w=.+-]", "-", name)


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except json.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def _row(answer: Answer) -> dict[str, Any]:
    if answer.outcome is None:
        return {"case": answer.case, "reason": answer.reason}
    o, blame = answer.outcome, None
    if o.blame is not None:
        ranking.ranks(o.blame, o.suspects)  # each suspect once
        told = {"confidence": o.confidence, "abstains": o.abstains}
        blame = {"of": {str(name): float(value) for name, value in o.blame.items()},
                 "attrs": {key: value for key, value in told.items() if value is not None}}
    return {"case": answer.case, "blame": blame, "suspects": list(o.suspects),
            "culprits": list(o.truth["culprits"]), "seconds": o.seconds, "error": o.error}


def _answer(row: Mapping[str, Any], truth: Mapping[str, Any]) -> Answer:
    if "reason" in row:
        return Answer(row["case"], None, row["reason"])
    blame = None
    if row["blame"] is not None:
        blame = pd.Series(row["blame"]["of"], dtype=float)
        blame.attrs = dict(row["blame"]["attrs"])
    name = row["case"] if row["culprits"] else None
    return Answer(row["case"], Outcome(blame, tuple(row["suspects"]),
                                       {**truth, "culprits": row["culprits"]}, row["seconds"],
                                       row["error"], name))
