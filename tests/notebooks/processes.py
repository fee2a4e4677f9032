"""Processes of a test that are surely gone afterwards, with all that they started."""

from __future__ import annotations

import ctypes
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import psutil

T = TypeVar("T")
_PR_SET_PDEATHSIG = 1


@contextmanager
def running(command: Sequence[str], log: Path, grace_s: float = 10.0,
            **options: Any) -> Iterator[subprocess.Popen]:
    """A process in a group of its own, asked to end on leaving, killed when it does not heed.

    Also where pytest itself is killed, the kernel ends it.
    """
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                   start_new_session=True, preexec_fn=_die_with_parent, **options)
    try:
        yield process
    finally:
        _end(process, grace_s)


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _end(process: subprocess.Popen, grace_s: float) -> None:
    below = _below(process.pid)
    process.terminate()
    try:
        process.wait(grace_s)
    except subprocess.TimeoutExpired:  # JupyterLab may not heed a first signal
        below = list({*below, *_below(process.pid)})
        process.kill()
        process.wait()
    for left in psutil.wait_procs(below, 2.0)[1]:  # kernels are in groups of their own
        with suppress(psutil.NoSuchProcess):
            left.kill()
    psutil.wait_procs(below, grace_s)


def _below(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def wait(ready: Callable[[], T], seconds: float, what: str) -> T:
    """The first true answer of ``ready``."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if answer := ready():
            return answer
        time.sleep(0.05)
    raise TimeoutError(f"waited {seconds:g} s for {what}")
