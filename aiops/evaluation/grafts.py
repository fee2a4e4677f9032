"""Calls of services that were never there, grafted into a Case's requests: for ``decoys``.

A graft is the copy of a call that was made in normal time, with all below it, under another
span of the caller, on either side; the services in the copy are decoys. A caller makes
such calls as often per span of its own during the incident as in normal time.

A graft stands first among what its caller does, and takes its time: the caller and whoever
waits for it last longer by the graft's duration, and all that comes after it in the request comes
later. So no self time, no gap between a client's and a server's span, no last call and no
duration of a service that does not wait for decoys changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from aiops.case import Case
from aiops.evidence import call_tree

SHARE = 0.5  # of the rate of the calls that are copied: the spans about double
_LEAVING = ("client", "producer")
_DEEP = 64  # spans above one another; more is a circle
World = Mapping[str, str]  # real service -> decoy


@dataclass(frozen=True)
class Calls:
    """Spans by position: their parent (-1: none), and whom they call (None: nobody else).

    A call is the caller's client span where there is one, else the callee's span.
    """

    parent: np.ndarray
    callee: np.ndarray

    @classmethod
    def of(cls, spans: pd.DataFrame) -> Calls:
        parent = call_tree.parents(spans)
        service = spans["service"].to_numpy(dtype=object)
        leaving = _leaving(spans)
        answer = call_tree.crossing(parent, service)
        answered = pd.Series(service[answer], index=parent[answer], dtype=object)
        answered = answered[~answered.index.duplicated()]
        told = answered.reindex(range(len(spans)))
        if "peer_service" in spans:
            told = spans["peer_service"].astype(object).reset_index(drop=True).fillna(told)
        callee = np.full(len(spans), None, dtype=object)
        direct = answer[~leaving[parent[answer]]]
        callee[direct] = service[direct]
        callee[leaving] = told.to_numpy(dtype=object)[leaving]
        known = pd.notna(callee) & ((callee != service) | ~leaving)
        callee[~known] = None
        return cls(parent, callee)


def _leaving(spans: pd.DataFrame) -> np.ndarray:
    if "kind" not in spans:
        return np.zeros(len(spans), dtype=bool)
    return spans["kind"].isin(_LEAVING).to_numpy()


def graft(case: Case, worlds: Sequence[World], rng: np.random.Generator,
          share: float = SHARE) -> dict[str, pd.DataFrame]:
    """The Case's traces with grafts, and its logs with the lines of the copied spans."""
    assert case.traces is not None
    spans = case.traces
    calls = Calls.of(spans)
    grafts = _draw(case, calls, worlds, rng, share)
    copies = _copies(spans, calls, grafts, worlds, rng)
    later = _Later(spans, calls, grafts)
    placed = _placed(spans, copies, grafts, later)
    real_caller = (copies["above"] < 0).to_numpy() & _leaving(placed)
    placed = _renamed(placed, real_caller, grafts["world"].to_numpy()[copies["graft"]], worlds,
                      case.suspects)
    changed = {"traces": pd.concat([_stretched(spans, later), placed], ignore_index=True)}
    if case.logs is not None and {"trace_id", "span_id"} <= set(case.logs):
        changed["logs"] = _lines(case.logs, spans, copies, placed, later)
    return changed


def _draw(case: Case, calls: Calls, worlds: Sequence[World], rng: np.random.Generator,
          share: float) -> pd.DataFrame:
    """A row a graft: ``host`` and ``donor`` (positions), ``world``."""
    assert case.traces is not None
    spans = case.traces
    normal = case.select("traces", "normal").index.to_numpy()
    donors = normal[pd.notna(calls.callee[normal]) & (calls.parent[normal] >= 0)]
    donors = donors[np.isin(calls.callee[donors].astype(str), list(worlds[0]))]
    made = spans.iloc[calls.parent[donors]][["service", "operation"]].assign(
        callee=calls.callee[donors], donor=donors)
    made = made.sort_values(["service", "operation", "callee", "donor"]).reset_index(drop=True)
    kinds = made.groupby(["service", "operation", "callee"])["donor"].agg(["size"]).reset_index()
    kinds["first"] = kinds["size"].cumsum() - kinds["size"]
    callers = spans.iloc[normal].groupby(["service", "operation"]).size().rename("callers")
    kinds = kinds.join(callers, on=["service", "operation"])
    hosts = spans[["service", "operation"]].assign(host=np.arange(len(spans))).merge(
        kinds, on=["service", "operation"])
    drawn = hosts[rng.random(len(hosts)) < share * (hosts["size"] / hosts["callers"]).clip(upper=1)]
    chosen = drawn["first"] + (rng.random(len(drawn)) * drawn["size"]).astype(int)
    return pd.DataFrame({"host": drawn["host"].to_numpy(),
                         "donor": made["donor"].to_numpy()[chosen.to_numpy()],
                         "world": rng.integers(len(worlds), size=len(drawn))})


def _copies(spans: pd.DataFrame, calls: Calls, grafts: pd.DataFrame, worlds: Sequence[World],
            rng: np.random.Generator) -> pd.DataFrame:
    """A row a copied span: ``graft``, ``source`` (position), ``above`` (row; -1: the call itself).

    What a copied service asks of one that has no decoy is left out, with all below.
    """
    order = np.argsort(calls.parent, kind="stable")
    below = calls.parent[order]
    service = spans["service"].to_numpy(dtype=object)
    has = np.isin(service.astype(str), list(worlds[0]))
    level = pd.DataFrame({"graft": np.arange(len(grafts)), "source": grafts["donor"].to_numpy(),
                          "above": -1})
    levels, before = [level], 0
    while len(level) and len(levels) < _DEEP:
        low = np.searchsorted(below, level["source"], "left")
        count = np.searchsorted(below, level["source"], "right") - low
        row = np.repeat(np.arange(len(level)), count)
        source = order[np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count) + low[row]]
        keep = has[source]
        if before == 0:  # a client span of the real caller's own has no other child that is copied
            own = _leaving(spans)[level["source"].to_numpy()[row]]
            keep &= ~own | (service[source] != service[level["source"].to_numpy()[row]])
        level, before = pd.DataFrame({"graft": level["graft"].to_numpy()[row],
                                      "source": source, "above": before + row})[keep], (
            before + len(level))
        levels.append(level.reset_index(drop=True))
    made = pd.concat(levels, ignore_index=True)
    ids = rng.integers(0, 2**63, len(made))
    return made.assign(span_id=[f"{each:016x}" for each in ids])


class _Later:
    """By how much spans start later and last longer, ns; and any moment of a trace comes later."""

    def __init__(self, spans: pd.DataFrame, calls: Calls, grafts: pd.DataFrame) -> None:
        start = spans["start"].astype("int64").to_numpy()
        host = grafts["host"].to_numpy()
        self.lasts = spans["duration_ns"].to_numpy()[grafts["donor"].to_numpy()]
        self._names = pd.Index(spans["trace_id"].unique())
        self._trace, self._at = self._names.get_indexer(spans["trace_id"])[host], start[host]
        self.longer = np.zeros(len(spans), dtype="int64")
        self.by = self.moments(spans["trace_id"], start)
        now = host
        for _ in range(_DEEP):  # whoever waits starts when it did, and ends later
            waits = now >= 0
            np.add.at(self.longer, now[waits], self.lasts[waits])
            tied = waits & (start[now] >= self._at)
            np.subtract.at(self.by, now[tied], self.lasts[tied])
            now = np.where(waits, calls.parent[now], -1)
        before = grafts.assign(lasts=self.lasts).groupby("host")["lasts"].cumsum() - self.lasts
        self.start = start[host] + self.by[host] + before.to_numpy()  # of each graft

    def moments(self, trace: pd.Series, at: np.ndarray) -> np.ndarray:
        """The grafts' time in this trace up to this moment, ns; 0 for traces that are unknown."""
        of = self._names.get_indexer(trace)
        traces, times = np.concatenate([self._trace, of]), np.concatenate([self._at, at])
        lasts = np.concatenate([self.lasts, np.zeros(len(of), dtype="int64")])
        asks = np.arange(len(traces)) >= len(self._trace)
        order = np.lexsort((asks, times, traces))
        total = np.cumsum(lasts[order])
        first = np.r_[True, np.diff(traces[order]) != 0]
        base = (total - lasts[order])[first][np.cumsum(first) - 1]
        out = np.empty(len(traces), dtype="int64")
        out[order] = total - base
        return np.where(of >= 0, out[len(self._trace):], 0)


def _stretched(spans: pd.DataFrame, later: _Later) -> pd.DataFrame:
    return spans.assign(start=spans["start"] + pd.to_timedelta(later.by, unit="ns"),
                        duration_ns=spans["duration_ns"] + later.longer)


def _placed(spans: pd.DataFrame, copies: pd.DataFrame, grafts: pd.DataFrame,
            later: _Later) -> pd.DataFrame:
    """The copied spans under their new callers, services as they were."""
    made = spans.iloc[copies["source"]].reset_index(drop=True)
    graft, top = copies["graft"].to_numpy(), copies["above"].to_numpy() < 0
    host = spans.iloc[grafts["host"].to_numpy()[graft]]
    root = spans["start"].astype("int64").to_numpy()[grafts["donor"].to_numpy()[graft]]
    ids = copies["span_id"].to_numpy(dtype=object)
    started = later.start[graft] + made["start"].astype("int64").to_numpy() - root
    return made.assign(
        trace_id=host["trace_id"].to_numpy(), span_id=ids,
        parent_span_id=np.where(top, host["span_id"].to_numpy(dtype=object),
                                ids[copies["above"].to_numpy()]),
        start=pd.to_datetime(started, utc=True).as_unit("ns"))


def _renamed(placed: pd.DataFrame, real_caller: np.ndarray, world: np.ndarray,
             worlds: Sequence[World], suspects: Sequence[str]) -> pd.DataFrame:
    """The copied spans as those of decoys, operations too: no real span is called so.

    A real caller's client span keeps its service. A suspect without decoy is nobody's peer.
    """
    reals = list(worlds[0])
    table = np.array([[each[real] for real in reals] for each in worlds], dtype=object)

    def decoy(names: pd.Series) -> np.ndarray:
        at = pd.Index(reals).get_indexer(names)
        other = np.where(names.isin(list(suspects)), None, names.astype(object))
        return np.where(at >= 0, table[world, at], other)

    own = np.where(real_caller, placed["service"].astype(object), decoy(placed["service"]))
    about, changed = own, {}
    if "peer_service" in placed:
        changed["peer_service"] = decoy(placed["peer_service"])
        about = np.where(_leaving(placed) & pd.notna(changed["peer_service"]),
                         changed["peer_service"], own)
    last = placed["operation"].str.rsplit("/").str[-1]
    if "attributes" in placed:
        changed["attributes"] = _attributes(placed, own, changed.get("peer_service"))
    return placed.assign(service=own, operation=pd.Series(about, dtype="str") + "/" + last,
                         **changed)


def _attributes(placed: pd.DataFrame, own: np.ndarray, peer: np.ndarray | None) -> pd.Series:
    """Attributes of the copies, in which the names of service and peer are the decoys'."""
    pairs = [(placed["service"], own)]
    if peer is not None:
        pairs.append((placed["peer_service"], peer))
    made = []
    for number, held in enumerate(placed["attributes"]):
        new = [(real.iat[number], decoys[number]) for real, decoys in pairs
               if isinstance(real.iat[number], str) and isinstance(decoys[number], str)]
        made.append(None if held is None else [
            (key, _swapped(value, new)) for key, value in dict(held).items()])
    return pd.Series(made, index=placed.index, dtype=object)


def _swapped(value: Any, new: list[tuple[str, str]]) -> Any:
    for real, decoy in new if isinstance(value, str) else ():
        value = value.replace(real, decoy)
    return value


def _lines(logs: pd.DataFrame, spans: pd.DataFrame, copies: pd.DataFrame, placed: pd.DataFrame,
           later: _Later) -> pd.DataFrame:
    """Lines at the new times of their requests, and those of the copied spans again."""
    by = later.moments(logs["trace_id"], logs["time"].astype("int64").to_numpy())
    moved = logs.assign(time=logs["time"] + pd.to_timedelta(by, unit="ns"))
    source = spans.iloc[copies["source"]]
    new = pd.DataFrame({
        "trace_id": source["trace_id"].to_numpy(), "span_id": source["span_id"].to_numpy(),
        "by": placed["start"].astype("int64").to_numpy()
        - source["start"].astype("int64").to_numpy(),
        "new_trace": placed["trace_id"].to_numpy(), "new_span": placed["span_id"].to_numpy(),
        "new_service": placed["service"].to_numpy()})
    again = logs.merge(new, on=["trace_id", "span_id"])
    again = again.assign(time=again["time"] + pd.to_timedelta(again["by"], unit="ns"),
                         trace_id=again["new_trace"], span_id=again["new_span"],
                         service=again["new_service"])
    return pd.concat([moved, again[list(logs)]], ignore_index=True)
