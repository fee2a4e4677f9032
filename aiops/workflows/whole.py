"""Files and folders that are there whole or not at all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def folder(path: Path) -> Iterator[Path]:
    """An empty folder to fill, which takes the place of ``path`` when nothing was raised.

    The one before is moved aside, not removed, until the new one stands: two renames, and
    whatever a kill between them leaves is whole, ``.old`` or ``.part``.
    """
    part = path.with_name(path.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        yield part
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    old = path.with_name(path.name + ".old")
    if path.exists():
        shutil.rmtree(old, ignore_errors=True)
        path.rename(old)
    part.rename(path)
    shutil.rmtree(old, ignore_errors=True)


@contextmanager
def file(path: Path) -> Iterator[Path]:
    """A path to write to, which takes the place of ``path`` when nothing was raised.

    The folders above are made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_json(value: Any, path: Path) -> None:
    """Write a value as JSON, with a line's end."""
    write(path, (json.dumps(value, indent=1, allow_nan=False) + "\n").encode())


def write(path: Path, content: bytes) -> None:
    """Write bytes; the folders above are made."""
    with file(path) as part:
        part.write_bytes(content)
