"""Whether a planted fault could be seen at the shop's entrance, by the load's own records.

A fault in a rare route hides in the whole, so each entry route is judged by itself: its p95
and its share of failed requests in the fault's window (its last 45 s, where it is longer),
against the range of at least 40 fault-free windows of the same length. Nothing left the range:
the fault is silent.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiops.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

MIN_WINDOWS = 40
JUDGED_S = 45  # what grows is judged when it has grown
# With six routes and two measures, one window in four would leave a bare range of 40 by
# chance; these margins above its upper end bring that down to a few in a hundred.
LATENCY_FACTOR, FAILED_MARGIN = 1.2, 0.02
Levels = dict[str, dict[str, float]]  # route -> p95_ms, failed_share, requests


def levels(records: "pd.DataFrame", start: "pd.Timestamp", end: "pd.Timestamp") -> Levels:
    """p95_ms, failed_share and requests of each route, of what was due in [start, end)."""
    within = records[(records["due"] >= start) & (records["due"] < end)]
    return {
        str(route): {"p95_ms": round(float(group["latency_ms"].quantile(0.95)), 2),
                     "failed_share": round(float(group["failed"].mean()), 4),
                     "requests": len(group)}
        for route, group in within.groupby("route")
    }


def cut(start: "pd.Timestamp", end: "pd.Timestamp",
        seconds: float) -> Iterator[tuple["pd.Timestamp", "pd.Timestamp"]]:
    """Whole windows of ``seconds`` from ``start`` on, none overlapping."""
    import pandas as pd

    length = pd.Timedelta(seconds=seconds)
    while start + length <= end:
        yield start, start + length
        start += length


def visible(observed: Levels, free: list[Levels]) -> dict[str, dict[str, Any]]:
    """Per route: did ``latency`` or ``errors`` leave the fault-free range, with the numbers."""
    answer = {}
    for route, level in observed.items():
        before = [window[route] for window in free if route in window]
        if not before:
            continue
        p95 = [window["p95_ms"] for window in before]
        failed = [window["failed_share"] for window in before]
        answer[route] = {
            "latency": level["p95_ms"] > max(p95) * LATENCY_FACTOR,
            "errors": level["failed_share"] > max(failed) + FAILED_MARGIN,
            **level, "p95_ms_free": [min(p95), max(p95)],
            "failed_share_free": [min(failed), max(failed)], "windows_free": len(before),
        }
    return answer


def fault_free(folder: Path, seconds: float, spoilt_too: bool = False) -> list[Levels]:
    """Levels of all fault-free windows of ``seconds`` in the unspoilt recordings, or in all."""
    import pandas as pd

    from aiops.testbed.load import read

    found = []
    for recording in sorted((folder / "recordings").iterdir()):
        if not (recording / "recording.json").exists():
            continue
        told = json.loads((recording / "recording.json").read_text())
        if told["contention"]["summary"]["spoilt"] and not spoilt_too:
            continue
        records = read(recording / "load.parquet")
        for start, end in told["normal"]:
            windows = cut(pd.Timestamp(start), pd.Timestamp(end), seconds)
            found += [levels(records, *window) for window in windows]
    return found


def complete(folder: Path, min_windows: int = MIN_WINDOWS,
             spoilt_too: bool = False) -> dict[str, Any]:
    """Fill ``visible`` and ``silent`` of every entry in ``truth.json``; gives the truth.

    Call it once all recordings are there: it needs their fault-free windows, all of them;
    with ``spoilt_too`` also those of spoilt recordings (a trial on a busy machine).
    """
    import pandas as pd

    from aiops.testbed.load import read

    truth: dict[str, Any] = json.loads((folder / "truth.json").read_text())
    free_of: dict[int, list[Levels]] = {}
    for recording, entry in truth.items():
        start, end = pd.Timestamp(entry["start"]), pd.Timestamp(entry["end"])
        start = max(start, end - pd.Timedelta(seconds=JUDGED_S))
        seconds = round((end - start).total_seconds())
        if seconds not in free_of:
            free_of[seconds] = fault_free(folder, seconds, spoilt_too)
        free = free_of[seconds]
        if len(free) < min_windows:
            raise InputError(
                f"What a fault changed is judged against fault-free windows of its length: got "
                f"{len(free)} of {seconds} s in {folder}, needed {min_windows}. "
                "Record more normal traffic, or pass a smaller min_windows.")
        records = read(folder / "recordings" / recording / "load.parquet")
        entry["visible"] = visible(levels(records, start, end), free)
        entry["silent"] = not any(route["latency"] or route["errors"]
                                  for route in entry["visible"].values())
    write(folder, truth)
    return truth


def add(folder: Path, recording: str, entry: dict[str, Any]) -> None:
    """Put one entry into ``truth.json``, replacing an earlier one of that recording."""
    path = folder / "truth.json"
    truth = json.loads(path.read_text()) if path.exists() else {}
    truth[recording] = entry
    write(folder, truth)


def write(folder: Path, truth: dict[str, Any]) -> None:
    """Write ``truth.json`` whole or not at all."""
    part = folder / "truth.json.part"
    part.write_text(json.dumps(dict(sorted(truth.items())), indent=1) + "\n")
    os.replace(part, folder / "truth.json")
