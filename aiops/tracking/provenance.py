"""Of what code and what data a run was made."""

from __future__ import annotations

import hashlib
import json
import subprocess
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


def git_state(folder: Path) -> dict[str, str]:
    """Tags of the commit checked out around ``folder`` and whether files differ from it."""
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return {"git.commit": "none: not in a git repository"}
    changed = _git(folder, "status", "--porcelain")
    return {"git.commit": commit, "mlflow.source.git.commit": commit,
            "git.dirty": "true" if changed else "false"}


def _git(folder: Path, *words: str) -> str | None:
    """What git answers; None where there is no git or no repository."""
    try:
        run = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True,
                             check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return run.stdout.strip()
