"""How each kind of fault is planted in a shop, and undone when its ``with`` block ends.

A plant takes the shop, the target and the numbers of a strength; ``faults`` says which kind is
planted how, where and how strongly.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from aiops.testbed.names import EDGES

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from aiops.testbed.shop import Shop

Strength = dict[str, Any]
Plant = Callable[["Shop", str, Strength], "AbstractContextManager[None]"]
# FOR UPDATE leaves no dead rows behind, which would slow down what is recorded later
_BATCH = """BEGIN;
SELECT count(*) FROM (SELECT 1 FROM stock WHERE sku % 2 = 0 FOR UPDATE) AS held;
SELECT count(*) FROM (SELECT user_id, sku, sum(total) FROM orders GROUP BY 1, 2) AS sums;
COMMIT"""


def hook(name: str) -> Plant:
    """A hook inside the service itself, told through its control socket.

    A strength with ``grows`` raises that number from nothing to all of it, in ``steps`` equal
    steps over ``over_s`` seconds.
    """
    @contextmanager
    def plant(shop: "Shop", target: str, strength: Strength) -> Iterator[None]:
        try:
            if "grows" in strength:
                with _repeating(lambda stop: _grow(shop, target, name, strength, stop)):
                    yield
            else:
                shop.control(target, "set", name, **strength)
                yield
        finally:
            shop.control(target, "clear", name)
    return plant


def _grow(shop: "Shop", target: str, name: str, strength: Strength,
          stop: threading.Event) -> None:
    """Set the hook a step stronger each time; at the last it stays until ``stop``."""
    numbers = {key: value for key, value in strength.items()
               if key not in ("grows", "over_s", "steps")}
    full, steps = numbers[strength["grows"]], strength["steps"]
    for step in range(1, steps + 1):
        shop.control(target, "set", name, **{**numbers, strength["grows"]: full * step / steps})
        if stop.wait(strength["over_s"] / steps):
            return
    stop.wait()


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
def stalling(shop: "Shop", target: str, strength: Strength) -> Iterator[None]:
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
def locking(shop: "Shop", target: str, strength: Strength) -> Iterator[None]:
    """Another session locks the stock table for ``hold_s`` of every ``every_s`` seconds."""
    def lock(stop: threading.Event) -> None:
        shop.sql("BEGIN; LOCK TABLE stock IN ACCESS EXCLUSIVE MODE; "
                 f"SELECT pg_sleep({float(strength['hold_s'])}); COMMIT")
        stop.wait(strength["every_s"] - strength["hold_s"])

    with _repeating(lock):
        yield


@contextmanager
def without_index(shop: "Shop", target: str, strength: Strength) -> Iterator[None]:
    shop.sql("DROP INDEX IF EXISTS orders_user")
    try:
        yield
    finally:
        shop.sql("CREATE INDEX IF NOT EXISTS orders_user ON orders (user_id)")


@contextmanager
def ending_sessions(shop: "Shop", target: str, strength: Strength) -> Iterator[None]:
    """End the database sessions of one service every ``every_s`` seconds."""
    def end(stop: threading.Event) -> None:
        shop.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                 f"WHERE application_name = '{strength['service']}'")
        stop.wait(strength["every_s"])

    with _repeating(end):
        yield


@contextmanager
def flushing(shop: "Shop", target: str, strength: Strength) -> Iterator[None]:
    def flush(stop: threading.Event) -> None:
        shop.cache().flushall()
        stop.wait(strength["every_s"])

    with _repeating(flush):
        yield


@contextmanager
def crashing(shop: "Shop", target: str, strength: Strength) -> Iterator[None]:
    """Kill the service again and again; it is down for ``down_s``, then up for ``up_s``."""
    def crash(stop: threading.Event) -> None:
        shop.kill(target)
        stop.wait(strength["down_s"])
        shop.restart(target)
        stop.wait(strength["up_s"])

    with _repeating(crash):
        yield


@contextmanager
def released(shop: "Shop", target: str, strength: Strength) -> Iterator[None]:
    """A new version with its hooks on; the block's end rolls it back."""
    shop.restart(target, version=strength["version"])
    for hook, params in strength["hooks"].items():
        shop.control(target, "set", hook, **params)
    try:
        yield
    finally:
        shop.restart(target)


@contextmanager
def retrying(shop: "Shop", target: str, strength: Strength) -> Iterator[None]:
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
def queueing(shop: "Shop", target: str, strength: Strength) -> Iterator[None]:
    """A callee that gets slow and works off ``slots`` requests at a time, each for the ``ms`` of
    its name; callers give up and ask again, and what they gave up on is worked off all the same."""
    callers = [caller for caller, callee in map(_ends, edges_of(target)) if callee == target]
    with ExitStack() as undone:
        for caller in callers:
            shop.control(caller, "set", "client", timeout_s=strength["timeout_s"],
                         retries=strength["retries"])
            undone.callback(shop.control, caller, "clear", "client")
        shop.control(target, "set", "queue", ms=strength["ms"][target], slots=strength["slots"])
        undone.callback(shop.control, target, "clear", "queue")
        yield


@contextmanager
def batching(shop: "Shop", target: str, strength: Strength) -> Iterator[None]:
    """A program that is no part of the shop runs batches on the same database: it locks half of
    the stock's rows, computes over all orders, and pauses for ``pause_s``."""
    def batch(stop: threading.Event) -> None:
        shop.sql(_BATCH)
        stop.wait(strength["pause_s"])

    with _repeating(batch):
        yield


@contextmanager
def refusing(shop: "Shop", target: str, strength: Strength) -> Iterator[None]:
    """For a share of its calls the caller knocks at a port where nobody listens."""
    caller, callee = target.split("->")
    shop.control(caller, "set", "refused", callee=callee, share=strength["share"])
    try:
        yield
    finally:
        shop.control(caller, "clear", "refused")


@contextmanager
def delaying(shop: "Shop", target: str, strength: Strength) -> Iterator[None]:
    """Each way between two services takes ``delay_s`` longer."""
    caller, callee = _ends(target)
    shop.delay_edge(caller, callee, strength["delay_s"])
    try:
        yield
    finally:
        shop.clear_edge(caller, callee)


@contextmanager
def delaying_all(shop: "Shop", target: str, strength: Strength) -> Iterator[None]:
    """The network at one service is slow: all edges to and from it."""
    with ExitStack() as undone:
        for edge in edges_of(target):
            undone.enter_context(delaying(shop, edge, strength))
        yield


def edges_of(service: str) -> list[str]:
    """The edges that begin or end at a service."""
    return [edge for edge in EDGES if service in _ends(edge)]


def _ends(edge: str) -> tuple[str, str]:
    caller, callee = edge.split("->")
    return caller, callee


@contextmanager
def crowding(shop: "Shop", target: str, strength: Strength) -> Iterator[None]:
    """Loops that are no part of the shop compete for its cores."""
    shop.crowd(**strength)
    try:
        yield
    finally:
        shop.crowd(0)


@contextmanager
def surging(shop: "Shop", target: str, strength: Strength) -> Iterator[None]:
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
def hiccuping(shop: "Shop", target: str, strength: Strength) -> Iterator[None]:
    """A caller is refused now and then, asks again and succeeds."""
    caller, callee = target.split("->")
    shop.control(caller, "set", "client", retries=2)
    shop.control(caller, "set", "refused", callee=callee, share=strength["share"])
    try:
        yield
    finally:
        shop.control(caller, "clear", "refused")
        shop.control(caller, "clear", "client")
