"""Traces of a Case as arrays: who is whose child, what time is a span's own, who was called.

Rows keep the order of the table. Of a table with more normal spans than a ranker needs, whole
traces are left out, chosen by a hash of their id, so that neither the order of rows nor a
name decides.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import pandas as pd

from aiops.case import Case
from aiops.evidence import call_tree
from aiops.rca.places import BETWEEN, OWN, SILENT
from aiops.windows import inside

NORMAL_SPANS = 60_000  # more normal spans than this do not change a rank
_LEAVING = ("client", "producer")


class Spans:
    """Spans as arrays (n_spans,); times in ns.

    Attributes:
        service, operation: codes into ``services`` and ``operations`` (sorted names).
        trace: number of the trace; ``begun``: start of the trace's first span, which decides the
            window that a span is in.
        parent: row of the parent, -1 where there is none in the table.
        answer: row of the span of another service that a call led to, -1 where there is none.
        client: spans that leave a service; where the table has no kind, those whose one child
            is of another service.
        callee: whom a client span calls, None where nobody knows; else None.
        error: status code is error.
    """

    def __init__(self, case: Case) -> None:
        assert case.traces is not None
        table, self.trace, self.begun = _kept(case)
        self.service, self.services = pd.factorize(table["service"], sort=True)
        self.operation, self.operations = pd.factorize(table["operation"], sort=True)
        self.start = _ns(table["start"])
        self.duration = table["duration_ns"].to_numpy().astype(np.int64)
        self.end = self.start + self.duration
        self.parent = call_tree.parents(table)
        self.error = _column(table, "status_code") == "error"
        self._calls(_column(table, "kind"), _column(table, "peer_service"))
        self.ids = table["span_id"]
        self.trace_ids = table["trace_id"]

    def __len__(self) -> int:
        return len(self.start)

    @cached_property
    def own(self) -> np.ndarray:
        """Nanoseconds of each span that no child covers."""
        return self.duration - call_tree.covered(self.parent, self.start, self.duration)

    @cached_property
    def failed(self) -> np.ndarray:
        """Spans in error, and calls that nobody answered though the callee sends spans."""
        lost = self.client & (self.answer < 0) & self.speaks
        return self.error | lost

    @cached_property
    def origin(self) -> np.ndarray:
        """Row where the failure of each span began: down the failed children, to the last."""
        n = len(self)
        down = np.arange(n)
        child = np.flatnonzero((self.parent >= 0) & self.failed)
        child = child[np.argsort(-self.start[child], kind="stable")]
        down[self.parent[child]] = child  # of several failed children the first in time
        for _ in range(n.bit_length()):  # damaged ids may make a circle, which has no end
            down = down[down]
        return down

    @cached_property
    def kind(self) -> np.ndarray:
        """OWN, BETWEEN or SILENT: what a failure that begins at this span speaks against."""
        timed_out = self.speaks & (self.answer >= 0)  # answered all the same: the callee's own
        between = np.where(self.speaks, BETWEEN, SILENT)
        out = self.client & (self.callee != None)  # noqa: E711  elementwise
        return np.where(out & ~timed_out, between, OWN)

    @cached_property
    def place(self) -> np.ndarray:
        """The place of that kind: a service, or ``caller->callee``."""
        edge = self.names + "->" + self.callee.astype(str).astype(object)
        answered = np.where(self.client & (self.answer >= 0), self.callee, self.names)
        return np.where(self.kind == OWN, answered, edge)

    @cached_property
    def names(self) -> np.ndarray:
        """The service of each span, by name."""
        made: np.ndarray = np.asarray(self.services, dtype=object)[self.service]
        return made

    def _calls(self, kind: np.ndarray, peer: np.ndarray) -> None:
        n, up = len(self), self.parent
        child = np.flatnonzero(up >= 0)
        crossing = call_tree.crossing(up, self.service)
        crossing = crossing[np.argsort(self.start[crossing], kind="stable")]
        self.answer = np.full(n, -1)  # of several the last, as a retry's
        self.answer[up[crossing]] = crossing
        known = pd.notna(kind)
        only = (np.bincount(up[child], minlength=n) == 1) & (self.answer >= 0)
        self.client = np.isin(kind.astype(str), _LEAVING) | (~known & only)
        answered = np.where(self.answer >= 0, self.names[self.answer], peer)
        self.callee = _or_none(self.client & pd.notna(answered), answered)
        self.speaks = np.isin(self.callee.astype(str), np.asarray(self.services, dtype=str))


def _kept(case: Case) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """The table, less normal traces beyond ``NORMAL_SPANS``; trace numbers; when each began."""
    table = case.traces
    assert table is not None
    trace, ids = pd.factorize(table["trace_id"])
    begun = _first(trace, _ns(table["start"]), len(ids))[trace]
    abnormal = inside(begun, [case.abnormal])
    share = NORMAL_SPANS / max(int((~abnormal).sum()), 1)
    if share >= 1:
        return table, trace, begun
    drawn = pd.util.hash_array(np.asarray(ids, dtype=object)) / 2.0**64
    keep = abnormal | (drawn < share)[trace]
    return table[keep], trace[keep], begun[keep]


def _first(group: np.ndarray, values: np.ndarray, n: int) -> np.ndarray:
    order = np.lexsort((values, group))
    first = np.r_[True, np.diff(group[order]) != 0]
    least = np.zeros(n, dtype=np.int64)
    least[group[order][first]] = values[order][first]
    return least


def _ns(times: pd.Series) -> np.ndarray:
    return times.dt.as_unit("ns").astype("int64").to_numpy()


def _column(table: pd.DataFrame, name: str) -> np.ndarray:
    if name not in table:
        return np.full(len(table), None, dtype=object)
    values: np.ndarray = table[name].to_numpy(dtype=object)
    return _or_none(pd.notna(values), values)


def _or_none(there: np.ndarray, values: np.ndarray) -> np.ndarray:
    made = np.full(len(values), None, dtype=object)
    made[there] = values[there]
    return made
