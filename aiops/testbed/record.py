"""Record a data set from the shop: resumable, an entry of the plan at a time.

A finished recording is a folder that appears whole, and is skipped from then on; a spoilt
one (the machine was busy with something else) is thrown away and made again.
"""

import json
import os
import shutil
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiops import locks
from aiops.errors import TestbedError
from aiops.testbed import alert, contention, faults, load, plan, truth
from aiops.testbed.names import SUSPECTS
from aiops.testbed.plan import Entry
from aiops.testbed.priority import raised_session

if TYPE_CHECKING:
    import pandas as pd

    from aiops.testbed.shop import Shop

WINDOW_S = 5
FLUSH_S = 6.0  # exporters send at the latest every 5 s
QUIET_S, QUIET_TRIES, TRIES = 10.0, 180, 3
ORDERS = 1_000_000  # so many that a missing index is felt
LOCK = Path(os.environ.get("AIOPS_RECORDER_LOCK", "/tmp/aiops-recorder.lock"))  # one a machine
Say = Callable[[str], None]


class Recorder:
    """Follows a plan into ``folder``.

    With ``only_quiet`` it waits for a quiet machine before each entry, and makes a spoilt
    recording again, up to three times; without, it says in the recording that it is spoilt.
    """

    def __init__(self, folder: Path, entries: list[Entry], only_quiet: bool = True,
                 requests_per_s: float = 10.0, say: Say = print) -> None:
        self.folder, self.entries, self.say = folder, entries, say
        self.only_quiet, self.requests_per_s = only_quiet, requests_per_s
        (folder / "recordings").mkdir(parents=True, exist_ok=True)

    def left(self) -> list[Entry]:
        """Entries that have no finished recording yet."""
        return [entry for entry in self.entries if not self._path(entry).exists()]

    def run(self, shop: "Shop", sink: "Tap") -> None:
        """Record all that is left; ``sink`` is where the shop's telemetry arrives."""
        for entry in self.left():
            done = len(self.entries) - len(self.left())
            self.say(f"{done + 1}/{len(self.entries)} {entry.id}: {entry.seconds} s, "
                     f"{sum(e.seconds for e in self.left()) / 60:.0f} min left")
            self._record_unspoilt(entry, shop, sink)

    def _record_unspoilt(self, entry: Entry, shop: "Shop", sink: "Tap") -> None:
        for _ in range(TRIES):
            if self.only_quiet and not shop.raised:
                wait_until_quiet(self.say)
            part = self._path(entry).with_suffix(".part")
            shutil.rmtree(part, ignore_errors=True)
            told, planted = _record(entry, shop, sink, part, self.requests_per_s)
            if self.only_quiet and told["contention"]["summary"]["spoilt"]:
                self.say(f"{entry.id} is spoilt by other work on this machine; once more")
                continue
            if entry.role != "normal":
                truth.add(self.folder, entry.id, planted)
            part.rename(self._path(entry))
            return
        raise TestbedError(f"{entry.id} was spoilt {TRIES} times by other work on this machine. "
                           "Stop that work and run the same command again: it goes on from here.")

    def _path(self, entry: Entry) -> Path:
        return self.folder / "recordings" / entry.id


class Tap:
    """The receiver's sink: passes requests on to a writer while one is set, else drops them."""

    def __init__(self) -> None:
        self.sink: Callable[[str, bytes], Any] | None = None

    def __call__(self, signal: str, data: bytes) -> None:
        sink = self.sink
        if sink is not None:
            sink(signal, data)


def _record(entry: Entry, shop: "Shop", sink: Tap, folder: Path,
            requests_per_s: float) -> tuple[dict[str, Any], dict[str, Any]]:
    """Make one recording in ``folder``; gives what recording.json and the truth say."""
    from aiops.otlp.files import Writer

    start = _next_window(time.time() + load.HEADROOM_S) + plan.LEAD_S
    settings = load.Settings(shop.ports["gateway"], entry.seed, entry.seconds,
                             start - plan.LEAD_S, requests_per_s, entry.offset_s)
    writer = Writer(folder)
    sink.sink = writer
    generator = load.Load(settings, folder / "load.json").start()
    try:
        pids = lambda: [*shop.pids().values(), generator.pid]  # noqa: E731
        _until(start)
        with contention.Watch(pids) as watch:
            _follow(entry, shop, start)
        records = generator.wait()
        time.sleep(FLUSH_S)
    finally:
        generator.stop()
        sink.sink = None
        writer.close(compress=True)
    (folder / "load.json").unlink()
    records.to_parquet(folder / "load.parquet", compression="zstd", index=False)
    told = describe(entry, start, records, watch.samples, shop.raised)
    (folder / "recording.json").write_text(json.dumps(told, indent=1) + "\n")
    return told, _planted(entry, start)


def _follow(entry: Entry, shop: "Shop", start: float) -> None:
    """Sit out the entry's times, with its faults planted in the middle part."""
    begin, end = start + entry.before_s, start + entry.before_s + entry.with_s
    _until(begin)
    with faults.all_planted(shop, entry.planted, entry.strength):
        _until(end)
    _until(end + entry.after_s)


def describe(entry: Entry, start: float, records: "pd.DataFrame",
             samples: list[dict[str, Any]], shielded: bool = False) -> dict[str, Any]:
    """What recording.json says: nothing in it tells what was planted."""
    begin, end = start + entry.before_s, start + entry.before_s + entry.with_s
    told: dict[str, Any] = {
        "id": entry.id, "window_s": WINDOW_S, "entry_service": "gateway",
        "normal": [[_stamp(start), _stamp(begin)]],
        "recorded": [_stamp(start), _stamp(end + entry.after_s)], "suspects": list(SUSPECTS),
    }
    if entry.with_s:
        told.update(_noticed(records, start, begin, end))
    told["load"] = load.summary(records)
    spoilt = contention.spoilt(_outside(samples, begin, end), shielded)
    told["contention"] = {
        "summary": {**contention.summary(samples), "shielded": shielded, "spoilt": spoilt},
        "windows": samples}
    return told


def _outside(samples: list[dict[str, Any]], begin: float, end: float) -> list[dict[str, Any]]:
    """Windows that no fault touches: a fault of the host is no spoilt recording."""
    return [sample for sample in samples
            if sample["time"] <= begin + 0.5 or sample["time"] - sample["seconds"] >= end]


def _noticed(records: "pd.DataFrame", start: float, begin: float, end: float) -> dict[str, Any]:
    """When an alert fired, and at what; the middle part's begin where none did."""
    import pandas as pd

    times = [pd.Timestamp(at, unit="s", tz="UTC") for at in (start, begin, end)]
    fired = alert.first_alert(records, (times[0], times[1]), (times[1], times[2]))
    at = fired.time.timestamp() if fired else begin
    told: dict[str, Any] = {"abnormal": [_stamp(at), _stamp(end)], "detected_at": _stamp(at)}
    if fired:
        told["symptom"] = {"service": "gateway", "metric": fired.metric, "direction": "up"}
    return told


def _planted(entry: Entry, start: float) -> dict[str, Any]:
    """The truth of an entry; one without culprits for disturbances and controls."""
    told = faults.truth_of_all(entry.planted, entry.strength)
    if entry.part:
        told["slices"] = [f"part={entry.part}"]
    begin = start + entry.before_s
    return {**told, "role": entry.role, "start": _stamp(begin),
            "end": _stamp(begin + entry.with_s)}


def wait_until_quiet(say: Say) -> None:
    """Come back once nothing else kept the machine busy for ten seconds."""
    for number in range(QUIET_TRIES):
        with contention.Watch(lambda: [], every_s=QUIET_S / 2) as watch:
            time.sleep(QUIET_S + 0.5)
        if not contention.spoilt(watch.samples):
            return
        if number % 6 == 0:
            busy = watch.samples[-1]["foreign_cores"]
            say(f"waiting for a quiet machine: {busy:.1f} cores are busy with other work")
    raise TestbedError(f"The machine was not quiet within {QUIET_TRIES * QUIET_S / 60:.0f} min. "
                       "Stop other work, or record without only_quiet.")


def lock(path: Path = LOCK) -> AbstractContextManager[None]:
    """Held while recording; ``scripts/quiet.sh`` has heavy work wait for it."""
    return locks.held(path, lambda _: f"Another recorder holds {path}. Wait until it is done.")


def record(folder: Path, seed: int = 1, entries: list[Entry] | None = None,
           only_quiet: bool = True, requests_per_s: float = 10.0, say: Say = print,
           min_windows: int = truth.MIN_WINDOWS,
           cores: Collection[int] | None = None) -> dict[str, Any]:
    """Start a shop, record what is left of the plan, judge what was visible; gives the truth.

    The plan is drawn from ``seed`` (or given as ``entries``) and kept in ``plan.json``; the
    same call again goes on where an earlier one was cut off.
    """
    from aiops.otlp import Receiver
    from aiops.testbed.shop import Shop

    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "plan.json").exists():
        plan.save(entries if entries is not None else plan.draw(seed), folder / "plan.json")
    recorder = Recorder(folder, plan.load(folder / "plan.json"), only_quiet, requests_per_s, say)
    if recorder.left():
        tap = Tap()
        with lock(), raised_session(), Receiver(tap) as receiver, _scratch(folder) as run, \
                Shop(run, f"127.0.0.1:{receiver.grpc_port}", seed=seed, cores=cores,
                     orders=ORDERS) as shop:
            _warm_up(shop, run, requests_per_s)
            recorder.run(shop, tap)
    return truth.complete(folder, min_windows, spoilt_too=not only_quiet)


def _warm_up(shop: "Shop", folder: Path, requests_per_s: float) -> None:
    """Fill the cache and the pools before anything counts."""
    settings = load.Settings(shop.ports["gateway"], 0, 15, time.time() + load.HEADROOM_S,
                             requests_per_s)
    load.Load(settings, folder / "warm-up.json").start().wait()


@contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    import tempfile

    with tempfile.TemporaryDirectory(prefix="aiops-shop-") as path:
        yield Path(path)


def _next_window(at: float) -> float:
    return (at // WINDOW_S + 1) * WINDOW_S


def _until(at: float) -> None:
    time.sleep(max(0.0, at - time.time()))


def _stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")
