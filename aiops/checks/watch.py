"""Catch a model that looks beyond what it is handed: files, environment, the Case's spare rooms."""

from __future__ import annotations

import os
import sys
import sysconfig
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aiops.case import Case
from aiops.errors import ContractError

# Python's audit events of reading what nobody handed over; imports may.
_READING = {"open", "os.listdir", "os.scandir", "os.system", "os.posix_spawn", "subprocess.Popen",
            "socket.connect", "sqlite3.connect", "gc.get_objects", "gc.get_referrers"}
_LIBRARIES = tuple(sysconfig.get_path(kind) for kind in ("stdlib", "purelib", "platlib"))
_OURS = str(Path(__file__).parents[1])
_watching: list[tuple[int, list[str]]] = []  # (thread, what it tried)
_hooked: list[bool] = []


@contextmanager
def watching() -> Iterator[list[str]]:
    """What this thread tried to read meanwhile; each attempt also raises ContractError."""
    if not _hooked:  # an audit hook stays for good
        sys.addaudithook(_audit)
        _hooked.append(True)
    tried: list[str] = []
    environment: Any = type(os.environ)
    read = environment.__getitem__

    def refused(self: Any, key: str) -> str:
        if not _by_library():
            _note(tried, f"the environment ({key})")
        value: str = read(self, key)
        return value

    _watching.append((threading.get_ident(), tried))
    environment.__getitem__ = refused
    try:
        yield tried
    finally:
        environment.__getitem__ = read
        _watching.pop()


def watched(case: Case, tried: list[str]) -> Case:
    """The Case, noting whoever asks it for what a Case does not have (its id, a path)."""

    class Watched(Case):
        def __getattr__(self, name: str) -> Any:
            if not name.startswith("_"):
                _note(tried, f"the Case's {name}")
            raise AttributeError(name)

    fields = Case.__dataclass_fields__
    return Watched(**{name: getattr(case, name) for name in fields})


def _note(tried: list[str], what: str) -> None:
    """Refuse, unless an import reads it."""
    if not _importing():
        tried.append(what)
        raise ContractError(f"A model must see nothing but what it is handed. It tried {what}.")


def _audit(event: str, args: tuple[Any, ...]) -> None:
    if not _watching or event not in _READING or _watching[-1][0] != threading.get_ident():
        return
    what = f"{event} {args[0]!r}" if args else event
    _note(_watching[-1][1], what)


def _importing() -> bool:
    return any(file.startswith("<frozen importlib") for file in _callers())


def _by_library() -> bool:
    """Whether the environment is read by other people's code, as pyarrow's settings are."""
    caller = next(file for file in _callers() if not file.startswith("<frozen")
                  and file not in (__file__, os.__file__))
    return caller.startswith(_LIBRARIES) and not caller.startswith(_OURS)


def _callers() -> Iterator[str]:
    """Files of the code that runs, innermost first."""
    frame: Any = sys._getframe()
    while frame is not None:
        yield frame.f_code.co_filename
        frame = frame.f_back
