"""Recorded data sets: ``recordings/<id>/{traces,logs,metrics}.otlp.zst`` with recording.json.

Each recording is ingested into a lake of its own and cut by its windows: raw OTLP is the
source, a Case is derived from it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from aiops.case import Case
from aiops.datasets.dataset import Dataset, by_id
from aiops.datasets.folder import read_truth
from aiops.datasets.recording import find, folders
from aiops.errors import CaseError

LAYOUT = "recordings"
_CUT = ("normal", "abnormal", "detected_at", "entry_service", "symptom", "suspects")


def recognise(root: Path) -> bool:
    """Whether the folder holds recordings."""
    return bool(folders(root / "recordings"))


def open_dataset(root: Path) -> Dataset:
    """The data set in a folder of recordings."""
    card = root / "card.md"
    return Dataset(root.name, root, read_truth(root), lambda: _readers(root),
                   card=card.read_text() if card.exists() else "")


def _readers(root: Path) -> dict[str, Callable[[], Case]]:
    """Incidents, disturbances and controls; normal traffic has no abnormal window, so no Case."""
    return by_id((each.id, partial(read_case, each.folder, each.about))
                 for each in find(root / "recordings") if each.about.get("abnormal"))


def check_whole(path: Path, counts: Mapping[str, int]) -> None:
    """Raise CaseError when a lake refused something of a recording: all of it counts, or none."""
    if counts["refused"]:
        raise CaseError(f"{path} is damaged: {counts['refused']} of its requests could not be "
                        "read. Fetch it again (`dvc checkout --force`, `dvc pull`).")


def read_case(folder: Path, about: dict[str, Any]) -> Case:
    """One recording through a temporary lake."""
    from aiops import lake

    files = [path for path in sorted(folder.iterdir()) if ".otlp" in path.name]
    if not files:
        raise CaseError(f"{folder} has a recording.json and no *.otlp.zst beside it: "
                        "fetch them (dvc pull), or record the set.")
    with tempfile.TemporaryDirectory(prefix="aiops-recording-") as made:
        opened = lake.open(Path(made) / "lake")
        for path in files:
            check_whole(path, opened.ingest(path))
        case: Case = opened.case(**{key: about[key] for key in _CUT if key in about})
        return case
