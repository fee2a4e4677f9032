"""What a recorded data set holds, in numbers: for its card, and to look at while recording."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from aiops.errors import UsageError
from aiops.testbed.plan import Entry
from aiops.testbed.plan import load as read_plan

Row = dict[str, Any]


def rows(folder: Path) -> list[Row]:
    """One row a finished recording: what was planted, when it was noticed, how large, how quiet.

    Raises:
        UsageError: the folder has no plan.json.
    """
    if not (folder / "plan.json").exists():
        raise UsageError(f"{folder} has no plan.json: it is no recorded data set. "
                         "Make one with `aiops testbed record`.")
    path = folder / "truth.json"
    truth = json.loads(path.read_text()) if path.exists() else {}
    return [_row(entry, folder / "recordings" / entry.id, truth.get(entry.id, {}))
            for entry in read_plan(folder / "plan.json")
            if (folder / "recordings" / entry.id / "recording.json").exists()]


def _row(entry: Entry, recording: Path, truth: Row) -> Row:
    told = json.loads((recording / "recording.json").read_text())
    contention = told["contention"]["summary"]
    return {
        "id": entry.id, "role": entry.role, "fault": "+".join(fault for fault, _ in entry.planted),
        "target": "+".join(target for _, target in entry.planted),
        "noticed_s": _noticed_s(told, truth), "silent": truth.get("silent"),
        "requests": told["load"]["requests"], "p95_ms": told["load"]["latency_p95_ms"],
        "bytes": sum(file.stat().st_size for file in recording.iterdir()),
        "wait_max": contention["own_wait_cores_max"], "spoilt": contention["spoilt"],
    }


def _noticed_s(told: Row, truth: Row) -> float | None:
    """Seconds from the planting to the alert; None where none fired."""
    import pandas as pd

    if "symptom" not in told:
        return None
    return float((pd.Timestamp(told["detected_at"]) - pd.Timestamp(truth["start"])).total_seconds())


def totals(found: list[Row]) -> Row:
    """The rows in a few numbers."""
    incidents = [row for row in found if row["role"] == "incident"]
    return {
        "recordings": dict(Counter(row["role"] for row in found)),
        "faults": len({row["fault"] for row in incidents}),
        "alerted": sum(row["noticed_s"] is not None for row in incidents),
        "silent": sum(row["silent"] is True for row in incidents),
        "alerted_without_fault": sum(row["noticed_s"] is not None for row in found
                                     if row["role"] in ("disturbance", "control")),
        "spoilt": sum(row["spoilt"] for row in found),
        "requests": sum(row["requests"] for row in found),
        "bytes": sum(row["bytes"] for row in found),
    }
