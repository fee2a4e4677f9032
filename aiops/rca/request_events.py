"""Requests as graphs of events: spans' starts and ends, log lines and alarms, and what follows.

As in Nezha (ESEC/FSE 2023): within a span each event follows the one before in time. A child's
start follows the parent's last event before it where both are of one service, else the
parent's start. A span ends after its last line.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from aiops.case import Case, Which
from aiops.evidence import call_tree

_START, _ALARM, _LINE, _END = range(4)
_DIGITS = r"\S*\d\S*"


class Requests(NamedTuple):
    """Spans (a row each: service, parent row or -1, depth), their events, number of requests.

    Events are rows of span, time (ns), order, event (a number into ``texts``), sorted within
    a span.
    """

    spans: pd.DataFrame
    events: pd.DataFrame
    texts: np.ndarray
    n: int


def requests(case: Case, which: Which, alarms: pd.Series) -> Requests:
    """The requests of one side; ``alarms`` (service -> text) ring in spans that are no calls."""
    table = case.select("traces", which).reset_index(drop=True)
    keys = pd.MultiIndex.from_frame(table[["trace_id", "span_id"]])
    first = ~keys.duplicated()
    table, keys = table[first].reset_index(drop=True), keys[first]
    parent = call_tree.parents(table)
    spans = pd.DataFrame({"service": table["service"].to_numpy(), "parent": parent,
                          "depth": _depth(parent)})
    start = table["start"].astype("int64").to_numpy()
    end = start + table["duration_ns"].to_numpy()  # a new array: written to below
    name = table["service"] + " " + table["operation"]
    lines = _lines(case, which, keys)
    if len(lines):
        last = lines.groupby("span")["time"].max()
        end[last.index] = np.maximum(end[last.index], last + 1)
    kind = table["kind"] if "kind" in table else pd.Series("", index=table.index)
    may = table["service"].isin(alarms.index) & ~kind.isin(["client", "producer"])
    rung = "alarm " + table.loc[may, "service"].map(alarms).astype(object)
    parts = [_events(start, _START, name + " start"), _events(end, _END, name + " end"),
             _events(start, _ALARM, rung), lines]
    events = pd.concat(parts, ignore_index=True)
    events["event"], texts = pd.factorize(events["event"], sort=True)
    events = events.sort_values(["span", "time", "order", "event"], ignore_index=True)
    return Requests(spans, events, np.asarray(texts, dtype=object), table["trace_id"].nunique())


def patterns(made: Requests) -> pd.DataFrame:
    """Distinct patterns: source and target event, support, service and depth of the source."""
    events, spans = made.events, made.spans
    follows = events["span"].eq(events["span"].shift())
    target = np.flatnonzero(follows)
    source = np.concatenate([target - 1, _before(made)])
    target = np.concatenate([target, _starts(events, len(spans))[spans["parent"] >= 0]])
    of = events["span"].to_numpy()[source]
    pairs = pd.DataFrame({"source": events["event"].to_numpy()[source],
                          "target": events["event"].to_numpy()[target],
                          "service": spans["service"].to_numpy()[of],
                          "depth": spans["depth"].to_numpy()[of]})
    group = pairs.groupby(["source", "target", "service"], as_index=False)
    found = group.agg(support=("depth", "size"), depth=("depth", "max"))
    return found.assign(source=made.texts[found["source"]], target=made.texts[found["target"]])


def _events(time: np.ndarray, order: int, event: pd.Series) -> pd.DataFrame:
    at = event.index.to_numpy().astype(np.int64)
    return pd.DataFrame({"span": at, "time": time[at], "order": order,
                         "event": event.to_numpy(dtype=object)})


def _lines(case: Case, which: Which, keys: pd.MultiIndex) -> pd.DataFrame:
    """Log lines that name a span of these."""
    if case.logs is None or not {"trace_id", "span_id"} <= set(case.logs):
        return _events(np.array([], dtype=np.int64), _LINE, pd.Series(dtype=object))
    span = keys.get_indexer(pd.MultiIndex.from_frame(case.logs[["trace_id", "span_id"]]))
    logs = case.logs[span >= 0]
    text = logs["template"] if "template" in logs else logs["body"].str.replace(
        _DIGITS, "*", regex=True)
    return pd.DataFrame({"span": span[span >= 0], "order": _LINE, "event": (
        logs["service"] + " " + text).to_numpy(dtype=object),
        "time": logs["time"].astype("int64").to_numpy()})


def _depth(parent: np.ndarray) -> np.ndarray:
    """Number of spans above each."""
    depth, above = np.zeros(len(parent), dtype=int), parent
    for _ in range(len(parent)):  # ends after as many rounds as the deepest tree has levels
        if not (above >= 0).any():
            break
        depth += above >= 0
        above = np.where(above >= 0, parent[above], -1)
    return depth


def _starts(events: pd.DataFrame, n: int) -> np.ndarray:
    """Row of each span's first event."""
    return np.searchsorted(events["span"].to_numpy(), np.arange(n))


def _before(made: Requests) -> np.ndarray:
    """For each span that has a parent: row of the parent's event that its start follows."""
    spans, events = made.spans, made.events
    child = np.flatnonzero(spans["parent"] >= 0)
    parent, service = spans["parent"].to_numpy()[child], spans["service"].to_numpy()
    starts, time = _starts(events, len(spans)), events["time"].to_numpy()
    begun = time[starts[child]]
    told = pd.DataFrame({"span": events["span"], "time": time, "row": np.arange(len(events))})
    asked = pd.DataFrame({"span": parent, "time": begun, "child": np.arange(len(child))})
    found = pd.merge_asof(asked.sort_values("time"), told.sort_values(["time", "row"]), on="time",
                          by="span").sort_values("child")["row"].to_numpy()
    same = (service[parent] == service[child]) & ~np.isnan(found)
    return np.where(same, np.nan_to_num(found), starts[parent]).astype(int)
