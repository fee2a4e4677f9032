"""The shop's parent process: imports once, forks every service, and takes all down with it.

It reads JSON lines on standard input, answers on standard output, and ends at end of file or
when its own parent is gone; the kernel then ends its children (PR_SET_PDEATHSIG, which is
bound to the forking thread: here there is only one).
"""

import ctypes
import gc
import importlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from typing import Any

from aiops.testbed.priority import raise_session

_LIBC = ctypes.CDLL(None)
_PDEATHSIG, _NAME = 1, 15


class Zygote:
    """The processes, by name."""

    def __init__(self) -> None:
        self.parent = os.getppid()
        self.pids: dict[str, int] = {}
        self.codes: dict[str, int] = {}
        self.deaths: dict[str, int] = {}  # PostgreSQL killed would leave shared memory behind

    def fork(self, name: str, log: str, main: str, settings: dict[str, Any]) -> int:
        pid = os.fork()
        if pid == 0:
            self._child(name, log, main, settings)
        return self._born(name, pid)

    def _child(self, name: str, log: str, main: str, settings: dict[str, Any]) -> None:
        code = 1
        try:
            _LIBC.prctl(_PDEATHSIG, signal.SIGKILL)
            _LIBC.prctl(_NAME, name.encode()[:15])
            nothing, out = os.open(os.devnull, os.O_RDONLY), _log(log)
            for target, source in ((0, nothing), (1, out), (2, out)):
                os.dup2(source, target)
            if main == "service":
                from aiops.testbed import service
                service.main(service.Settings(**settings))
            else:
                from aiops.testbed import proxy
                proxy.main(**settings)
            code = 0
        except BaseException:  # noqa: BLE001 - a forked child never returns into its parent
            import traceback
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)

    def execute(self, name: str, log: str, command: list[str], user: dict[str, Any],
                death_signal: int) -> int:
        out = _log(log)
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd="/",
            preexec_fn=lambda: _LIBC.prctl(_PDEATHSIG, death_signal), **user)
        os.close(out)
        process.returncode = 0  # reaped by us, not by Popen
        self.deaths[name] = death_signal
        return self._born(name, process.pid)

    def _born(self, name: str, pid: int) -> int:
        self.pids[name] = pid
        self.codes.pop(name, None)
        return pid

    def wait(self, name: str, timeout_s: float) -> int | None:
        """Exit code once it ended, None while it runs."""
        end = time.monotonic() + timeout_s
        while name not in self.codes:
            pid, status = os.waitpid(self.pids[name], os.WNOHANG)
            if pid:
                self.codes[name] = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > end:
                return None
            else:
                time.sleep(0.005)
        return self.codes[name]

    def serve(self) -> None:
        rest = b""
        while os.getppid() == self.parent:
            if not select.select([0], [], [], 0.2)[0]:
                continue
            data = os.read(0, 65536)
            if not data:
                return
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                asked = json.loads(line)
                answer = getattr(self, asked.pop("verb"))(**asked)
                os.write(1, json.dumps(answer).encode() + b"\n")

    def end(self) -> None:
        for name in self.pids:
            if self.wait(name, 0) is None:
                os.kill(self.pids[name], self.deaths.get(name, signal.SIGKILL))
                os.kill(self.pids[name], signal.SIGCONT)
        for name in self.pids:
            self.wait(name, 2)


def _log(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)


def main(runtime: str, cores: str) -> None:
    from aiops.testbed.names import SERVICES
    for module in ("proxy", "service", *(f"services.{name}" for name in SERVICES)):
        importlib.import_module(f"aiops.testbed.{module}")
    if cores:
        os.sched_setaffinity(0, {int(core) for core in cores.split(",")})
    _LIBC.prctl(_NAME, b"shop")
    gc.freeze()
    os.write(1, json.dumps({"raised": raise_session()}).encode() + b"\n")
    zygote = Zygote()
    try:
        zygote.serve()
    finally:
        zygote.end()
        with suppress(FileNotFoundError):
            shutil.rmtree(runtime)


if __name__ == "__main__":
    main(*sys.argv[1:])
