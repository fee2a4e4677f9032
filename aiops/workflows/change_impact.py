"""The changes of one incident, read from its files: what they did, and whether to go on."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiops.changes import Impact, find, impacts
from aiops.changes.canary import HOLD, TOO_FEW, Counts, Judgement, judge
from aiops.changes.counting import count
from aiops.changes.impact import unlike
from aiops.changes.requests import SEGMENTS, requests, side_by_side
from aiops.changes.treatments import ATTRIBUTES, Change
from aiops.changes.uplift import Uplift, uplift
from aiops.errors import InputError, UsageError
from aiops.workflows import root_cause
from aiops.workflows.root_cause import Incident

_FIELDS = ("new", "new_bad", "old", "old_bad")


@dataclass(frozen=True)
class Asked:
    """How requests are told apart.

    Attributes:
        attributes: of spans, that tell what served a request. segments: of the first span, that
            tell kinds of requests. cluster: whose requests are alike. The usual ones where None.
    """

    attributes: Sequence[str] | None = None
    segments: Sequence[str] | None = None
    cluster: str | None = None


def of(case: Path | None, incident: str | None, dataset: str | None, asked: Asked,
       level: float, whom: bool = False) -> tuple[str, list[Impact], list[Uplift]]:
    """Name of the incident, what each change in it did, and, where ``whom``, whom it hit most.

    Raises:
        UsageError, CaseError: no such incident, or one that tells no versions or clusters; or
            whom is asked for and causalml is not installed.
    """
    found = _incident(case, incident, dataset)
    segments = asked.segments or SEGMENTS
    made = impacts(found.case, asked.attributes or ATTRIBUTES, level, segments=segments,
                   cluster=asked.cluster)
    most = [uplift(found.case, each.change, segments, asked.cluster, level) for each in made] \
        if whom else []
    return found.name, made, most


def counted(case: Path | None, incident: str | None, dataset: str | None, asked: Asked,
            service: str | None) -> tuple[dict[str, Counts], str | None]:
    """What the canary of an incident is judged by; and why the versions cannot be compared so.

    Raises:
        UsageError, CaseError: see ``of``; or not exactly one change to judge.
    """
    found = _incident(case, incident, dataset).case
    change = _only(find(found, asked.attributes or ATTRIBUTES), service)
    beside = side_by_side(requests(found, change, cluster=asked.cluster))
    return count(found, change, cluster=asked.cluster), unlike(beside)


def judged(outcomes: Mapping[str, Counts], tolerance: Mapping[str, float], alpha: float,
           apart: str | None = None, unit: str = "requests") -> Judgement:
    """The decision; versions that cannot be compared by their shares are held.

    Raises:
        UsageError: an outcome that no tolerance is known for.
    """
    unknown = sorted(set(outcomes) - set(tolerance))
    if unknown:
        raise UsageError(f"A canary is judged by {' and '.join(tolerance)}. Got counts of "
                         f"{', '.join(unknown)} as well.")
    told = judge(dict(outcomes), dict(tolerance), alpha, unit=unit)
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
        isinstance(each, (int, float) if name.endswith("bad") else int)
        and not isinstance(each, bool) for name, each in value.items())


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
