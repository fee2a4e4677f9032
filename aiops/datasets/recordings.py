"""What the recordings of a data set are, as one table: spans of time, roles, what was planted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from aiops import schema
from aiops.case import timestamp, window
from aiops.datasets.folder import read_truth
from aiops.datasets.recording import ABOUT, Recording, find
from aiops.errors import CaseError

ROLES = ("incident", "disturbance", "control", "normal")


def recordings(root: Path) -> pa.Table:
    """One row (``schema.RECORDINGS``) a recording of a data set, in order of time.

    A recording that the truth does not name is normal traffic; an entry without a role is an
    incident where it names culprits, else a control.

    Raises:
        CaseError: no recordings, one that does not say what span of time it holds, or one
            with an abnormal window that a truth leaves out.
    """
    truth = read_truth(root)
    rows = [_row(each, truth) for each in find(root / "recordings")]
    if not rows:
        raise CaseError(f"{root} holds no recordings/*/recording.json. Run `dvc pull`, or record "
                        "a set.")
    rows.sort(key=lambda row: row["start"])
    return pa.Table.from_pylist(rows, schema=schema.RECORDINGS)


def _row(recording: Recording, truth: dict[str, Any]) -> dict[str, Any]:
    name, about, path = recording.id, recording.about, recording.folder / ABOUT
    if "recorded" not in about:
        raise CaseError(f'{path} must say "recorded": [start, end], the span of time in which '
                        f"its telemetry is whole. Got the keys {', '.join(sorted(about))}.")
    start, end = window(about["recorded"], f"recorded of {path}")
    row = dict.fromkeys(schema.RECORDINGS.names) | {
        "recording": name, "role": "normal", "start": start, "end": end, "culprits": []}
    if name in truth:
        row |= _planted(name, truth[name])
    elif truth and about.get("abnormal"):  # as normal traffic it would be trained on
        raise CaseError(f"truth.json does not name {name!r}, which has an abnormal window. Name "
                        "it, with culprits [] where it is no incident.")
    if about.get("symptom"):
        row["detected_at"] = timestamp(about["detected_at"], f"detected_at of {path}")
    return row


def _planted(name: str, entry: dict[str, Any]) -> dict[str, Any]:
    role = entry.get("role", "incident" if entry["culprits"] else "control")
    if role not in ROLES:
        raise CaseError(f"The role of {name!r} must be one of {', '.join(ROLES)}. Got {role!r}.")
    told = {key: entry.get(key) for key in ("fault", "layer", "strength", "kind", "culprits")}
    return told | {"role": role, "visible": _visible(entry.get("visible")),
                   "event_start": _time(name, entry, "start"),
                   "event_end": _time(name, entry, "end")}


def _time(name: str, entry: dict[str, Any], key: str) -> pd.Timestamp | None:
    return None if entry.get(key) is None else timestamp(entry[key], f"{key} of {name!r}")


def _visible(routes: dict[str, dict[str, Any]] | None) -> list[str] | None:
    if routes is None:
        return None
    return sorted(r for r, moved in routes.items() if moved.get("latency") or moved.get("errors"))
