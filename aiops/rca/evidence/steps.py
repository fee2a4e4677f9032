"""Requests as steps: what follows what within each span, its children and its log records."""

from __future__ import annotations

import numpy as np
import pandas as pd

from aiops.rca import places
from aiops.rca.view import Arrays

_START, _END = -1, -2


class Steps:
    """Every step of every span, as arrays (n_steps,).

    Attributes:
        span: row of the span that it happens in; ``time``: when, ns.
        step, context: number of the step, and of what it is a share of: the kind of span
            (service and operation) with what came before; ``of``: the context of each step.
        weight: 1 over how often the request is in that context: a loop is one sample.
        kind, place: whom it speaks against when it deviates. The span's own service; after a
            failed call the place where that failure began; after any other call the callee, whose
            answer led to it.
        doubted: that callee, by name, where its work shows in spans of its own: had it failed it
            would show there. Then the step is its caller's, unless other callers take it too.
    """

    def __init__(self, arrays: Arrays) -> None:
        assert arrays.spans is not None
        self.spans, self.logs = arrays.spans, arrays.logs
        self.kinds = len(self.spans.services) * (len(self.spans.operations) + 1)
        self.type = (self.spans.service * (len(self.spans.operations) + 1)
                     + self.spans.operation).astype(np.int64)
        self._chain(*self._events())
        width = self.kinds + (0 if self.logs is None else len(self.logs.templates)) + 3
        self.context = pd.factorize(self.type[self.span] * width + self.before + 2)[0]
        self.step = pd.factorize(self.context * width + self.event + 2)[0]
        self.weight = _one_in_all(self.context, self.spans.trace[self.span])
        self.of = np.zeros(self.step.max(initial=-1) + 1, dtype=np.int64)
        self.of[self.step] = self.context

    def _events(self) -> tuple[np.ndarray, ...]:
        """Per event, by span and time: its span, its number, time, the child's row or -1."""
        spans, logs = self.spans, self.logs
        child = np.flatnonzero(spans.parent >= 0)
        parts = [(spans.parent[child], self.type[child], spans.start[child], child)]
        if logs is not None:
            told = np.flatnonzero(logs.row >= 0)
            parts.append((logs.row[told], self.kinds + logs.template[told], logs.time[told],
                          np.full(len(told), -1)))
        within, event, time, row = (np.concatenate(c) for c in zip(*parts, strict=True))
        order = np.lexsort((event, time, within))
        return within[order], event[order], time[order], row[order]

    def _chain(self, within: np.ndarray, event: np.ndarray, time: np.ndarray,
               row: np.ndarray) -> None:
        spans, n = self.spans, len(within)
        first = np.r_[True, within[1:] != within[:-1]][:n]
        last = np.r_[within[1:] != within[:-1], True][:n]
        quiet = np.ones(len(spans), dtype=bool)
        quiet[within] = False
        still = np.flatnonzero(quiet)
        done = within[last]
        self.span = np.concatenate([within, done, still])
        self.event = np.concatenate([event, np.full(len(done) + len(still), _END)])
        self.before = np.concatenate([np.where(first, _START, np.r_[0, event[:-1]][:n]),
                                      event[last], np.full(len(still), _START)])
        self.time = np.concatenate([time, spans.end[done], spans.end[still]])
        after = np.concatenate([np.where(first, -1, np.r_[-1, row[:-1]][:n]), row[last],
                                np.full(len(still), -1)])
        self._charge(after)

    def _charge(self, after: np.ndarray) -> None:
        """Whom each step speaks against; ``after``: the child that came before it, else -1."""
        spans = self.spans
        self.kind = np.full(len(self.span), places.OWN, dtype=object)
        self.place = spans.names[self.span]
        called = np.flatnonzero(after >= 0)
        callee = np.where(spans.client, spans.callee, spans.names)[after[called]]
        other = (callee != spans.names[self.span[called]]) & (callee != None)  # noqa: E711
        clear = np.isin(callee.astype(str), self._articulate())
        self.place[called[other & ~clear]] = callee[other & ~clear]
        self.doubted = np.full(len(self.span), None, dtype=object)
        self.doubted[called[other & clear]] = callee[other & clear]
        broken = np.flatnonzero((after >= 0) & spans.failed[np.maximum(after, 0)])
        self._blame(broken, spans.origin[after[broken]])
        calling = np.flatnonzero(spans.client[self.span] & spans.failed[self.span])
        self._blame(calling, spans.origin[self.span[calling]])

    def _blame(self, steps: np.ndarray, origin: np.ndarray) -> None:
        self.kind[steps], self.place[steps] = self.spans.kind[origin], self.spans.place[origin]
        self.doubted[steps] = None

    def _articulate(self) -> np.ndarray:
        """Services whose entering spans usually have children or records: they would show it."""
        spans, up = self.spans, self.spans.parent
        entered = np.flatnonzero((up >= 0) & ~spans.client)
        entered = entered[spans.service[entered] != spans.service[up[entered]]]
        busy = np.zeros(len(spans), dtype=bool)
        busy[self.span[self.event != _END]] = True
        share = pd.Series(busy[entered]).groupby(spans.names[entered]).mean()
        return share.index[share > 0.5].to_numpy(dtype=str)

    def told(self, at: int) -> str:
        """A step in words."""
        span = self.span[at]
        return (f"{self._name(self.before[at])}, then {self._name(self.event[at])}, in "
                f"{self.spans.names[span]} {self.spans.operations[self.spans.operation[span]]}: "
                "share of such spans")

    def _name(self, event: int) -> str:
        if event < 0:
            return "start" if event == _START else "end"
        if event >= self.kinds:
            assert self.logs is not None
            return f"log {self.logs.templates[event - self.kinds]!r}"
        service, operation = divmod(int(event), len(self.spans.operations) + 1)
        return f"{self.spans.services[service]} {self.spans.operations[operation]}"


def _one_in_all(context: np.ndarray, request: np.ndarray) -> np.ndarray:
    """Weights that sum to 1 over each pair, float (n,)."""
    pair = pd.factorize(context.astype(np.int64) * (request.max(initial=0) + 1) + request)[0]
    return np.asarray(1 / np.bincount(pair)[pair])
