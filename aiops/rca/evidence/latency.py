"""Where requests spend time that they did not: own time of spans, gaps between spans."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from aiops.rca import places, shifts
from aiops.rca.spans import Spans
from aiops.rca.view import Arrays, View

TABLE = "spans"


class _Places(NamedTuple):
    """Time by place and operation: groups, and the group of each value, ascending."""

    group: np.ndarray
    rows: np.ndarray  # of the spans that the values are of
    value: np.ndarray  # ns
    first: np.ndarray  # of its group in its request
    about: pd.DataFrame  # kind, place, operation, by group


def blame(view: View) -> pd.Series | None:
    """Time at places, matched to who is behind it.

    A span's own time is its service's; what a client span leaves over its answer lies between
    the two; where the callee sends no spans (a database) the whole call does. A span that waited
    for a call that failed shows that failure in its time, not its own work: it is left out.
    """
    if view.arrays.spans is None:
        return None
    made = view.arrays.once(_places)
    top = made.about.assign(effect=np.abs(_moves(view, made).effect)).groupby(
        ["kind", "place"])["effect"].max().reset_index()
    return places.blame(top["effect"].to_numpy(), top["kind"].to_numpy(),
                        top["place"].to_numpy(), view.suspects)


def signals(view: View) -> pd.DataFrame:
    """A row a place and operation, under both ends of an edge.

    Before and during: the quantile that moved most, in ms; the signal names it.
    """
    assert view.arrays.spans is not None
    made = view.arrays.once(_places)
    found = _moves(view, made)
    rows = made.about.assign(effect=np.abs(found.effect), before=found.before / 1e6,
                             during=found.during / 1e6)
    level = pd.Series(found.level * 100).map("p{:.0f} ".format, na_action="ignore").fillna("")
    text = {places.OWN: "own time of ", places.BETWEEN: "time between ", places.SILENT: "time at "}
    rows["signal"] = (rows["kind"].map(text) + rows["place"] + " (" + rows["operation"] + "), "
                      + level + "ms")
    return places.by_suspect(rows)


def _moves(view: View, made: _Places) -> shifts.Moves:
    spans = view.arrays.spans
    assert spans is not None
    normal, abnormal = (side[made.rows] for side in view.sides(spans))
    return shifts.moves(made.group, made.value, normal, abnormal, len(made.about), made.first)


def _places(arrays: Arrays) -> _Places:
    spans = arrays.spans
    assert spans is not None
    waited = np.zeros(len(spans) + 1, dtype=bool)
    waited[spans.parent[spans.failed]] = True  # of a root: the one past the end
    inside = np.flatnonzero(~spans.client & ~waited[:-1])
    between = np.flatnonzero(spans.client & (spans.answer >= 0))
    silent = np.flatnonzero(spans.client & (spans.answer < 0) & ~spans.speaks
                            & (spans.callee != None))  # noqa: E711
    rows = np.concatenate([inside, between, silent])
    value = np.concatenate([
        spans.own[inside], spans.duration[between] - spans.duration[spans.answer[between]],
        spans.duration[silent]])
    kind = np.repeat([places.OWN, places.BETWEEN, places.SILENT],
                     [len(inside), len(between), len(silent)])
    return _grouped(spans, rows, value, kind)


def _grouped(spans: Spans, rows: np.ndarray, value: np.ndarray, kind: np.ndarray) -> _Places:
    callee, callees = pd.factorize(spans.callee[rows])
    what, kinds = pd.factorize(kind)
    key = ((what * (len(callees) + 1) + callee + 1) * len(spans.services)
           + spans.service[rows]) * len(spans.operations) + spans.operation[rows]
    group, keys = pd.factorize(key)
    _, first = np.unique(group, return_index=True)
    head = rows[first]
    about = pd.DataFrame({"kind": kind[first], "operation":
                          np.asarray(spans.operations, dtype=object)[spans.operation[head]]})
    edge = spans.names[head] + "->" + np.where(kind[first] == places.OWN, "",
                                               spans.callee[head]).astype(str).astype(object)
    about["place"] = np.where(kind[first] == places.OWN, spans.names[head], edge)
    order = shifts.ascending(group, value)
    return _Places(group[order], rows[order], value[order],
                   shifts.first_of(group[order], spans.trace[rows[order]]), about)
