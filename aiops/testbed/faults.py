"""The faults that can be planted, each with its culprit: what the ground truth is made of.

A kind is planted at a target (a service, ``a->b`` for an edge, or the part that fails) within
a ``with`` block and undone at its end, whatever happens inside:

    with FAULTS["latency"].planted(shop, "inventory"):
        ...

``fair`` strengths are chosen so that no single metric gives the culprit away every time.
Disturbances look like trouble and are none: nobody is to blame.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiops.errors import UsageError
from aiops.testbed.names import DATABASE_USERS, SERVICES

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from aiops.testbed.shop import Shop

POOLED = tuple(name for name in SERVICES if name in DATABASE_USERS)
CANARY = "canary"
Strength = dict[str, Any]
Plant = Callable[["Shop", str, Strength], "AbstractContextManager[None]"]


@dataclass(frozen=True)
class Fault:
    """One kind of fault; ``strengths`` are the numbers it is planted with, by name.

    ``kind`` is what the culprit is (service, database, cache, host, edge, none), ``culprit``
    who it is where that is not the target itself.
    """

    name: str
    layer: str
    targets: tuple[str, ...]
    strengths: dict[str, Strength]
    plant: Plant = field(repr=False)
    kind: str = "service"
    metric: str = ""  # where it shows first at the culprit

    def culprits(self, target: str) -> list[str]:
        return [] if self.kind == "none" else [self._checked(target)]

    def planted(self, shop: "Shop", target: str,
                strength: str = "fair") -> "AbstractContextManager[None]":
        """Context in which the fault is there, at ``target``."""
        if strength not in self.strengths:
            raise UsageError(f"The strength of {self.name} must be one of "
                             f"{sorted(self.strengths)}, got {strength!r} instead.")
        return self.plant(shop, self._checked(target), self.strengths[strength])

    def truth(self, target: str, strength: str = "fair") -> dict[str, Any]:
        """The Case form's truth, without times."""
        told = {"culprits": self.culprits(target), "kind": self.kind, "fault": self.name,
                "layer": self.layer, "strength": strength}
        return {**told, "metric": self.metric} if self.metric else told

    def _checked(self, target: str) -> str:
        if target not in self.targets:
            raise UsageError(f"{self.name} can be planted at {', '.join(self.targets)}; "
                             f"got {target!r}.")
        return target


# --- how each is planted ----------------------------------------------------------------

def _hook(name: str) -> Plant:
    """A hook inside the service itself, told through its control socket."""
    @contextmanager
    def plant(shop: "Shop", target: str, strength: Strength) -> Iterator[None]:
        shop.control(target, "set", name, **strength)
        try:
            yield
        finally:
            shop.control(target, "clear", name)
    return plant


@contextmanager
def _repeating(action: Callable[[threading.Event], None]) -> Iterator[None]:
    """Call ``action`` again and again in a thread; it waits by the event it is given."""
    stop, failed = threading.Event(), list[Exception]()

    def run() -> None:
        try:
            while not stop.is_set():
                action(stop)
        except Exception as error:  # noqa: BLE001  handed to the caller below, on its own thread
            failed.append(error)

    thread = threading.Thread(target=run, name="fault", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    if failed:
        raise failed[0]


@contextmanager
def _stalling(shop: "Shop", target: str, strength: Strength) -> Iterator[None]:
    """Stop the process for ``stall_s`` of every ``every_s`` seconds."""
    def stall(stop: threading.Event) -> None:
        shop.suspend(target)
        try:
            stop.wait(strength["stall_s"])
        finally:
            shop.resume(target)
        stop.wait(strength["every_s"] - strength["stall_s"])

    with _repeating(stall):
        yield


@contextmanager
def _locking(shop: "Shop", target: str, strength: Strength) -> Iterator[None]:
    """Another session locks the stock table for ``hold_s`` of every ``every_s`` seconds."""
    def lock(stop: threading.Event) -> None:
        shop.sql("BEGIN; LOCK TABLE stock IN ACCESS EXCLUSIVE MODE; "
                 f"SELECT pg_sleep({float(strength['hold_s'])}); COMMIT")
        stop.wait(strength["every_s"] - strength["hold_s"])

    with _repeating(lock):
        yield


@contextmanager
def _without_index(shop: "Shop", target: str, strength: Strength) -> Iterator[None]:
    shop.sql("DROP INDEX IF EXISTS orders_user")
    try:
        yield
    finally:
        shop.sql("CREATE INDEX IF NOT EXISTS orders_user ON orders (user_id)")


@contextmanager
def _ending_sessions(shop: "Shop", target: str, strength: Strength) -> Iterator[None]:
    """End the database sessions of one service every ``every_s`` seconds."""
    def end(stop: threading.Event) -> None:
        shop.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                 f"WHERE application_name = '{strength['service']}'")
        stop.wait(strength["every_s"])

    with _repeating(end):
        yield


@contextmanager
def _flushing(shop: "Shop", target: str, strength: Strength) -> Iterator[None]:
    def flush(stop: threading.Event) -> None:
        shop.cache().flushall()
        stop.wait(strength["every_s"])

    with _repeating(flush):
        yield


@contextmanager
def _crashing(shop: "Shop", target: str, strength: Strength) -> Iterator[None]:
    """Kill the service again and again; it is down for ``down_s``, then up for ``up_s``."""
    def crash(stop: threading.Event) -> None:
        shop.kill(target)
        stop.wait(strength["down_s"])
        shop.restart(target)
        stop.wait(strength["up_s"])

    with _repeating(crash):
        yield


@contextmanager
def _released(shop: "Shop", target: str, strength: Strength) -> Iterator[None]:
    """A new version with its hooks on; the block's end rolls it back."""
    shop.restart(target, version=strength["version"])
    for hook, params in strength["hooks"].items():
        shop.control(target, "set", hook, **params)
    try:
        yield
    finally:
        shop.restart(target)


@contextmanager
def _retrying(shop: "Shop", target: str, strength: Strength) -> Iterator[None]:
    """A service slow for a share of calls, and callers that give up and ask again at once."""
    shop.control(target, "set", "latency", ms=strength["ms"], share=strength["share"])
    shop.control("gateway", "set", "client", timeout_s=strength["timeout_s"],
                 retries=strength["retries"])
    try:
        yield
    finally:
        shop.control("gateway", "clear", "client")
        shop.control(target, "clear", "latency")


@contextmanager
def _refusing(shop: "Shop", target: str, strength: Strength) -> Iterator[None]:
    """For a share of its calls the caller knocks at a port where nobody listens."""
    caller, callee = target.split("->")
    shop.control(caller, "set", "refused", callee=callee, share=strength["share"])
    try:
        yield
    finally:
        shop.control(caller, "clear", "refused")


@contextmanager
def _delaying(shop: "Shop", target: str, strength: Strength) -> Iterator[None]:
    """Each way between two services takes ``delay_s`` longer."""
    caller, callee = target.split("->")
    shop.delay_edge(caller, callee, strength["delay_s"])
    try:
        yield
    finally:
        shop.clear_edge(caller, callee)


@contextmanager
def _crowding(shop: "Shop", target: str, strength: Strength) -> Iterator[None]:
    """Loops that are no part of the shop compete for its cores."""
    shop.crowd(**strength)
    try:
        yield
    finally:
        shop.crowd(0)


@contextmanager
def _surging(shop: "Shop", target: str, strength: Strength) -> Iterator[None]:
    """More users come, and are served."""
    import tempfile
    import time
    from pathlib import Path

    from aiops.testbed.load import Load, Settings

    with tempfile.TemporaryDirectory() as folder:
        more = Settings(shop.ports["gateway"], seed=1, seconds=3600, start_at=time.time() + 1,
                        requests_per_s=strength["requests_per_s"])
        load = Load(more, Path(folder) / "surge.json").start()
        try:
            yield
        finally:
            load.stop()


@contextmanager
def _hiccuping(shop: "Shop", target: str, strength: Strength) -> Iterator[None]:
    """A caller is refused now and then, asks again and succeeds."""
    caller, callee = target.split("->")
    shop.control(caller, "set", "client", retries=2)
    shop.control(caller, "set", "refused", callee=callee, share=strength["share"])
    try:
        yield
    finally:
        shop.control(caller, "clear", "refused")
        shop.control(caller, "clear", "client")


# --- the registry -----------------------------------------------------------------------

def _fair(**numbers: Any) -> dict[str, Strength]:
    return {"fair": numbers}


_FAULTS = (
    Fault("latency", "code", tuple(s for s in SERVICES if s != "gateway"), _fair(ms=15),
          _hook("latency"), metric="latency"),
    Fault("cpu-burn", "resource", ("cart", "catalog", "payment"), _fair(ms=15),
          _hook("cpu"), metric="cpu"),
    Fault("cpu-hog", "resource", ("cart", "catalog", "notifier", "recommendation"),
          _fair(duty=0.4), _hook("hog"), metric="cpu"),
    Fault("memory-leak", "resource", ("cart", "catalog", "recommendation"), _fair(kb=256),
          _hook("leak"), metric="memory"),
    Fault("allocation-pauses", "resource", ("gateway", "cart", "checkout"),
          _fair(share=0.05, count=300_000), _hook("allocation"), metric="latency"),
    Fault("errors", "code", ("cart", "inventory", "payment", "recommendation", "notifier"),
          _fair(share=0.08), _hook("errors"), metric="errors"),
    Fault("wrong-value", "data", ("catalog",), _fair(factor=0.1), _hook("wrong"),
          metric="revenue"),
    Fault("pool-held", "database", POOLED, _fair(duty=0.2), _hook("pool"), metric="pool"),
    Fault("retry-storm", "code", ("catalog", "recommendation"),
          _fair(ms=900, share=0.1, timeout_s=0.4, retries=3), _retrying, metric="latency"),
    Fault("crash", "release", ("checkout", "notifier", "recommendation", "inventory"),
          _fair(down_s=6, up_s=12), _crashing, metric="errors"),
    Fault("stall", "resource", ("notifier", "payment", "inventory"),
          _fair(stall_s=0.3, every_s=1.5), _stalling, metric="latency"),
    Fault("bad-release", "release", ("recommendation", "catalog", "payment"),
          _fair(version="1.5.0", hooks={"latency": {"ms": 20}, "errors": {"share": 0.04}}),
          _released, metric="latency"),
    Fault(CANARY, "release", ("catalog", "cart", "recommendation"),
          _fair(version="1.5.0", share=0.3, ms=40, error_share=0.1), _hook("canary"),
          metric="latency"),
    Fault("table-lock", "database", ("postgresql",), _fair(hold_s=0.2, every_s=2.0), _locking,
          kind="database", metric="latency"),
    Fault("missing-index", "database", ("postgresql",), _fair(), _without_index,
          kind="database", metric="latency"),
    Fault("sessions-ended", "database", ("postgresql",), _fair(service="inventory", every_s=3.0),
          _ending_sessions, kind="database", metric="errors"),
    Fault("cache-stall", "cache", ("valkey",), _fair(stall_s=0.25, every_s=1.25), _stalling,
          kind="cache", metric="latency"),
    Fault("cache-flush", "cache", ("valkey",), _fair(every_s=0.5), _flushing, kind="cache",
          metric="hit_rate"),
    Fault("port-refused", "network", ("gateway->recommendation", "checkout->notifier"),
          _fair(share=0.2), _refusing, kind="edge", metric="errors"),
    Fault("slow-network", "network", ("checkout->payment", "gateway->catalog"),
          _fair(delay_s=0.01), _delaying, kind="edge", metric="latency"),
    Fault("noisy-neighbour", "host", ("host",), _fair(loops=2, duty=0.4), _crowding, kind="host",
          metric="cpu"),
)
_DISTURBANCES = (
    Fault("load-surge", "load", ("host",), _fair(requests_per_s=10.0), _surging, kind="none"),
    Fault("error-logs", "code", ("notifier", "cart"), _fair(count=5), _hook("log_burst"),
          kind="none"),
    Fault("retried-hiccup", "network", ("gateway->catalog", "checkout->cart"), _fair(share=0.1),
          _hiccuping, kind="none"),
    Fault("harmless-canary", "release", ("catalog", "cart", "recommendation"),
          _fair(version="1.5.0", share=0.3), _hook("canary"), kind="none"),
)
FAULTS: dict[str, Fault] = {fault.name: fault for fault in _FAULTS}
DISTURBANCES: dict[str, Fault] = {fault.name: fault for fault in _DISTURBANCES}


def find(name: str) -> Fault:
    """The fault or disturbance of that name."""
    known = {**FAULTS, **DISTURBANCES}
    if name not in known:
        raise UsageError(f"No fault is called {name!r}. Known: {', '.join(known)}.")
    return known[name]
