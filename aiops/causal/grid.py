"""Time steps of a Case, and its metrics and spans as columns over them."""

from __future__ import annotations

from typing import NamedTuple

import networkx as nx
import numpy as np
import pandas as pd

from aiops.case import Case
from aiops.causal import requests as of_requests
from aiops.causal.requests import ERRORS, LATENCY, LOAD, Requests, Seen
from aiops.windows import Window

_SHORTEST_S, _LONGEST_S, _STEPS = 1.0, 5.0, 20  # of spans: some twenty steps an incident
_KEY = ("service", "name", "instance", "peer_service")


class Part(NamedTuple):
    """Values (n_rows, n_columns), and a row a column: owner, service, name."""

    values: np.ndarray
    about: pd.DataFrame


class Grid:
    """Whole steps of each window, counted from its start.

    A step is a twentieth of the incident, 1 to 5 s, where there are spans, else the usual distance
    of a metric's points, at least 1 s. A metric that is measured more rarely is held over its own
    step.
    """

    def __init__(self, windows: list[Window], abnormal: Window, step_ns: int) -> None:
        n = [max(int((end - start).value // step_ns), 1) for start, end in windows]
        self.step = step_ns
        self.windows, self.begin = windows, np.r_[0, np.cumsum(n)]
        self.rows = int(self.begin[-1])
        self.normal = np.repeat([window != abnormal for window in windows], n)

    @classmethod
    def of(cls, case: Case) -> Grid:
        length = (case.abnormal[1] - case.abnormal[0]).total_seconds()
        if case.traces is not None and len(case.traces):
            step = int(np.clip(length / _STEPS, _SHORTEST_S, _LONGEST_S) * 1e9)
        else:
            step = _usual_step(case)
        return cls([*case.normal, case.abnormal], case.abnormal, max(step, int(_SHORTEST_S * 1e9)))

    def at(self, ns: np.ndarray) -> np.ndarray:
        """The row of each time, -1 where it is in none."""
        row = np.full(len(ns), -1)
        for number, (start, end) in enumerate(self.windows):
            first, n = self.begin[number], self.begin[number + 1] - self.begin[number]
            step = (ns - start.value) // self.step
            mine = (step >= 0) & (step < n) & (ns < end.value)  # a window may be under a step
            row[mine] = first + step[mine]
        return row

    def of_metrics(self, case: Case, calls: nx.DiGraph) -> Part:
        """Means by step; ``calls`` (caller -> callee) say which way a metric of a peer looks."""
        table = case.metrics
        assert table is not None
        column, about = _columns(table, case, calls)
        time = table["time"].dt.as_unit("ns").astype("int64").to_numpy()
        values = self._mean(time, column, table["value"].to_numpy(), len(about))
        return Part(self._held(values, _usual_step(case)), about)

    def of_spans(self, case: Case) -> tuple[Part, dict[tuple[str, str], float]]:
        """Latency, errors and load by service, latency and errors by call; slopes along calls."""
        spans = case.traces
        assert spans is not None
        seen = of_requests.requests(spans)
        parts = [self._answers(seen.services, True), self._answers(seen.edges, False)]
        unseen = np.bincount(self.at(seen.services.begun) + 1, minlength=self.rows + 1)[1:] == 0
        for part in parts:
            part.values[unseen] = np.nan  # nothing was recorded then: no load of 0
        made = Part(np.hstack([p.values for p in parts]), pd.concat([p.about for p in parts]))
        return made, _slopes(seen, *(self._is_normal(each) for each in (
            seen.calls["begun"].to_numpy(), seen.services.begun)))

    def _is_normal(self, ns: np.ndarray) -> np.ndarray:
        row = self.at(ns)
        made: np.ndarray = (row >= 0) & self.normal[row]
        return made

    def _answers(self, seen: Seen, load: bool) -> Part:
        owner, names = pd.factorize(seen.owner, sort=True)
        values = [self._mean(seen.begun, owner, each, len(names))
                  for each in (seen.ms, seen.failed.astype(float))]
        what = [LATENCY, ERRORS]
        if load:
            values.append(self._count(seen.begun, owner, len(names)))
            what.append(LOAD)
        each = np.tile(names, len(what))
        about = pd.DataFrame({"owner": each, "service": each,
                              "name": np.repeat(what, len(names))}, dtype=object)
        return Part(np.hstack(values), about.set_axis(_labels(about)))

    def _count(self, ns: np.ndarray, column: np.ndarray, n: int) -> np.ndarray:
        row = self.at(ns)
        cell = (row * n + column)[row >= 0]
        return np.bincount(cell, minlength=self.rows * n).reshape(self.rows, n).astype(float)

    def _mean(self, ns: np.ndarray, column: np.ndarray, value: np.ndarray, n: int) -> np.ndarray:
        row = self.at(ns)
        kept = np.flatnonzero((row >= 0) & ~np.isnan(value))
        kept = kept[np.lexsort((value[kept], column[kept], row[kept]))]  # in whatever order
        cell = row[kept] * n + column[kept]
        count = np.bincount(cell, minlength=self.rows * n)
        total = np.bincount(cell, weights=value[kept], minlength=self.rows * n)
        return np.where(count > 0, total / np.maximum(count, 1), np.nan).reshape(self.rows, n)

    def _held(self, values: np.ndarray, own_step: int) -> np.ndarray:
        """Each value stands until the next is due, within its window."""
        held = values.copy()
        window = np.repeat(np.arange(len(self.windows)), np.diff(self.begin))
        for _ in range(min(-(-own_step // self.step), 100) - 1):
            gap = np.isnan(held[1:]) & (window[1:] == window[:-1])[:, None]
            held[1:][gap] = held[:-1][gap]
        return held


def _slopes(seen: Requests, calls: np.ndarray, answers: np.ndarray) -> dict[tuple[str, str], float]:
    """Units of the effect a unit of the cause, by (cause, effect) columns."""
    found = {}
    for (caller, callee), each in of_requests.slopes(seen, calls, answers).iterrows():
        found[f"{callee} {LATENCY}", f"{caller} {LATENCY}"] = float(each["waited"])
        found[f"{caller}->{callee} {LATENCY}", f"{caller} {LATENCY}"] = float(each["waited"])
        found[f"{caller} {LOAD}", f"{callee} {LOAD}"] = float(each["calls"])
    return found


def _columns(table: pd.DataFrame, case: Case, calls: nx.DiGraph) -> tuple[np.ndarray, pd.DataFrame]:
    """The column's number of each row of the metrics, and what each column is.

    An instance that is no suspect counts to its service; a metric that keeps its peer tells about
    the call between the two, seen from either end.
    """
    instance = table.get("instance", pd.Series(None, table.index, dtype=object))
    owner = instance.where(instance.isin(list(case.suspects)), table["service"])
    peer = table.get("peer_service", pd.Series(None, table.index, dtype=object))
    rows = pd.DataFrame({"owner": owner, "service": table["service"], "name": table["name"],
                         "peer": peer}).astype(object)
    code = np.zeros(len(table), dtype=np.int64)
    for key in rows:
        part, names = pd.factorize(rows[key], sort=True)
        code = pd.factorize(code * (len(names) + 1) + part + 1, sort=True)[0]
    about = rows.iloc[np.unique(code, return_index=True)[1]]
    label, peer = _labels(about), about["peer"].notna()
    way = [_call(a, b, calls) for a, b in zip(about["service"], about["peer"], strict=True)]
    for what in ("owner", "service"):
        about = about.assign(**{what: np.where(peer, way, about[what])})
    return code, about[["owner", "service", "name"]].astype(object).set_axis(label)


def _call(service: str, peer: str, calls: nx.DiGraph) -> str:
    """The call between two, ``caller->callee``; as the metric has it where no call is known."""
    turned = calls.has_edge(peer, service) and not calls.has_edge(service, peer)
    return f"{peer}->{service}" if turned else f"{service}->{peer}"


def _labels(about: pd.DataFrame) -> list[str]:
    """A column's name: owner and name, and the peer where it has one."""
    label = about["owner"].astype(str) + " " + about["name"].astype(str)
    if "peer" in about:
        label = label.where(about["peer"].isna(), label + " " + about["peer"].astype(str))
    return list(label)


def _usual_step(case: Case) -> int:
    """The usual distance of a metric's points, ns."""
    table = case.metrics
    if table is None or table.empty:
        return 1
    column, _ = _columns(table, case, nx.DiGraph())
    time = table["time"].dt.as_unit("ns").astype("int64").to_numpy()
    order = np.lexsort((time, column))
    apart = np.diff(time[order])[np.diff(column[order]) == 0]
    apart = apart[apart > 0]
    return int(np.median(apart)) if len(apart) else 1
