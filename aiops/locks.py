"""Lock files: one process at a time, and whoever comes second is told so."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from aiops.errors import BusyError


@contextmanager
def held(path: Path, busy: Callable[[str], str]) -> Iterator[None]:
    """Hold a lock file, which the kernel lets go of when the process ends in whatever way.

    Args:
        busy: the message when another process holds it; is handed that process's number.

    Raises:
        BusyError: another process holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise BusyError(busy(file.read().strip() or "unknown")) from error
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
