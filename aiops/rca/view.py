"""A Case under one choice of normal and abnormal time: what an evidence looks at.

The arrays are made once; the incident and the calm windows that it is compared with are views
of the same arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from aiops.case import Case
from aiops.evidence import call_tree
from aiops.logs.templates import templates
from aiops.rca.matrix import Matrix
from aiops.rca.spans import Spans
from aiops.windows import Window, inside, minus, union

T = TypeVar("T")
CALM = 4  # windows of normal time that are judged as if they were the incident
_SHARE = 1 / 3  # of normal time that one of them may take


class Arrays:
    """The tables of a Case as arrays, each made when it is first asked for; None: no table."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self._made: dict[Callable[..., Any], Any] = {}

    def once(self, make: Callable[[Arrays], T]) -> T:
        """What ``make`` makes of these arrays, whichever windows count; made once."""
        if make not in self._made:
            self._made[make] = make(self)
        made: T = self._made[make]
        return made

    @cached_property
    def spans(self) -> Spans | None:
        return None if self.case.traces is None or self.case.traces.empty else Spans(self.case)

    @cached_property
    def matrix(self) -> Matrix | None:
        return None if self.case.metrics is None or self.case.metrics.empty else Matrix(self.case)

    @cached_property
    def logs(self) -> Logs | None:
        return None if self.case.logs is None or self.case.logs.empty else Logs(self)

    @cached_property
    def edges(self) -> pd.DataFrame:
        """Who calls whom: the Case's topology, else what its spans show."""
        if self.case.topology is not None:
            return self.case.topology
        if self.spans is None:
            return pd.DataFrame({"caller": [], "callee": []}, dtype=object)
        return call_tree.edges_of(self.spans.names, self.spans.parent, self.spans.callee)


class Logs:
    """Log records as arrays (n_records,): service names, template codes, time in ns.

    ``row`` is the span (a row of ``Spans``) that each was written in, -1 where nobody knows; one
    that tells its trace alone counts to its service's last span begun by then.
    """

    def __init__(self, arrays: Arrays) -> None:
        table = arrays.case.logs
        assert table is not None
        self.service = table["service"].to_numpy(dtype=object)
        self.time = self.begun = table["time"].dt.as_unit("ns").astype("int64").to_numpy()
        told = table.get("template")
        text = templates(table["body"]) if told is None or told.isna().any() else told
        self.template, self.templates = pd.factorize(text, sort=True)
        self.row = np.full(len(table), -1)
        if arrays.spans is not None and "trace_id" in table:
            self.row = _span_of(table, self, arrays.spans)


def _span_of(table: pd.DataFrame, logs: Logs, spans: Spans) -> np.ndarray:
    span = pd.DataFrame({"trace": spans.trace_ids.to_numpy(dtype=object),
                         "service": spans.names, "time": spans.start,
                         "row": np.arange(len(spans))})
    record = pd.DataFrame({"trace": table["trace_id"].to_numpy(dtype=object),
                           "service": logs.service, "time": logs.time,
                           "at": np.arange(len(table))})
    record = record[record["trace"].notna()].sort_values("time", kind="stable").astype(
        span.dtypes[["trace", "service"]].to_dict())  # where no record tells any, they differ
    found = pd.merge_asof(record, span.sort_values("time", kind="stable"), on="time",
                          by=["trace", "service"])
    row = np.full(len(table), -1)
    row[found["at"]] = found["row"].fillna(-1).astype(int)
    exact = _by_id(table, spans) if "span_id" in table else row
    return np.where(exact >= 0, exact, row)


def _by_id(table: pd.DataFrame, spans: Spans) -> np.ndarray:
    """Row of the span that a record names, within the trace it tells; -1 where there is none."""
    known = pd.DataFrame({"trace": spans.trace_ids.to_numpy(dtype=object),
                          "span": spans.ids.to_numpy(dtype=object), "row": np.arange(len(spans))})
    told = pd.DataFrame({"trace": table["trace_id"].to_numpy(dtype=object),
                         "span": table["span_id"].to_numpy(dtype=object)})
    both = told.merge(known.drop_duplicates(["trace", "span"]), "left", ["trace", "span"])["row"]
    alone = told["span"].map(known.drop_duplicates("span").set_index("span")["row"])
    return both.where(told["trace"].notna(), alone).fillna(-1).astype(int).to_numpy()


@dataclass(frozen=True)
class View:
    """Arrays of a Case with the windows that count as normal and as the incident.

    ``memory`` is what each evidence that learns (``evidence.LEARN``) knows of past incidents.
    """

    arrays: Arrays
    normal: tuple[Window, ...]
    abnormal: Window
    memory: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, case: Case, memory: Mapping[str, Any] | None = None) -> View:
        """The Case as it is."""
        return cls(Arrays(case), case.normal, case.abnormal, memory or {})

    @property
    def case(self) -> Case:
        return self.arrays.case

    @property
    def suspects(self) -> list[str]:
        return list(self.case.suspects)

    def sides(self, of: Spans | Matrix | Logs) -> tuple[np.ndarray, np.ndarray]:
        """Which spans, rows or records are normal, and which are of the incident."""
        return inside(of.begun, self.normal), inside(of.begun, [self.abnormal])

    def calm(self, table: str, number: int = CALM) -> Iterator[View]:
        """Views of normal time in which nothing happened: a window each, the rest normal.

        Args:
            table: "spans", "matrix" or "logs": the windows are strewn evenly over its rows, each
                within unbroken normal time; where that is short, so is the window. As much time
                just before the incident is not judged: one that is found late began there.
        """
        times = getattr(self.arrays, table).begun
        length = min(self.abnormal[1] - self.abnormal[0],
                     sum((end - start for start, end in self.normal), pd.Timedelta(0)) * _SHARE)
        start = self.abnormal[0]
        judged: Sequence[Window] = minus(self.normal, [(start - length, start)])
        if not inside(times, judged).any():
            judged = self.normal
        calm = np.sort(times[inside(times, judged)])
        for window in _strewn(calm, length, number, judged):
            rest = tuple(minus(self.normal, [window]))
            if rest:
                yield replace(self, normal=rest, abnormal=window)


def _strewn(times: np.ndarray, length: pd.Timedelta, number: int,
            normal: Sequence[Window]) -> list[Window]:
    """Windows of this length round evenly spaced ones of the sorted times.

    Each stays within the normal time round it that nothing interrupts: past it may lie the
    incident, or another.
    """
    if not len(times):
        return []
    middle = times[((np.arange(number) + 0.5) / number * len(times)).astype(int)]
    begin, end = np.array([(start.value, end.value) for start, end in union(normal)]).T
    at = np.searchsorted(begin, middle, side="right") - 1
    first = times[np.searchsorted(times, begin[at])]
    last = times[np.searchsorted(times, end[at]) - 1]
    starts, which = np.unique(np.clip(middle - length.value // 2, first, np.maximum(
        last + 1 - length.value, first)), return_index=True)
    ends = np.minimum(starts + length.value, end[at[which]])
    return list(zip(pd.to_datetime(starts, utc=True), pd.to_datetime(ends, utc=True), strict=True))
