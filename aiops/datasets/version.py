"""Which version of its data a folder holds."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from aiops.errors import InputError


def dataset_version(folder: Path | str) -> str:
    """The hash that DVC gives to ``folder`` as its files are now: md5 and ``.dir``.

    It equals the ``md5`` of the folder's ``.dvc`` file when the data is as committed, and is
    computed, so that a run on changed data, or on data outside DVC, does not claim another's.
    """
    files = sorted(path for path in Path(folder).rglob("*") if path.is_file())
    if not files:
        raise InputError(f"{folder} holds no file. Run `dvc pull`, or record a data set.")
    entries = [{"md5": hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest(),
                "relpath": path.relative_to(folder).as_posix()} for path in files]
    listing = json.dumps(sorted(entries, key=lambda e: e["relpath"]), sort_keys=True)
    return hashlib.md5(listing.encode(), usedforsecurity=False).hexdigest() + ".dir"
