"""One recording of a data set: the folder of its raw OTLP, and what its recording.json says.

Nothing in it tells what was planted; that is truth.json's to say (``folder.read_truth``).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiops.datasets.folder import read_json

ABOUT = "recording.json"


@dataclass(frozen=True)
class Recording:
    """A ``folder``, and ``about``: {"id"?, "recorded", "normal", "abnormal"?, "load"?, ...}."""

    folder: Path
    about: dict[str, Any]

    @property
    def id(self) -> str:
        """What the recording calls itself; the name of its folder when it does not say."""
        return str(self.about.get("id", self.folder.name))


def folders(raw: Path) -> list[Path]:
    """The folders in ``raw`` that hold a recording, by name."""
    return [path.parent for path in sorted(raw.glob(f"*/{ABOUT}"))]


def find(raw: Path) -> list[Recording]:
    """The recordings in a folder (``Dataset.raw``), by name of their folders; none is no error.

    Raises:
        CaseError: a recording.json that is no JSON object.
    """
    return [Recording(folder, read_json(folder / ABOUT)) for folder in folders(raw)]
