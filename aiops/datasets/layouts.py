"""Which layout a folder has, told by its files."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from aiops.datasets import folder, nezha, petshop, rcaeval, rcd, recorded, tvdiag
from aiops.datasets.dataset import Dataset
from aiops.errors import LayoutError

LAYOUTS: dict[str, ModuleType] = {
    module.LAYOUT: module for module in (folder, rcd, recorded, petshop, tvdiag, nezha, rcaeval)}


def open_folder(root: Path, layout: str | None = None) -> Dataset:
    """The data set in a folder; ``layout`` overrides what its files tell.

    Raises:
        LayoutError: no such folder, or its layout is unknown or ambiguous.
    """
    known = ", ".join(LAYOUTS)
    if layout is not None and layout not in LAYOUTS:
        raise LayoutError(f"The layout parameter must be one of {known}. Got {layout!r} instead.")
    if not root.is_dir():
        raise LayoutError(f"There is no folder {root}.")
    if layout is None:
        layout = _recognised(root, known)
    elif not LAYOUTS[layout].recognise(root):
        raise LayoutError(f"{root} has no files of the layout {layout}. "
                          f"{_first_line(LAYOUTS[layout])}")
    opened: Dataset = LAYOUTS[layout].open_dataset(root)
    return opened


def _recognised(root: Path, known: str) -> str:
    fitting = [name for name, module in LAYOUTS.items() if module.recognise(root)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise LayoutError(f"The layout of {root} is ambiguous: it has files of "
                          f"{' and '.join(fitting)}. Say which by layout=... (--layout).")
    raise LayoutError(f"The layout of {root} is unknown. Known layouts: {known}. "
                      "A folder of Cases can be made with pandas: see docs/bench-rca.md.")


def _first_line(module: ModuleType) -> str:
    return (module.__doc__ or "").strip().splitlines()[0]
