"""Published figures: one file in git beside the page, all that the page is written from.

``measured`` holds a record for each ranker on each set: what, when and at which commit it was
measured, of what (``Origin``), and its figures, a row each under ``columns``. Outcomes of
rankings are kept out of git; whoever lacks them still has this file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from aiops import rca
from aiops.errors import InputError
from aiops.evaluation.figures import Figure
from aiops.workflows import whole
from aiops.workflows.leaderboard.falls import FALL
from aiops.workflows.leaderboard.origin import Origin

COLUMNS = ("slice", "metric", "value", "low", "high", "n", "chance", "unit")
LIFT = "lift"  # AC@1 over that of chance
_DIGITS = 6  # that count, of a number: more than any table shows
_WHOLE = ("ac@1", "ac@3", "avg@5", "mrr", LIFT, "abstained", "ac@1_answered", "ece",
          "seconds_p50", "seconds_p95", "failures")
_SLICES = ("ac@1", "abstained", "left_out")
_DEFAULT = (*_SLICES, "ac@3", "avg@5", FALL + "ac@1", FALL + "ac@3")


@dataclass(frozen=True)
class Measured:
    """One ranker on one set.

    Args:
        incidents: how many are scored.
        commit, made: where the code stood, and when (UTC).
        machine: on which, for its seconds. run: id of the MLflow run. origin: of what it was made.
        seeds: how often each stress was drawn.
        complete: whether all that the leaderboard asks was asked.
        printed: figures carry the digits of a page, and only those that it printed.
        stale: what was other than in ``origin`` when the page was last written; "": nothing.
    """

    set: str
    ranker: str
    incidents: int
    commit: str
    made: str
    machine: str
    run: str
    origin: Origin
    seeds: Mapping[str, int] = field(default_factory=dict)
    complete: bool = True
    printed: bool = False
    stale: str = ""
    figures: Sequence[Figure] = ()

    @property
    def key(self) -> tuple[str, str]:
        """Which set and ranker."""
        return self.set, self.ranker

    def same(self, other: Measured) -> bool:
        """Whether the other says the same of the same."""
        return (self.origin, self.seeds, self.complete, list(self.figures)) == (
            other.origin, other.seeds, other.complete, list(other.figures))


@dataclass(frozen=True)
class Published:
    """The file.

    Args:
        about: how, of what and when the last run was made, by name.
    """

    about: Mapping[str, str] = field(default_factory=dict)
    measured: Sequence[Measured] = ()

    def merged(self, fresh: Iterable[Measured], sets: Sequence[str]) -> list[Measured]:
        """With what is measured now, in the order of sets and rankers that there are.

        What is not complete never takes the place of what is; what says the same stays with
        the commit at which it was first measured.
        """
        known = {each.key: each for each in self.measured}
        for new in fresh:
            old = known.get(new.key)
            if old is None or not old.same(new) and (new.complete or not old.complete):
                known[new.key] = new
        return [known[key] for one in sets for name in rca.RANKERS
                if (key := (one, name)) in known]


def needed(made: Iterable[Figure], target: str) -> list[Figure]:
    """The figures that the page shows, and lift; rounded, of the set's name on the leaderboard."""
    found = []
    for figure in made:
        found += [figure] if figure.metric in _shown(figure) else []
        if (figure.slice, figure.metric) == ("all", "ac@1") and figure.chance:
            found.append(replace(figure, metric=LIFT, value=figure.value / figure.chance, low=None,
                                 high=None, chance=None, unit="ratio"))
    return [_rounded(replace(figure, dataset=target)) for figure in found]


def _shown(of: Figure) -> tuple[str, ...]:
    if of.slice == "all":
        return _WHOLE
    return _DEFAULT if of.model == rca.DEFAULT else _SLICES


def _rounded(of: Figure) -> Figure:
    return replace(of, value=float(f"{of.value:.{_DIGITS}g}"), low=_number(of.low),
                   high=_number(of.high), chance=_number(of.chance))


def _number(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{_DIGITS}g}")


# --- the file ----------------------------------------------------------------------------
def read(path: Path) -> Published:
    """What is published there.

    Raises:
        InputError: no file, or one of another form.
    """
    if not path.is_file():
        raise InputError(f"No figures are published at {path}. Measure some: "
                         "`aiops bench leaderboard --ranker NAME`.")
    try:
        told = json.loads(path.read_text())
        return Published(told["about"], [_measured(each) for each in told["measured"]])
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(f"{path} is no file of published figures ({type(error).__name__}: {error})"
                         ". Take it from git again, or remove it and measure all.") from error


def _measured(told: Mapping[str, Any]) -> Measured:
    figures = [Figure("rca", told["set"], told["ranker"], **dict(zip(COLUMNS, row, strict=True)))
               for row in told["figures"]]
    return Measured(**{**told, "origin": Origin(**told["origin"]), "figures": figures})


def write(of: Published, path: Path) -> None:
    """The whole file; a line a figure, so that git tells what changed."""
    measured = ",\n".join(_text(each) for each in of.measured)
    text = (f'{{"about": {json.dumps(of.about, indent=1)},\n"columns": {json.dumps(COLUMNS)},\n'
            f'"measured": [\n{measured}\n]}}\n')
    whole.write(path, text.encode())


def _text(of: Measured) -> str:
    told = {each.name: getattr(of, each.name) for each in fields(of) if each.name != "figures"}
    told["origin"] = asdict(of.origin)
    head = "".join(f" {json.dumps(name)}: {json.dumps(value)},\n" for name, value in told.items())
    rows = ",\n".join(f"  {json.dumps([getattr(f, name) for name in COLUMNS])}" for f in of.figures)
    return f'{{\n{head} "figures": [\n{rows}\n]}}'
