"""Stress: a Case made harder, another Case comes out. Seeded where something is drawn.

Nothing here looks at a truth: who is told two Cases' culprits is told by the bench. Decoys,
the largest of them, have a file of their own (``decoys``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from aiops.case import TABLES, TIME_COLUMN, Case
from aiops.errors import CaseError
from aiops.windows import Window, inside, length, minus, union

PSEUDO_SHARE = 3  # a pseudo-incident is at most a third of the normal time
_COLUMN = ["service", "name", "instance", "peer_service"]  # of metrics


def rng_of(case: Case, seed: int) -> np.random.Generator:
    """A generator of its own for this Case and seed, whatever was drawn for other Cases.

    It depends on the Case's windows and numbers of rows, and on its alerts: Cases without
    times differ in nothing else. The order of rows changes nothing.
    """
    told = [seed, case.abnormal[0].value % 2**32, case.abnormal[1].value % 2**32,
            *map(len, case.tables.values())]
    if case.alerts is not None:
        told.append(int(pd.util.hash_pandas_object(case.alerts, index=False).sum() % 2**32))
    return np.random.default_rng(told)


def keep_spans(case: Case, share: float, seed: int) -> Case:
    """Whole traces kept with this probability, on both sides, as a head sampler does.

    Log lines all stay; those whose trace was dropped lose trace and span id, for nothing is
    left that they could point to. Metrics are what they were.
    """
    traces = needs(case, "traces")
    ids = np.sort(traces["trace_id"].unique())
    kept = set(ids[rng_of(case, seed).random(len(ids)) < share])
    changed: dict[str, Any] = {"traces": traces[traces["trace_id"].isin(kept)]}
    if case.logs is not None and "trace_id" in case.logs:
        dropped = case.logs["trace_id"].isin(set(ids) - kept)
        held = [name for name in ("trace_id", "span_id") if name in case.logs]
        changed["logs"] = case.logs.assign(**{c: case.logs[c].mask(dropped) for c in held})
    return replace(case, **changed)


def without(case: Case, table: str) -> Case:
    """The Case less one of its tables; the suspects stay."""
    needs(case, table)
    changed: dict[str, Any] = {table: None}
    return replace(case, **changed)


def late(case: Case, seconds: float) -> Case:
    """The alert comes later, and the incident's first seconds are taken for normal.

    Raises:
        CaseError: nothing would be left of the incident.
    """
    by, (start, end) = pd.Timedelta(seconds=seconds), case.abnormal
    if start + by >= end:
        raise CaseError(f"An incident of {(end - start).total_seconds():g} s cannot be found "
                        f"{seconds:g} s late: nothing would be left of it.")
    assert case.detected_at is not None
    made = replace(case, normal=tuple(union([*case.normal, (start, start + by)])),
                   abnormal=(start + by, end), detected_at=case.detected_at + by)
    if not any(len(made.select(t, "abnormal")) for t in timed(case)):
        raise CaseError(f"Nothing was sent from {seconds:g} s after the alert on.")
    return made


def timed(case: Case) -> list[str]:
    """The tables whose rows have a time: alerts may have none."""
    return [name for name, frame in case.tables.items()
            if name in TIME_COLUMN and TIME_COLUMN[name] in frame
            and not frame[TIME_COLUMN[name]].isna().all()]


def wrong_edges(case: Case, share: float, seed: int) -> Case:
    """This share of the known edges (topology; whom a span names as its peer) leads elsewhere.

    An edge that is wrong is wrong in both tables: its callee becomes another service, drawn
    among those that the caller is not known to call. Spans keep their parents.
    """
    edges = known_edges(case)
    if not edges:
        raise CaseError("This Case names no edges: neither a topology nor peers of spans.")
    wrong = _rewired(edges, share, _nodes(case, edges), rng_of(case, seed))
    changed: dict[str, Any] = {}
    for table, ends in (("topology", ["caller", "callee"]), ("traces", ["service",
                                                                        "peer_service"])):
        frame = getattr(case, table)
        if frame is not None and ends[1] in frame:
            changed[table] = _led(frame, ends, wrong)
    return replace(case, **changed)


def known_edges(case: Case) -> list[tuple[str, str]]:
    """(caller, callee) by the topology and by spans that name their peer, in order of name."""
    parts = []
    if case.topology is not None:
        parts.append(case.topology)
    if case.traces is not None and "peer_service" in case.traces:
        told = case.traces[["service", "peer_service"]].dropna()
        parts.append(told.set_axis(["caller", "callee"], axis=1))
    pairs = pd.concat(parts).drop_duplicates() if parts else pd.DataFrame({"caller": [],
                                                                           "callee": []})
    return sorted((a, b) for a, b in zip(pairs["caller"], pairs["callee"], strict=True) if a != b)


def _nodes(case: Case, edges: Sequence[tuple[str, str]]) -> list[str]:
    named = {end for edge in edges for end in edge} | set(case.suspects)
    return sorted(name for name in named if "->" not in name)


def _rewired(edges: Sequence[tuple[str, str]], share: float, nodes: Sequence[str],
             rng: np.random.Generator) -> dict[tuple[str, str], str]:
    """New callee by edge, for the edges drawn; at least one."""
    drawn = rng.permutation(len(edges))[:max(1, round(share * len(edges)))]
    taken, wrong = set(edges), {}
    for number in drawn:
        caller = edges[number][0]
        free = [n for n in nodes if n != caller and (caller, n) not in taken]
        if free:
            wrong[edges[number]] = free[rng.integers(len(free))]
            taken.add((caller, wrong[edges[number]]))
    return wrong


def _led(frame: pd.DataFrame, ends: list[str], wrong: Mapping[tuple[str, str], str]
         ) -> pd.DataFrame:
    pairs = frame[ends].drop_duplicates()
    new = [wrong.get((a, b), b) for a, b in zip(pairs[ends[0]], pairs[ends[1]], strict=True)]
    told = frame[ends].merge(pairs.assign(new=new), on=ends, how="left")
    return frame.assign(**{ends[1]: told["new"].to_numpy()})


def together(case: Case, other: Case, culprits: Sequence[str]) -> Case:
    """Two faults at once: this Case, with what the other's culprits went through in theirs.

    The culprits' metric columns, and their neighbours' columns that have them as peer, become
    the other Case's, on both sides, so that no column changes its level where two recordings
    meet; their alerts become the other's. Times are counted from the start of the incident,
    and within the normal windows laid end to end. Requests cannot be spliced: traces and logs
    would tell of one fault only and are taken away.

    Args:
        culprits: of the other Case; they must be suspects of this one.

    Raises:
        CaseError: neither metrics nor alerts in both, or a culprit unknown here.
    """
    unknown = set(culprits) - set(case.suspects)
    both = [t for t in ("metrics", "alerts") if t in case.tables and t in other.tables]
    if unknown or not both:
        raise CaseError(f"These Cases cannot be put together: {sorted(unknown) or 'no'} culprits "
                        f"unknown to the first, {', '.join(both) or 'no'} tables to splice.")
    changed: dict[str, Any] = dict.fromkeys(t for t in TABLES if t != "topology" and t not in both)
    if "metrics" in both:
        changed["metrics"] = _spliced(case, other, set(culprits))
    if "alerts" in both:
        changed["alerts"] = _alerts(case, other, set(culprits))
    return replace(case, **changed)


def _raised_by(alerts: pd.DataFrame, services: set[str]) -> pd.Series:
    return alerts["service"].isin(services) | alerts["instance"].isin(services)


def _spliced(case: Case, other: Case, culprits: set[str]) -> pd.DataFrame:
    assert case.metrics is not None
    sides = []
    for which, mine, theirs in (("normal", case.normal, other.normal),
                                ("abnormal", [case.abnormal], [other.abnormal])):
        rows = other.select("metrics", "normal" if which == "normal" else "abnormal")
        sides.append(_moved(rows[_about(rows, culprits)], list(theirs), list(mine),
                            case.metrics["time"]))
    own = case.metrics[~_about(case.metrics, culprits)]
    return pd.concat([own, *sides], ignore_index=True)


def _about(rows: pd.DataFrame, services: set[str]) -> pd.Series:
    """Which rows of metrics are about these services, by themselves or by a neighbour."""
    held = [c for c in ("service", "peer_service") if c in rows]
    return pd.DataFrame({c: rows[c].isin(services) for c in held}).any(axis=1)


def _moved(rows: pd.DataFrame, theirs: list[Window], mine: list[Window],
           grid: pd.Series) -> pd.DataFrame:
    """Rows at the same elapsed time of other windows, on the nearest time that has samples."""
    at = _at(_elapsed(rows["time"].astype("int64").to_numpy(), theirs), mine)
    there = at >= 0
    times = np.sort(grid.unique().astype("int64"))
    times = times[inside(times, mine)]
    if not len(times):
        return rows.iloc[:0]
    right = np.clip(np.searchsorted(times, at[there]), 1 if len(times) > 1 else 0,
                    len(times) - 1)
    left = np.maximum(right - 1, 0)
    near = np.where(at[there] - times[left] <= times[right] - at[there], left, right)
    made = rows[there].assign(time=pd.to_datetime(times[near], utc=True))
    return made.drop_duplicates(["time", *[c for c in _COLUMN if c in made]])


def _elapsed(times: np.ndarray, windows: list[Window]) -> np.ndarray:
    """Nanoseconds since the first window's start, time between windows not counted."""
    out, before = np.zeros(len(times), dtype="int64"), 0
    for start, end in sorted(windows):
        held = inside(times, [(start, end)])
        out[held] = times[held] - start.value + before
        before += end.value - start.value
    return out


def _at(elapsed: np.ndarray, windows: list[Window]) -> np.ndarray:
    """The time at which this much has elapsed; -1 where the windows are over by then."""
    out, before = np.full(len(elapsed), -1, dtype="int64"), 0
    for start, end in sorted(windows):
        ahead = before + end.value - start.value
        held = (elapsed >= before) & (elapsed < ahead)
        out[held] = elapsed[held] - before + start.value
        before = ahead
    return out


def _alerts(case: Case, other: Case, culprits: set[str]) -> pd.DataFrame:
    assert case.alerts is not None
    assert other.alerts is not None
    theirs = other.alerts[_raised_by(other.alerts, culprits)]
    if "time" in theirs:
        theirs = theirs.assign(time=theirs["time"] + (case.abnormal[0] - other.abnormal[0]))
    return pd.concat([case.alerts[~_raised_by(case.alerts, culprits)], theirs], ignore_index=True)


def pseudo_incidents(case: Case, number: int) -> list[Case]:
    """Cases that are no incident: windows of normal time called abnormal, the latest ones.

    They are as long as the incident, at most a third of the normal time; the rest stays
    normal. Nothing of the incident is in them, not even outside the windows: rows are cut to
    the normal time. Symptom and entry stay as stated: the alarm was a false one. None where
    normal time holds no rows.
    """
    tables = {name: case.select(name, "normal") for name in timed(case)}
    if not any(map(len, tables.values())):
        return []
    windows = union(case.normal)  # a bucket that spans two that touch is whole
    longest = max(b - a for a, b in windows)
    long = min(case.abnormal[1] - case.abnormal[0], length(windows) / PSEUDO_SHARE, longest)
    kept: dict[str, Any] = {t: tables.get(t) for t in TIME_COLUMN}
    made = []
    for window in _latest(windows, long, number):
        rest = tuple(minus(windows, [window]))
        if rest:
            made.append(replace(case, **kept, normal=rest, abnormal=window,
                                detected_at=window[0]))
    return [each for each in made if any(len(each.select(t, "abnormal")) for t in tables)]


def _latest(windows: Sequence[Window], length: pd.Timedelta, number: int) -> list[Window]:
    found: list[Window] = []
    for start, end in sorted(windows, reverse=True):
        while len(found) < number and end - length >= start:
            found.append((end - length, end))
            end -= length
    return found


def needs(case: Case, table: str) -> pd.DataFrame:
    """A table of the Case; a CaseError where it has none."""
    frame = case.tables.get(table)
    if frame is None:
        raise CaseError(f"This stress needs {table}. This Case has {', '.join(case.tables)}.")
    return frame
