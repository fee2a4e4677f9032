"""How busy the rest of the machine was while something was recorded.

Written beside a recording, never into the telemetry that models see. Of these only
*foreign busy cores* tells a job on another core from the shop's own work: pressure misses
it, and steal time stays zero in most virtual machines.
"""

import os
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

_TICK = os.sysconf("SC_CLK_TCK")
FOREIGN_CORES_LIMIT = 0.3  # of a shop without priority
OWN_WAIT_LIMIT = 0.5  # of a shop with priority, which other work reaches only when it waits
SPOILT_SHARE = 0.1


@dataclass(frozen=True)
class Sample:
    """One window of the machine; cores are mean numbers of busy cores, shares 0 to 1."""

    time: float  # Unix seconds at the window's end
    seconds: float
    busy_cores: float
    own_cores: float
    foreign_cores: float
    steal_cores: float
    pressure_share: float | None  # some task of the machine waited for a CPU; null: not told
    own_wait_cores: float  # our processes were runnable but not running


def spoilt(samples: Iterable[dict[str, Any]], shielded: bool = False) -> bool:
    """Whether other work disturbed the shop in more than a tenth of the windows.

    Foreign work above 0.3 cores does; where the shop's session is ``shielded`` by priority,
    only that its processes waited for a CPU, more than 0.5 of them at any time.
    """
    key, limit = (("own_wait_cores", OWN_WAIT_LIMIT) if shielded
                  else ("foreign_cores", FOREIGN_CORES_LIMIT))
    values = [sample[key] for sample in samples]
    above = sum(value > limit for value in values)
    return not values or above > SPOILT_SHARE * len(values)


def summary(samples: list[dict[str, Any]]) -> dict[str, Any]:
    """Medians and worst values over a recording."""
    def worst(key: str) -> float | None:
        return max((sample[key] for sample in samples if sample[key] is not None), default=None)

    foreign = sorted(sample["foreign_cores"] for sample in samples)
    return {
        "foreign_cores_p50": foreign[len(foreign) // 2] if foreign else None,
        "foreign_cores_max": worst("foreign_cores"),
        "pressure_share_max": worst("pressure_share"),
        "own_wait_cores_max": worst("own_wait_cores"),
    }


class Watch:
    """Samples every ``every_s`` seconds in a thread of its own, between enter and exit.

    ``pids`` is asked anew for each sample, since services restart.
    """

    def __init__(self, pids: Callable[[], Iterable[int]], every_s: float = 5.0) -> None:
        self.samples: list[dict[str, Any]] = []
        self._pids, self._every_s = pids, every_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="contention", daemon=True)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        before = _Reading.take(self._pids())
        while not self._stop.wait(self._every_s):
            after = _Reading.take(self._pids())
            self.samples.append(asdict(after.since(before)))
            before = after


@dataclass(frozen=True)
class _Reading:
    """Counters since boot, in seconds; of our processes one entry a process."""

    at: float
    busy: float
    steal: float
    pressure: float | None
    cpu: dict[int, float]
    wait: dict[int, float]

    @classmethod
    def take(cls, pids: Iterable[int]) -> "_Reading":
        cpu, wait = {}, {}
        for pid in _with_children({*pids, os.getpid()}):
            try:
                cpu[pid], wait[pid] = _process_cpu(pid), _process_wait(pid)
            except OSError:  # it ended meanwhile: its last moments count as foreign
                cpu.pop(pid, None)
        busy, steal = _machine_cpu()
        return cls(time.time(), busy, steal, _pressure(), cpu, wait)

    def since(self, before: "_Reading") -> Sample:
        seconds = self.at - before.at
        busy = (self.busy - before.busy) / seconds
        own = _growth(self.cpu, before.cpu) / seconds
        pressure = None
        if self.pressure is not None and before.pressure is not None:
            pressure = round((self.pressure - before.pressure) / seconds, 3)
        return Sample(
            time=round(self.at, 3), seconds=round(seconds, 3), busy_cores=round(busy, 3),
            own_cores=round(own, 3), foreign_cores=round(max(0.0, busy - own), 3),
            steal_cores=round((self.steal - before.steal) / seconds, 3), pressure_share=pressure,
            own_wait_cores=round(_growth(self.wait, before.wait) / seconds, 3))


def _growth(after: dict[int, float], before: dict[int, float]) -> float:
    return sum(value - before.get(pid, 0.0) for pid, value in after.items())


def _with_children(pids: set[int]) -> set[int]:
    """The processes and all that descend from them (a database forks one a connection)."""
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                stat = Path(f"/proc/{entry}/stat").read_text()
            except OSError:
                continue
            parents[int(entry)] = int(stat.rpartition(")")[2].split()[1])
    found = set(pids)
    for pid in parents:
        line = [pid]
        while line[-1] in parents and line[-1] not in found:
            line.append(parents[line[-1]])
        if line[-1] in found:
            found.update(line)
    return found


def _process_cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def _process_wait(pid: int) -> float:
    """Run-queue wait of all threads, nanoseconds in the second field of schedstat."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            total += int(Path(f"/proc/{pid}/task/{task}/schedstat").read_text().split()[1])
        except FileNotFoundError:
            continue
    return total / 1e9


def _machine_cpu() -> tuple[float, float]:
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    user, nice, system, _idle, _iowait, irq, softirq, steal = (int(x) / _TICK for x in fields[:8])
    return user + nice + system + irq + softirq, steal


def _pressure() -> float | None:
    """Seconds in which some task waited for a CPU; None where the kernel keeps no count."""
    path = Path("/proc/pressure/cpu")
    if not path.exists():
        return None
    return int(path.read_text().split("\n", 1)[0].rpartition("=")[2]) / 1e6
