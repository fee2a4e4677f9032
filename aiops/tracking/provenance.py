"""Of what code and what data a run was made."""

from __future__ import annotations

import subprocess
from pathlib import Path

from aiops.datasets.version import dataset_version

__all__ = ["dataset_version", "git_state"]


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
