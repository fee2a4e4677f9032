"""Which version of a data set lies here, and is it the one that git pins?

The version is DVC's own hash of ``recordings``, computed as DVC computes it, so that a
scheduler needs neither DVC's lock nor its seconds.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import yaml

from aiops.errors import InputError

_IGNORED = ("__pycache__", "*.pyc")  # .dvcignore


def version(folder: Path) -> str:
    """DVC's hash of the files under ``folder``, "<md5>.dir"."""
    files = sorted(path for path in folder.rglob("*") if path.is_file()
                   and not any(part.match(i) for part in (path, path.parent) for i in _IGNORED))
    listed = [{"md5": hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest(),
               "relpath": path.relative_to(folder).as_posix()} for path in files]
    text = json.dumps(sorted(listed, key=lambda entry: entry["relpath"]), sort_keys=True)
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest() + ".dir"


def pinned(dataset: Path, allow_unpinned: bool = False) -> str:
    """The version of a data set's recordings, which is the one that ``recordings.dvc`` pins.

    Args:
        dataset: folder with ``recordings/`` and ``recordings.dvc``.
        allow_unpinned: take recordings that are not the pinned ones, or have no pin.

    Raises:
        InputError: no recordings, no pin, or other content than the pin says.
    """
    recordings, pin = dataset / "recordings", dataset / "recordings.dvc"
    if not recordings.is_dir():
        raise InputError(f"{dataset} has no recordings/. Run `dvc pull`, or record some.")
    found = version(recordings)
    if not allow_unpinned:
        _check(pin, found)
    return found


def _check(pin: Path, found: str) -> None:
    cure = "or pass --allow-unpinned."
    if not pin.is_file():
        raise InputError(f"There is no {pin}: nothing says which version this is. "
                         f"Run `dvc add {pin.with_suffix('')}`, {cure}")
    wanted = yaml.safe_load(pin.read_text())["outs"][0]["md5"]
    if found != wanted:
        raise InputError(
            f"{pin.with_suffix('')} is not what {pin.name} pins: got {found}, pinned {wanted}. "
            f"Run `dvc checkout {pin}` for the pinned one, `dvc add` to pin this one, {cure}")
