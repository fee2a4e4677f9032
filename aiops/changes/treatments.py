"""What changed: releases, flags and configurations, as the spans of a Case tell them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from aiops.case import Case
from aiops.errors import UsageError

ATTRIBUTES = ("service.version", "feature_flag.result.variant", "feature_flag.variant",
              "deployment.id")
_FLAG = "feature_flag."
_JUST = 100  # requests before a new value, that tell which was the old one
LEAST = 5  # requests of either version, served side by side, that a comparison needs


@dataclass(frozen=True)
class Change:
    """A service began to serve requests by another version of something.

    Attributes:
        service: who changed. attribute: of its spans, as ``service.version``; a flag's variant
            is named with the flag's key, as ``feature_flag.result.variant[new-cart]``.
        old, new: its values.
        since: start of the first request on the new one, UTC; until: end of the time in which
            both served (exclusive; ``since`` where they never did).
    """

    service: str
    attribute: str
    old: str
    new: str
    since: pd.Timestamp
    until: pd.Timestamp

    def __str__(self) -> str:
        return f"{self.service}: {self.attribute} {self.old} -> {self.new}"


def find(case: Case, attributes: Iterable[str] = ATTRIBUTES) -> list[Change]:
    """All changes in the windows of a Case, earliest first.

    A value is new where another one was seen before it, and the old one is what served most just
    before. Where several served from the start, a split that began earlier, the most frequent is
    taken for the old one.

    Args:
        attributes: names of span attributes that tell what served a request.

    Raises:
        UsageError: the Case has no traces, or none with attributes.
    """
    told = tagged(case, attributes)
    found = [change for (service, attribute), rows in told.groupby(["service", "attribute"])
             for change in _of(str(service), str(attribute), rows)]
    return sorted(found, key=lambda change: (change.since, change.service, change.attribute))


def tagged(case: Case, attributes: Iterable[str] = ATTRIBUTES) -> pd.DataFrame:
    """Spans that tell what served them: trace_id, service, start, attribute, value; by start.

    Raises:
        UsageError: see ``find``.
    """
    if case.traces is None or "attributes" not in case.traces:
        got = "without traces" if case.traces is None else "with traces that have none"
        raise UsageError(f"What changed is read from the attributes of spans. Got a Case {got}. "
                         "Hand over traces with the column attributes (map<string, string>).")
    spans = pd.concat([case.select("traces", "normal"), case.select("traces", "abnormal")])
    names = frozenset(attributes)
    rows = [(at, name, value) for at, held in enumerate(spans["attributes"])
            for name, value in _values(held, names)]
    at = np.array([row[0] for row in rows], dtype=int)
    return spans[["trace_id", "service", "start"]].iloc[at].assign(
        attribute=[row[1] for row in rows], value=[row[2] for row in rows]
    ).sort_values("start", kind="stable", ignore_index=True)


def attributes_of(held: object) -> dict[str, str]:
    """A span's attributes, whether as a mapping or as pairs; none where the cell is empty."""
    return dict(held) if isinstance(held, Iterable) else {}


def _values(held: object, names: frozenset[str]) -> Iterator[tuple[str, str]]:
    known = attributes_of(held)
    for name in names & known.keys():
        if known[name] is None:
            continue
        key = known.get(f"{_FLAG}key") if name.startswith(_FLAG) else None
        yield (f"{name}[{key}]" if key else name), str(known[name])


def _of(service: str, attribute: str, rows: pd.DataFrame) -> Iterator[Change]:
    rows = rows.reset_index(drop=True)
    first = rows.drop_duplicates("value")
    if _from_the_start(rows, first):
        values = list(rows["value"].value_counts(ascending=False, sort=True).index)
        pairs = [(values[0], new) for new in values[1:]]
    else:
        pairs = [(_before(rows, at), str(rows["value"][at])) for at in first.index[1:]]
    for old, new in pairs:
        yield Change(service, attribute, old, new, *_together(rows, old, new))


def _before(rows: pd.DataFrame, at: int) -> str:
    """What served most just before."""
    return str(rows["value"][max(0, at - _JUST):at].value_counts().index[0])


def _from_the_start(rows: pd.DataFrame, first: pd.DataFrame) -> bool:
    """Whether a second value came so early that nobody saw the first alone."""
    return len(first) > 1 and int(first.index[1] - rows.index[0]) < LEAST * len(first)


def _together(rows: pd.DataFrame, old: str, new: str) -> tuple[pd.Timestamp, pd.Timestamp]:
    """When the new one began, and until when both served."""
    by = rows.groupby("value")["start"]
    since = by.min()[new]
    last = min(by.max()[old], by.max()[new])
    return since, max(since, last + pd.Timedelta(1, "ns"))
