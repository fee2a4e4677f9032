"""Where the work is done, for notebooks that are run from more than one folder."""

from __future__ import annotations

from pathlib import Path

CLONE = Path(__file__).resolve().parents[2]


def place(path: Path | str) -> Path:
    """A path that a notebook was given, from the folder where the work is done.

    JupyterLab starts kernels in ``notebooks/``, `aiops notebook` where it was called: a
    relative path means the same in both.
    """
    here = Path.cwd()
    return (here.parent if here == CLONE / "notebooks" else here) / path
