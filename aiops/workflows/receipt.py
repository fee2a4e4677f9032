"""What registering a model last said, valid while neither the model nor the store changed.

Asking MLflow takes many seconds, also when there is nothing to do.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from aiops import tracking
from aiops.workflows import whole

FILE = "registered.json"
_REGISTERED = ("model/detector.skops", "metrics/detection-figures.json")


def read(out: Path) -> dict[str, Any] | None:
    """The answer of last time; None where there is none, or anything changed since.

    Args:
        out: folder that the pipeline's outputs went to.
    """
    if not (out / FILE).is_file():
        return None
    kept = json.loads((out / FILE).read_text())
    return dict(kept["answer"]) if kept["of"] == _seal(out) is not None else None


def write(out: Path, answer: dict[str, Any]) -> None:
    """Keep an answer; not where the store is a server's, whose changes nobody tells."""
    if (seal := _seal(out)) is not None:
        whole.write_json({"of": seal, "answer": answer}, out / FILE)


def _seal(out: Path) -> dict[str, Any] | None:
    """What the answer depends on: the files that are registered, and the store's last change."""
    store = tracking.database()
    if store is None or not store.is_file():
        return None
    hashes = {name: hashlib.sha256((out / name).read_bytes()).hexdigest()
              for name in _REGISTERED if (out / name).is_file()}
    return {**hashes, "store": str(store), "store_changed_ns": store.stat().st_mtime_ns}
