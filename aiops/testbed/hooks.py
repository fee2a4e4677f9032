"""What a fault can switch on inside a service, each hook by name with its parameters.

``share`` is the share of calls struck, ``route`` limits a hook to one route ("GET /cart/{user}").
"""

import asyncio
import gc
import logging
import os
import random
import threading
import time
import zlib
from typing import TYPE_CHECKING, Any

from aiops.errors import InputError

if TYPE_CHECKING:
    from psycopg_pool import AsyncConnectionPool

HOOKS: dict[str, dict[str, Any]] = {  # name -> parameters with their defaults; None: required
    "latency": {"ms": None, "share": 1.0, "route": ""},
    "cpu": {"ms": None, "share": 1.0, "route": ""},
    "errors": {"share": None, "route": ""},
    "hog": {"duty": 1.0, "threads": 1},
    "leak": {"kb": None},
    "queue": {"ms": None, "slots": 1},
    "allocation": {"share": None, "count": None},
    "wrong": {"factor": None},
    "pool": {"duty": 1.0, "period_s": 2.0},
    "log_burst": {"count": None},
    "refused": {"callee": None, "share": 1.0},
    "client": {"timeout_s": 0.0, "retries": 0},
    "canary": {"version": None, "share": 0.3, "ms": 0.0, "error_share": 0.0},
    "redirect": {"ports": None},
}
log = logging.getLogger("shop.hooks")


def checked(hook: str, params: dict[str, Any]) -> dict[str, Any]:
    """The hook's parameters with defaults filled in."""
    if hook not in HOOKS:
        raise InputError(f"The hook must be one of {sorted(HOOKS)}, got {hook!r} instead.")
    allowed = HOOKS[hook]
    filled = {**allowed, **params}
    missing = [name for name, value in filled.items() if value is None]
    if missing or set(params) - set(allowed):
        raise InputError(f"The hook {hook!r} takes {sorted(allowed)}, of which "
                         f"{sorted(k for k, v in allowed.items() if v is None)} are required; "
                         f"got {sorted(params)} instead.")
    return filled


class Hooks:
    """The hooks of one service that are on at the moment."""

    def __init__(self, version: str) -> None:
        self.on: dict[str, dict[str, Any]] = {}
        self.pool: AsyncConnectionPool | None = None
        self._version = version
        self._leaked: list[bytearray] = []
        self._hog = threading.Event()
        self._holding: asyncio.Task[None] | None = None
        self._slots = asyncio.Semaphore()

    async def set(self, hook: str, params: dict[str, Any]) -> None:
        filled = checked(hook, params)
        await self.clear(hook)
        if hook == "hog":
            self._hog = threading.Event()
            for _ in range(filled["threads"]):
                threading.Thread(target=_hog, args=(self._hog, filled["duty"]),
                                 daemon=True).start()
        if hook == "pool":
            if self.pool is None:
                raise InputError("The hook 'pool' needs a service with a database pool.")
            self._holding = asyncio.create_task(_hold(self.pool, **filled))
        if hook == "queue":
            self._slots = asyncio.Semaphore(filled["slots"])
        self.on[hook] = filled

    async def clear(self, hook: str) -> None:
        if hook not in HOOKS:
            raise InputError(f"The hook must be one of {sorted(HOOKS)}, got {hook!r} instead.")
        self.on.pop(hook, None)
        if hook == "hog":
            self._hog.set()
        if hook == "leak":
            self._leaked.clear()
            gc.collect()
        if hook == "pool" and self._holding is not None:
            self._holding.cancel()
            await asyncio.wait([self._holding])
            self._holding = None

    def version(self, session: str) -> str:
        """The version that serves this session: the canary's for a hash of its share."""
        canary = self.on.get("canary")
        if canary and zlib.crc32(session.encode()) % 100 < 100 * canary["share"]:
            return str(canary["version"])
        return self._version

    async def before(self, route: str, version: str) -> str:
        """Strike a request as the hooks that are on say; the error that it ends with, or "".

        The service raises that error: telemetry then shows its own code, not the testbed's.
        """
        if (hook := self._struck("latency", route)) is not None:
            await asyncio.sleep(_about(hook["ms"]))
        if (hook := self.on.get("queue")) is not None:
            async with self._slots:
                if self.on.get("queue") is hook:  # else it is cleared: who still waits goes on
                    await asyncio.sleep(_about(hook["ms"]))
        if (hook := self._struck("cpu", route)) is not None:
            _burn(hook["ms"])
        if (hook := self._struck("allocation", route)) is not None:
            waste = [{"at": i} for i in range(hook["count"])]
            del waste
            gc.collect()
        if (hook := self.on.get("leak")) is not None:
            self._leaked.append(bytearray(os.urandom(1024) * hook["kb"]))
        if (hook := self.on.get("log_burst")) is not None:
            for attempt in range(hook["count"]):
                log.error("could not refresh feature flags: upstream returned a stale etag",
                          extra={"otel": {"app.attempt": attempt}})
        canary = self.on.get("canary")
        if canary and version == canary["version"]:
            await asyncio.sleep(_about(canary["ms"]))
            if random.random() < canary["error_share"]:
                return "unexpected response layout"
        return "internal error" if self._struck("errors", route) is not None else ""

    def _struck(self, name: str, route: str) -> dict[str, Any] | None:
        hook = self.on.get(name)
        if hook is None or hook.get("route") not in (None, "", route):
            return None
        return hook if random.random() < hook.get("share", 1.0) else None

    def refuses(self, callee: str) -> bool:
        """Whether this call knocks at a port where nobody listens."""
        hook = self.on.get("refused")
        return bool(hook and hook["callee"] == callee and random.random() < hook["share"])


def _about(ms: float) -> float:
    return max(0.0, random.gauss(ms, 0.15 * ms)) / 1000


def _burn(ms: float) -> None:
    end = time.thread_time() + ms / 1000
    while time.thread_time() < end:
        sum(range(500))


def _hog(stop: threading.Event, duty: float) -> None:
    while not stop.is_set():
        end = time.perf_counter() + 0.1 * duty
        while time.perf_counter() < end:
            sum(range(2000))
        stop.wait(0.1 * (1 - duty))


async def _hold(pool: "AsyncConnectionPool", duty: float, period_s: float) -> None:
    """Hold every connection of the pool for ``duty`` of each period."""
    while True:
        held = []
        try:
            for _ in range(pool.max_size):
                held.append(await pool.getconn(timeout=5))
            await asyncio.sleep(duty * period_s)
        finally:
            for connection in held:
                await pool.putconn(connection)
        await asyncio.sleep((1 - duty) * period_s)
