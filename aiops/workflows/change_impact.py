"""The changes of one incident, read from its files: what they did, and whether to go on."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from aiops.changes import Impact, find, impacts
from aiops.changes.canary import HOLD, TOO_FEW, Counts, Judgement, judge
from aiops.changes.counting import count
from aiops.changes.impact import unlike
from aiops.changes.requests import requests, side_by_side
from aiops.changes.treatments import ATTRIBUTES, Change
from aiops.errors import InputError, UsageError
from aiops.workflows import root_cause
from aiops.workflows.root_cause import Incident

_FIELDS = ("new", "new_bad", "old", "old_bad")


def of(case: Path | None, incident: str | None, dataset: str | None,
       attributes: Sequence[str] | None, level: float) -> tuple[str, list[Impact]]:
    """Name of the incident, and what each change in it did.

    Raises:
        UsageError, CaseError: no such incident, or one that tells no versions.
    """
    found = _incident(case, incident, dataset)
    return found.name, impacts(found.case, attributes or ATTRIBUTES, level)


def counted(case: Path | None, incident: str | None, dataset: str | None,
            attributes: Sequence[str] | None,
            service: str | None) -> tuple[dict[str, Counts], str | None]:
    """What the canary of an incident is judged by; and why the versions cannot be compared so.

    Raises:
        UsageError, CaseError: see ``of``; or not exactly one change to judge.
    """
    found = _incident(case, incident, dataset).case
    change = _only(find(found, attributes or ATTRIBUTES), service)
    return count(found, change), unlike(side_by_side(requests(found, change)))


def judged(outcomes: Mapping[str, Counts], tolerance: Mapping[str, float], alpha: float,
           apart: str | None = None) -> Judgement:
    """The decision; versions that cannot be compared by their shares are held.

    Raises:
        UsageError: an outcome that no tolerance is known for.
    """
    unknown = sorted(set(outcomes) - set(tolerance))
    if unknown:
        raise UsageError(f"A canary is judged by {' and '.join(tolerance)}. Got counts of "
                         f"{', '.join(unknown)} as well.")
    told = judge(dict(outcomes), dict(tolerance), alpha)
    if apart is None or told.decision == TOO_FEW:
        return told
    return Judgement(HOLD, f"{apart}: shares say nothing then. `aiops changes` compares them "
                     "within routes and periods.", told.looked)


def read_counts(path: Path) -> dict[str, Counts]:
    """Counts from a file, or from standard input ("-").

    Raises:
        UsageError: no such file. InputError: no JSON of this form.
    """
    form = '{"failed": {"new": 300, "new_bad": 3, "old": 700, "old_bad": 5}}'
    try:
        told = json.loads(sys.stdin.read() if str(path) == "-" else path.read_text())
    except OSError as error:
        raise UsageError(f"The counts {path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise InputError(f"Counts must be JSON, as {form}. Got: {error}.") from error
    if not isinstance(told, dict) or not all(map(_four, told.values())):
        raise InputError(f"Counts must name {', '.join(_FIELDS)} of each outcome, as {form}. "
                         f"Got {str(told)[:80]}.")
    return {str(name): Counts(*(value[field] for field in _FIELDS))
            for name, value in told.items()}


def _four(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == set(_FIELDS) and all(
        isinstance(each, int) and not isinstance(each, bool) for each in value.values())


def _incident(case: Path | None, incident: str | None, dataset: str | None) -> Incident:
    return root_cause.from_folder(case) if case else \
        root_cause.from_dataset(str(incident), dataset or "shop")


def _only(found: list[Change], service: str | None) -> Change:
    mine = [each for each in found if service in (None, each.service)]
    if len(mine) != 1:
        there = "; ".join(map(str, found)) or "none"
        raise UsageError("A canary is judged where one change is seen"
                         f"{f' at {service}' if service else ''}. Got {len(mine)} of these: "
                         f"{there}. Name one with --service or --attribute.")
    return mine[0]
