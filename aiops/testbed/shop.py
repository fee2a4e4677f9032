"""The shop as a context manager: eight services, PostgreSQL, Valkey, all real processes.

    with Shop(folder, otlp_endpoint="127.0.0.1:4317") as shop:
        requests.get(f"http://127.0.0.1:{shop.ports['gateway']}/product/7")
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Collection
from pathlib import Path
from types import TracebackType
from typing import Any

import psycopg
import valkey

from aiops.errors import InputError, TestbedError
from aiops.testbed import stack
from aiops.testbed.hooks import checked
from aiops.testbed.names import SERVERS, SERVICES, VERSION

_START_S, _STOP_S = 30.0, 7.0
_NEIGHBOUR = "neighbour-"
_BUSY = """
import sys, time
while True:
    end = time.perf_counter() + 0.1 * float(sys.argv[1])
    while time.perf_counter() < end: pass
    time.sleep(0.1 * (1 - float(sys.argv[1])))
"""


class Shop:
    """A shop on private ports whose logs lie in ``folder`` and whose telemetry goes to
    ``otlp_endpoint`` (host:port, OTLP/gRPC).

    ``seed`` draws the database's content, ``cores`` pins all processes, ``orders`` is the
    size of the orders table. All processes are gone within a second of this one's end,
    however it ends. ``raised`` says whether the shop's session has priority over others.
    """

    def __init__(self, folder: Path | str, otlp_endpoint: str, seed: int = 0,
                 cores: Collection[int] | None = None, orders: int = 200_000) -> None:
        self.folder, self.otlp_endpoint = Path(folder).absolute(), otlp_endpoint
        self.seed, self.cores, self.orders = seed, cores, orders
        self.ports: dict[str, int] = {}
        self.raised = False
        self._held: dict[str, socket.socket] = {}
        self._pids: dict[str, int] = {}
        self._zygote: subprocess.Popen[bytes] | None = None
        self._edges: dict[tuple[str, str], str] = {}
        self._lock = threading.RLock()

    def __enter__(self) -> "Shop":
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.stop()

    # --- life -------------------------------------------------------------------------

    def start(self) -> None:
        """Start everything; returns when all services answer."""
        if self._zygote is not None:
            raise TestbedError("The shop is already started; stop() it first.")
        (self.folder / "logs").mkdir(parents=True, exist_ok=True)
        # short (socket paths have 108 bytes) and open to the database's user
        self._runtime = Path(tempfile.mkdtemp(prefix="aiops-shop-"))
        self._runtime.chmod(0o755)
        try:
            for name in (*SERVICES, *SERVERS, "nobody"):
                self._hold(name)
            self._launch()
            stack.initdb(self._runtime / "postgresql")
            self._hear()  # its imports went on meanwhile
            for name in SERVERS:
                self._start_server(name)
            self.sql(stack.content(self.seed, self.orders))
            for name in SERVICES:
                self._fork(name, VERSION)
            for name in SERVICES:
                self._ready(name)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop everything in order, services first, so that their telemetry is flushed."""
        try:
            if self._zygote is not None and self._zygote.poll() is None:
                self._end([name for name in self._pids if name not in SERVERS], signal.SIGTERM)
                self._end(["valkey"], signal.SIGTERM)
                self._end(["postgresql"], signal.SIGINT)
        finally:
            self._close()

    def _close(self) -> None:
        if self._zygote is not None:
            assert self._zygote.stdin
            assert self._zygote.stdout
            self._zygote.stdin.close()
            self._zygote.wait(10)
            self._zygote.stdout.close()
            self._zygote = None
        for held in self._held.values():
            held.close()
        self._held.clear()
        self._pids.clear()
        self._edges.clear()
        shutil.rmtree(self._runtime, ignore_errors=True)  # the zygote did, if it could

    def _launch(self) -> None:
        # what the caller's environment says of OpenTelemetry or proxies is not for the shop
        env = {key: value for key, value in os.environ.items()
               if not key.startswith("OTEL_") and not key.lower().endswith("_proxy")}
        command = [sys.executable, "-m", "aiops.testbed.zygote", str(self._runtime),
                   ",".join(map(str, self.cores or ()))]
        root = str(Path(__file__).resolve().parents[2])
        env["PYTHONPATH"] = os.pathsep.join(filter(None, [root, env.get("PYTHONPATH")]))
        with open(self._log("zygote"), "ab") as log:
            self._zygote = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=env,
                start_new_session=True, bufsize=0)

    def _hear(self) -> None:
        self.raised = self._read()["raised"]

    def _read(self) -> Any:
        assert self._zygote is not None
        assert self._zygote.stdout is not None
        line = self._zygote.stdout.readline()
        if not line:
            raise TestbedError(f"The shop's parent process ended; see {self._log('zygote')}: "
                               f"{self._tail('zygote')}")
        return json.loads(line)

    def _ask(self, verb: str, **told: Any) -> Any:
        with self._lock:
            if self._zygote is None or self._zygote.stdin is None:
                raise TestbedError("The shop is not running; start() it first.")
            self._zygote.stdin.write(json.dumps({"verb": verb, **told}).encode() + b"\n")
            return self._read()

    def _log(self, name: str) -> Path:
        return self.folder / "logs" / f"{name}.log"

    def _tail(self, name: str) -> str:
        path = self._log(name)
        return path.read_text(errors="replace")[-1500:] if path.exists() else "(no log)"

    def _hold(self, name: str) -> None:
        """Reserve a port: bound, never listening, so nobody else gets it and it refuses."""
        held = socket.socket()
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        held.bind(("127.0.0.1", self.ports.get(name, 0)))
        self.ports[name] = held.getsockname()[1]
        self._held[name] = held

    # --- starting and ending one process ------------------------------------------------

    def _start_server(self, name: str) -> None:
        if name in self._held:
            self._held.pop(name).close()  # these two do not share a port
        folder = self._runtime / "postgresql" if name == "postgresql" else self._runtime
        build = stack.postgresql if name == "postgresql" else stack.valkey
        death = signal.SIGQUIT if name == "postgresql" else signal.SIGKILL
        self._pids[name] = self._ask(
            "execute", name=name, log=str(self._log(name)), death_signal=int(death),
            command=build(folder, self.ports[name]),
            user=stack.as_user() if name == "postgresql" else {})
        self._until(name, self._answers_sql if name == "postgresql" else self._answers_cache)

    def _answers_sql(self) -> bool:
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def _answers_cache(self) -> bool:
        try:
            with self.cache() as client:
                client.ping()
        except valkey.ConnectionError:
            return False
        return True

    def _fork(self, name: str, version: str) -> None:
        settings = {"name": name, "version": version, "endpoint": self.otlp_endpoint,
                    "ports": self.ports, "control": str(self._runtime / f"{name}.control")}
        Path(settings["control"]).unlink(missing_ok=True)  # type: ignore[arg-type]
        self._pids[name] = self._ask("fork", name=name, log=str(self._log(name)),
                                     main="service", settings=settings)

    def _ready(self, name: str) -> None:
        path = self._runtime / f"{name}.control"
        self._until(name, path.exists)

    def _until(self, name: str, ready: Callable[[], bool]) -> None:
        end = time.monotonic() + _START_S
        while not ready():
            code = self._ask("wait", name=name, timeout_s=0.01)
            if code is not None or time.monotonic() > end:
                said = "did not get ready" if code is None else f"ended with code {code}"
                raise TestbedError(f"{name} {said}; see {self._log(name)}: {self._tail(name)}")

    def _end(self, names: list[str], how: signal.Signals) -> None:
        alive = [name for name in names
                 if name in self._pids and self._ask("wait", name=name, timeout_s=0) is None]
        for name in alive:
            os.kill(self._pids[name], signal.SIGCONT)
            os.kill(self._pids[name], signal.SIGTERM if name not in SERVICES + SERVERS else how)
        end = time.monotonic() + _STOP_S
        for name in alive:
            left = max(0.0, end - time.monotonic())
            if self._ask("wait", name=name, timeout_s=left) is None:
                os.kill(self._pids[name], signal.SIGKILL)
                self._ask("wait", name=name, timeout_s=2.0)
        for name in names:
            self._pids.pop(name, None)

    def _known(self, name: str, allowed: tuple[str, ...]) -> None:
        if name not in allowed:
            raise InputError(f"The name must be one of {', '.join(allowed)}; got {name!r}.")

    # --- what tests and faults use --------------------------------------------------------

    def pids(self) -> dict[str, int]:
        """Process ids by name: services, servers, proxies ("a->b") and the parent ("shop").

        PostgreSQL's backends are children of its process.
        """
        parent = {} if self._zygote is None else {"shop": self._zygote.pid}
        return {**self._pids, **parent}

    def control(self, service: str, verb: str, hook: str, **params: Any) -> None:
        """Set or clear a hook inside a service (see ``aiops.testbed.hooks``)."""
        self._known(service, SERVICES)
        if verb not in ("set", "clear"):
            raise InputError(f"The verb must be 'set' or 'clear', got {verb!r} instead.")
        if verb == "set":
            checked(hook, params)
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(10)
            link.connect(str(self._runtime / f"{service}.control"))
            link.sendall(json.dumps({"verb": verb, "hook": hook, "params": params}).encode()
                         + b"\n")
            answer = link.makefile("rb").read().decode()
        if answer != "ok":
            raise TestbedError(f"{service} did not {verb} {hook}: {answer or 'no answer'}")

    def restart(self, name: str, version: str | None = None, down_s: float = 0.0) -> None:
        """End a service (or server) if it runs, wait, start it anew; no version is 1.4.0."""
        self._known(name, SERVICES + SERVERS)
        with self._lock:
            self._end([name], signal.SIGINT if name == "postgresql" else signal.SIGTERM)
        time.sleep(down_s)
        if name in SERVERS:
            self._start_server(name)
        else:
            self._fork(name, version or VERSION)
            self._ready(name)

    def kill(self, name: str) -> None:
        """SIGKILL; gone when this returns. ``restart`` brings it back."""
        self._signal(name, signal.SIGKILL)
        self._ask("wait", name=name, timeout_s=5.0)

    def suspend(self, name: str) -> None:
        """SIGSTOP a service or server."""
        self._signal(name, signal.SIGSTOP)

    def resume(self, name: str) -> None:
        self._signal(name, signal.SIGCONT)

    def _signal(self, name: str, number: signal.Signals) -> None:
        self._known(name, SERVICES + SERVERS)
        os.kill(self._pids[name], number)

    def crowd(self, loops: int, duty: float = 1.0) -> None:
        """Let processes that are no part of the shop compete for its cores; 0 ends them.

        They run in its own session, since work in another would hardly reach it, and each is
        busy for ``duty`` of the time.
        """
        self._end([name for name in self._pids if name.startswith(_NEIGHBOUR)], signal.SIGTERM)
        for number in range(loops):
            name = f"{_NEIGHBOUR}{number}"
            self._pids[name] = self._ask(
                "execute", name=name, log=str(self._log(name)), user={},
                death_signal=int(signal.SIGKILL), command=[sys.executable, "-c", _BUSY, str(duty)])

    def connect(self) -> "psycopg.Connection[tuple[Any, ...]]":
        """An admin connection, autocommit; the caller closes it."""
        return psycopg.connect(
            f"host=127.0.0.1 port={self.ports['postgresql']} user=shop dbname=postgres "
            "application_name=admin", autocommit=True)

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Rows of one statement (or of the first of several) over an admin connection."""
        with self.connect() as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def cache(self) -> valkey.Valkey:
        """A client of the shop's cache."""
        return valkey.Valkey(host="127.0.0.1", port=self.ports["valkey"], socket_timeout=5)

    def delay_edge(self, caller: str, callee: str, delay_s: float) -> None:
        """Send the caller's traffic to the callee through a proxy, ``delay_s`` each way."""
        self._known(caller, SERVICES)
        self._known(callee, SERVICES)
        self.clear_edge(caller, callee)
        name = f"{caller}->{callee}"
        self._hold(name)
        self._pids[name] = self._ask(
            "fork", name=name, log=str(self._log("proxy")), main="proxy",
            settings={"port": self.ports[name], "target": self.ports[callee],
                      "delay_s": delay_s})
        self._until(name, lambda: _listens(self.ports[name]))
        self._edges[caller, callee] = name
        self._redirect(caller)

    def clear_edge(self, caller: str, callee: str) -> None:
        """Take the proxy off the edge; nothing happens where there is none."""
        name = self._edges.pop((caller, callee), None)
        if name is None:
            return
        self._redirect(caller)
        time.sleep(0.2)  # what is under way ends first
        self._end([name], signal.SIGTERM)
        self._held.pop(name).close()
        del self.ports[name]

    def _redirect(self, caller: str) -> None:
        ports = {callee: self.ports[name] for (by, callee), name in self._edges.items()
                 if by == caller}
        self.control(caller, "set", "redirect", ports=ports)


def _listens(port: int) -> bool:
    with socket.socket() as link:
        return link.connect_ex(("127.0.0.1", port)) == 0
