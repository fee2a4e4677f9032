"""The request of an incident in which what speaks against a suspect shows best."""

from __future__ import annotations

import numpy as np
import pandas as pd

from aiops.rca.spans import Spans
from aiops.rca.view import View


def telling_trace(view: View, suspect: str, failing: bool = False) -> pd.DataFrame | None:
    """Spans of the abnormal trace in which the suspect lost most time; None without traces.

    The time that a span lost is its own time, or what its call took beyond its answer, over the
    median of the same operation in normal time. Where no span has to do with the suspect (a
    host), all count.

    Args:
        failing: rather a request in which a failure begins at the suspect, where there is one.
    """
    spans = view.arrays.spans
    if spans is None:
        return None
    normal, abnormal = view.sides(spans)
    if not abnormal.any():
        return None
    inside = _touches(spans, suspect)
    inside = inside if (inside & abnormal).any() else np.ones(len(spans), dtype=bool)
    begins = inside & spans.failed & (spans.origin == np.arange(len(spans)))
    if failing and (begins & abnormal).any():
        inside = begins
    rows = np.flatnonzero(inside & abnormal)
    lost = _lost(spans, inside, normal)[rows]
    return _of_trace(view, int(spans.trace[rows[np.argmax(lost)]]))


def _touches(spans: Spans, suspect: str) -> np.ndarray:
    """Spans of the suspect, calls of it, and, of an edge, its calls."""
    caller, _, callee = suspect.rpartition("->")
    mine: np.ndarray = spans.callee == callee
    return mine & (spans.names == caller) if caller else mine | (spans.names == callee)


def _lost(spans: Spans, inside: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Nanoseconds over the normal median of the same service, operation and callee, by span."""
    gap = spans.duration - np.where(spans.answer >= 0, spans.duration[spans.answer], 0)
    time = pd.Series(np.where(spans.client, gap, spans.own).astype(float))
    key = [spans.service, spans.operation, pd.factorize(spans.callee)[0]]
    usual = time.where(inside & normal).groupby(key).transform("median").fillna(0.0)
    made: np.ndarray = (time - usual).to_numpy()
    return made


def _of_trace(view: View, number: int) -> pd.DataFrame:
    spans, table = view.arrays.spans, view.case.traces
    assert spans is not None
    assert table is not None
    chosen = spans.trace_ids.iloc[int(np.flatnonzero(spans.trace == number)[0])]
    return table[table["trace_id"] == chosen]
