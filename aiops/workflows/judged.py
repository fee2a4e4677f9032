"""What an evaluation found, in words: tables for pictures and reports, recording by recording."""

from __future__ import annotations

from typing import Any

import pandas as pd

from aiops.detection import PerService
from aiops.detection.reasons import deviations
from aiops.plots.style import brief
from aiops.workflows.detection import Evaluation, Windows

LARGE = 3.0  # train spreads: less is what normal traffic does as well


def precision(made: Evaluation) -> pd.Series:
    """Average precision by incident, a share."""
    return _incidents(made)["ap"]


def chance(made: Evaluation) -> pd.Series:
    """Average precision that guessing gives, a share by incident."""
    return _incidents(made)["chance"]


def _incidents(made: Evaluation) -> pd.DataFrame:
    found = made.per_recording
    return found[found["role"] == "incident"].set_index("recording")


def about(made: Evaluation, windows: Windows) -> pd.DataFrame:
    """One row a judged recording, with a label such as ``latency at cart (r001)``.

    Columns of recording, role, label, slice, culprits, event_start, event_end, ap, chance,
    detected, delay_s, false_alarms; incidents found first come first.
    """
    told = windows.recordings.set_index("recording")
    found = made.per_recording.set_index("recording")
    kept = found[["role", "slice", "ap", "chance", "detected", "delay_s", "false_alarms"]]
    rows = kept.join(told[["fault", "culprits", "event_start", "event_end"]]).reset_index()
    rows["label"] = [_label(row) for row in rows.itertuples()]
    return rows.sort_values(["delay_s", "recording"], kind="stable", ignore_index=True)


def _label(row: Any) -> str:
    name = row.fault if isinstance(row.fault, str) else row.role
    where = f" at {', '.join(row.culprits)}" if len(row.culprits) else ""
    return f"{name}{where} ({row.recording})"


def incidents(made: Evaluation, windows: Windows) -> pd.DataFrame:
    """The incidents as ``plots.incidents`` takes them: label, ap, chance, found, delay_s."""
    rows = about(made, windows)
    rows = rows[rows.role == "incident"].rename(columns={"detected": "found"})
    return rows[["label", "ap", "chance", "found", "delay_s"]].reset_index(drop=True)


def missed(made: Evaluation, windows: Windows, detector: PerService) -> pd.DataFrame:
    """Why incidents raised no alarm: the culprit's farthest feature while they lasted.

    Columns incident, peak (highest score over the threshold), feature, moved (usual → seen, in
    the feature's unit), spreads (distance), why.
    """
    rows = about(made, windows)
    kept = rows[(rows.role == "incident") & ~rows.detected.astype(bool)]
    return pd.DataFrame([_miss(row, made, windows, detector) for row in kept.itertuples()],
                        columns=["incident", "peak", "feature", "moved", "spreads", "why"])


def _miss(row: Any, made: Evaluation, windows: Windows, detector: PerService) -> dict:
    scores = made.scores[(made.scores.recording == row.recording) & (made.scores.label == 1)]
    peak = float(scores.score.max() / made.threshold)
    far = _farthest(row, windows, detector, list(row.culprits)).head(1)
    told = {"feature": None, "moved": None, "spreads": None} if far.empty else _told(far.iloc[0])
    return {"incident": row.label, "peak": peak, **told, "why": _why(row, told["spreads"])}


def _told(cell: Any) -> dict[str, Any]:
    """A deviation, its numbers in words' size: the units of a column differ."""
    return {"feature": cell.feature, "moved": f"{brief(cell.usual)} → {brief(cell.seen)}",
            "spreads": cell.z}


def _why(row: Any, z: float | None) -> str:
    if z is None:
        return "the culprit sends no telemetry of its own"
    if row.slice == "silent":
        return "silent: no route at the entrance showed it either"
    if abs(z) < LARGE:
        return "no feature of the culprit left what is usual"
    return "it left what is usual, but normal traffic scores as high"


def wolves(made: Evaluation, windows: Windows, detector: PerService) -> pd.DataFrame:
    """What stood out where an alarm was false.

    One row a recording with false alarms: recording (its label), role, false_alarms, service,
    feature, moved (usual → seen, in the feature's unit), spreads (distance).
    """
    rows = about(made, windows)
    found = []
    for row in rows[rows.false_alarms > 0].itertuples():
        over = made.scores[(made.scores.recording == row.recording) & (made.scores.label == 0)
                           & (made.scores.score >= made.threshold)]
        cells = windows.of(str(row.recording))
        far = deviations(detector, cells[cells.window_start.isin(over.window_start)]).iloc[0]
        found.append({"recording": row.label, "role": row.role, "service": far.service,
                      "false_alarms": row.false_alarms, **_told(far)})
    return pd.DataFrame(found, columns=["recording", "role", "false_alarms", "service", "feature",
                                        "moved", "spreads"])


def _farthest(row: Any, windows: Windows, detector: PerService,
              services: list[str]) -> pd.DataFrame:
    """Deviations of these services while the event lasted, farthest first."""
    cells = windows.of(row.recording)
    inside = ((cells.window_start >= row.event_start) & (cells.window_start < row.event_end)
              & cells.service.isin(services))
    return deviations(detector, cells[inside])
