"""The layout of Nezha's data: minute files of traces and logs, metrics, ``*fault_list.json``.

Published at IntelligentDDS/Nezha (Nezha, ESEC/FSE 2023), MIT licence. Three forms, each with
or without .gz, each part but the fault list optional:

    {incidents,rca_data}/<day>/<day>-fault_list.json
    {incidents,rca_data}/<day>/{trace,log}/HH_MM_{trace,log}.csv
    {incidents,rca_data}/<day>/metric/<pod>_metric.csv, source_50.csv, destination_50.csv,
                                      front_service.csv, dependency.csv
    {normal,construct_data}/<day>/...                         the same, a fault-free minute
    fault_list.json, {incident,normal}/HH_MM_*.csv, <pod>_metric.csv      one day, flat

**Abnormal** are the three minutes from ``inject_time``, which is UTC (``inject_timestamp`` is
not, on some days). The published protocol scores minute file HH_MM of injection + 2: a case
that has spans in it is in the slice ``minute=scored``, one without any span in its three
minutes in ``spans=none``.

**Normal** is the fault-free time of the hour before, and the fault-free minute files beside.
Fault-free leaves out four minutes from every injection of the day (from ``inject_timestamp``
where that is at most five minutes earlier: once it is the right one). Where the hour has
under 5 minutes of spans or logs, two hours count, four and so on to the day's beginning, then
what lies ahead; metrics widen in the same way, to 20 minutes at least. A window
claims only time that has files, and is cut where minute files begin and end: it has spans or
logs throughout, or none. A metric row that sums up a minute in which a fault began belongs to
neither side and is left out.

A minute file named HH_MM reaches from some 40 s before that minute to 20 s into it: what
counts is when its traces started. Spans have neither kind nor peer: see
``span_kinds``. Suspects are the services whose pods have a metric file, and those
that spans or logs of the case name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Any

import pandas as pd

from aiops.case import Case
from aiops.datasets import nezha_files
from aiops.datasets.dataset import Dataset, by_id
from aiops.datasets.span_kinds import with_kinds
from aiops.errors import CaseError
from aiops.windows import Window, length, minus, overlap, split, union, within

LAYOUT = "nezha"
FAULT, HEALED = pd.Timedelta("3min"), pd.Timedelta("4min")
SCORED = pd.Timedelta("2min")
HOUR = pd.Timedelta("60min")
LEAST_TOLD, LEAST_METERED = pd.Timedelta("5min"), pd.Timedelta("20min")
_NONE, _SECOND = pd.Timedelta(0), pd.Timedelta("1s")
_GAP = pd.Timedelta("5s")  # between traces of one file and the next
_SLACK = pd.Timedelta("2min")  # how far a minute file reaches from its name
_SPANS_OPEN, _LOGS_OPEN = 48, 32  # minute files kept in memory; an hour has some 25
_NORMAL = ("normal", "construct_data")
_MINUTE = re.compile(r"(\d\d)_(\d\d)_(trace|log)\.csv(\.gz)?")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True)
class Fault:
    """One entry of a fault list: when it began by either clock, and in whose pod."""

    start: pd.Timestamp
    earliest: pd.Timestamp
    service: str
    kind: str


@dataclass(frozen=True)
class MinuteFile:
    """A minute file: the minute it is named after; ``free`` if of the fault-free part."""

    path: Path
    minute: pd.Timestamp
    free: bool


def recognise(root: Path) -> bool:
    """Whether the folder has this layout."""
    return bool(_lists(root))


def open_dataset(root: Path) -> Dataset:
    """The data set in a folder of this layout."""
    days = [Day(path) for path in _lists(root)]
    truth = {day.name(fault): _truth(day, fault) for day in days for fault in day.faults}
    return Dataset(root.name, root, truth, lambda: _readers(root), card=(__doc__ or "").strip())


def _lists(root: Path) -> list[Path]:
    return [path for depth in ("", "*/", "*/*/") for path in sorted(root.glob(
        f"{depth}*fault_list.json"))]


def _readers(root: Path) -> dict[str, Callable[[], Case]]:
    """One day is held at a time: the day that is asked for takes the place of the last."""
    shelf = lru_cache(maxsize=1)(Day)

    def one(path: Path, fault: Fault) -> Case:
        return read_case(shelf(path), fault)

    days = (Day(path) for path in _lists(root))
    return by_id((day.name(fault), partial(one, day.listed, fault))
                 for day in days for fault in day.faults)


class Day:
    """The files of one fault list; what was read is kept, the last minute files only."""

    def __init__(self, listed: Path) -> None:
        self.listed = listed
        self.folder = listed.parent
        self.faults = _faults(listed)
        self.spans = lru_cache(_SPANS_OPEN)(nezha_files.read_spans)
        self.logs = lru_cache(_LOGS_OPEN)(nezha_files.read_logs)

    def name(self, fault: Fault) -> str:
        """The id of a fault's case."""
        return f"{fault.start:%Y-%m-%d/%H:%M:%S}"

    @cached_property
    def date(self) -> str:
        """The day, by the folder's name, else by the first fault."""
        if _DAY.fullmatch(self.folder.name):
            return self.folder.name
        return f"{self.faults[0].start:%Y-%m-%d}"

    @cached_property
    def files(self) -> dict[str, list[MinuteFile]]:
        """Minute files by kind, trace and log."""
        found: dict[str, list[MinuteFile]] = {"trace": [], "log": []}
        for path, free in self._all():
            if match := _MINUTE.fullmatch(path.name):
                minute = pd.Timestamp(f"{self.date} {match[1]}:{match[2]}", tz="UTC")
                found[match[3]].append(MinuteFile(path, minute, free))
        return found

    def _all(self) -> Iterator[tuple[Path, bool]]:
        above = self.folder.parent.parent
        normal = [above / part / self.folder.name for part in _NORMAL]
        for folders, free in (([self.folder, self.folder / "incident"], False),
                              ([self.folder / "normal", *normal], True)):
            for folder in folders:
                for part in ("", "trace/", "log/"):
                    yield from ((path, free) for path in sorted(folder.glob(f"{part}*.csv*")))

    @cached_property
    def metrics(self) -> pd.DataFrame:
        """All metrics of the day; empty where there are none."""
        parts = [nezha_files.read_metrics(path) for path in self._metric_files()
                 if not path.name.startswith("dependency")]
        if not parts:
            return pd.DataFrame()
        words = ["service", "name", "unit", "instance", "peer_service"]
        return pd.concat(parts, ignore_index=True).astype(dict.fromkeys(words, "str"))

    def _metric_files(self) -> list[Path]:
        patterns = ("*_metric.csv*", "metric/*.csv*")
        return sorted(path for each in patterns for path in self.folder.glob(each))

    @cached_property
    def services(self) -> set[str]:
        """Services that have a pod with metrics."""
        pods = [path.name.split("_metric.csv")[0] for path in self._metric_files()
                if "_metric.csv" in path.name]
        return set(nezha_files.service_of(pd.Series(pods, dtype="str")))

    @cached_property
    def topology(self) -> pd.DataFrame | None:
        """Who calls whom among the services; None where that is not published."""
        found = [path for path in self._metric_files() if path.name.startswith("dependency")]
        if not found:
            return None
        calls = nezha_files.read_calls(found[0])
        return calls[calls["caller"].isin(self.services) & calls["callee"].isin(self.services)]

    @cached_property
    def metered(self) -> list[Window]:
        """Time that has metric rows."""
        if self.metrics.empty:
            return []
        times, minute = self.metrics["time"].unique(), nezha_files.MINUTE
        return union(((t, t + minute) for t in times), gap=minute)

    def begun(self, file: MinuteFile, kind: str) -> pd.Series:
        """When the traces, or the log records, of a minute file began."""
        return self.spans(file.path)["begun"] if kind == "trace" else self.logs(file.path)["time"]

    def told(self, asked: Window) -> list[Window]:
        """Time within the window asked for, or of the fault-free part, that has spans or logs."""
        free: list[Window] = []
        rest: list[Window] = []
        for kind, files in self.files.items():
            for file in files:
                if file.free or _near(file, asked):
                    times = self.begun(file, kind)
                    if len(times):
                        (free if file.free else rest).append(_hull(times))
        return union([*free, *overlap(rest, [asked])], _GAP)

    def rows(self, kind: str, windows: list[Window]) -> pd.DataFrame | None:
        """Spans, or log records, that belong to the windows; None without any."""
        read = self.spans if kind == "trace" else self.logs
        near = [file for file in self.files[kind] if any(_near(file, each) for each in windows)]
        parts = [read(file.path)[within(self.begun(file, kind), windows)]
                 for file in near]
        found = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
        return None if found.empty else found


def _hull(times: pd.Series) -> Window:
    return times.min().floor("s"), times.max().floor("s") + _SECOND


def read_case(day: Day, fault: Fault) -> Case:
    """The case of one fault.

    Raises:
        CaseError: a file that is needed is damaged, or the day has no normal time.
    """
    abnormal = (fault.start, fault.start + FAULT)
    normal = _normal(day, fault)
    spans, logs = (day.rows(kind, [*normal, abnormal]) for kind in ("trace", "log"))
    seen = {name for table in (spans, logs) if table is not None
            for name in table["service"].unique()}
    try:
        return Case(normal=tuple(normal), abnormal=abnormal,
                    traces=None if spans is None else with_kinds(spans), logs=logs,
                    metrics=_metrics(day, normal, abnormal), topology=day.topology,
                    suspects=tuple(sorted(seen | day.services)))
    except CaseError as error:
        raise CaseError(f"{day.listed}, fault at {fault.start}: {error}") from error


def _normal(day: Day, fault: Fault) -> list[Window]:
    """Windows of normal operation: see the head of this file."""
    faulty = [(each.earliest, each.start + HEALED) for each in day.faults]
    minutes = [file.minute for files in day.files.values() for file in files if not file.free]
    edges = [edge for window in day.metered for edge in window]
    told = _reach(fault.start, LEAST_TOLD, minutes,
                  lambda window: minus(day.told(window), faulty))
    metered = _reach(fault.start, LEAST_METERED, edges, lambda window: minus(
        overlap(day.metered, [window]), faulty))
    return split([*told, *metered], told)


def _reach(start: pd.Timestamp, least: pd.Timedelta, known: list[pd.Timestamp],
           free: Callable[[Window], list[Window]]) -> list[Window]:
    """What is free in the hour before; further back, then ahead, until it is enough.

    What lies ahead nobody had at the time: it counts only where the day began too late.
    """
    back, ahead = HOUR, _NONE
    while True:
        found = free((start - back, start + ahead))
        earlier = any(each < start - back for each in known)
        later = any(each > start + ahead for each in known)
        if length(found) >= least or not (earlier or later):
            return found
        back, ahead = (2 * back, ahead) if earlier else (back, 2 * ahead or HOUR)


def _metrics(day: Day, normal: list[Window], abnormal: Window) -> pd.DataFrame | None:
    """Metric rows of either side; none of a minute in which a fault began."""
    if day.metrics.empty:
        return None
    rows = day.metrics[within(day.metrics["time"], [*normal, abnormal])]
    began = {stamp for fault in day.faults for stamp in (fault.earliest, fault.start)}
    mixed = within(rows["time"], [
        (stamp - nezha_files.MINUTE + _SECOND, stamp) for stamp in began])
    return rows[~mixed | within(rows["time"], [abnormal])]


def _near(file: MinuteFile, window: Window) -> bool:
    return window[0] - _SLACK <= file.minute <= window[1] + _SLACK


def _faults(listed: Path) -> list[Fault]:
    """The faults of a list, by time."""
    by_hour = nezha_files.read_json(listed)
    try:
        found = [_fault(entry) for hour in by_hour.values() for entry in hour]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise CaseError(f"{listed} must be an object of lists of faults with inject_time, "
                        f"inject_pod and inject_type. Got: {error!r}.") from error
    if not found:
        raise CaseError(f"{listed} has no faults.")
    return sorted(found, key=lambda fault: fault.start)


def _fault(entry: dict[str, Any]) -> Fault:
    start = pd.Timestamp(entry["inject_time"], tz="UTC")
    stamp = pd.Timestamp(int(entry.get("inject_timestamp", start.timestamp())), unit="s", tz="UTC")
    near = _NONE <= start - stamp <= pd.Timedelta("5min")
    service = nezha_files.service_of(pd.Series([entry["inject_pod"]], dtype="str")).iloc[0]
    return Fault(start, stamp if near else start, service, str(entry["inject_type"]))


def _truth(day: Day, fault: Fault) -> dict[str, Any]:
    start, end = fault.start, fault.start + FAULT
    minute = start.floor("min") + SCORED
    near = sorted((file for file in day.files["trace"] if _near(file, (start, end))),
                  key=lambda file: abs(file.minute - minute))  # the likeliest first
    scored = any(nezha_files.has_trace(file.path, pd.Timestamp.min, pd.Timestamp.max)
                 for file in near if file.minute == minute)
    silent = not any(nezha_files.has_trace(file.path, start, end) for file in near)
    return {"culprits": [fault.service], "kind": "service", "fault": fault.kind,
            "start": start.isoformat(), "end": end.isoformat(),
            "slices": ["minute=scored"] * scored + ["spans=none"] * silent}
