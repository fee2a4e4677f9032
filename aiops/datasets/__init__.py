"""Data sets, published and recorded, as Cases: the only place that knows a truth."""

from __future__ import annotations

import os
from pathlib import Path

from aiops.datasets.dataset import Dataset
from aiops.datasets.layouts import LAYOUTS, open_folder
from aiops.datasets.recordings import recordings
from aiops.errors import LayoutError

__all__ = ["LAYOUTS", "Dataset", "load", "recordings"]

BUNDLED = Path(__file__).parents[2] / "datasets"


def load(name_or_dir: str | Path, layout: str | None = None) -> Dataset:
    """A data set by folder, by the name of a bundled one, or of a public one.

    Bundled sets lie in ``datasets/`` of the clone; public ones are looked for under the
    environment's AIOPS_DATA, in ``rca/<name>``.

    Raises:
        LayoutError: nothing there, or no known layout.
    """
    candidates = [Path(name_or_dir), BUNDLED / str(name_or_dir)]
    if public := os.environ.get("AIOPS_DATA"):
        candidates.append(Path(public) / "rca" / str(name_or_dir))
    for path in candidates:
        if path.is_dir():
            return open_folder(path, layout)
    raise LayoutError(f"There is no data set {str(name_or_dir)!r}. Looked for: "
                      f"{', '.join(map(str, candidates))}. Public sets are found through the "
                      "environment's AIOPS_DATA.")
