"""What an evaluation found, in words: tables for pictures and reports, recording by recording."""

from __future__ import annotations

from typing import Any

import pandas as pd

from aiops.detection import PerService
from aiops.detection.reasons import deviations
from aiops.evaluation.recordings import PER_HOUR
from aiops.plots.style import brief
from aiops.plots.tables import UNITS
from aiops.workflows.detection import Evaluation, Windows

LARGE = 3.0  # train spreads: less is what normal traffic does as well
_ENDS = {"_bytes_per_s": "bytes/s", **UNITS}
AREAS = {"vus_pr": "VUS-PR", "pr_auc": "PR-AUC"}
AT = {"event_recall": "event_recall", "delay_s": "delay_s", "false_alarms": "false_alarms",
      "false_alarms_per_hour": "false_alarms_per_hour", "alarm_time": "alarm_time_percent"}


# --- figures ------------------------------------------------------------------------------
def areas(made: Evaluation) -> pd.DataFrame:
    """What needs no threshold: a row a metric, with interval and chance, shares."""
    kept = [(AREAS[f.metric], f.value, f.low, f.high, f.chance, f.n) for f in made.figures
            if f.slice == "all" and f.metric in AREAS]
    return pd.DataFrame(kept, columns=["metric", "value", "low", "high", "chance", "incidents"])


def at_thresholds(made: Evaluation) -> pd.DataFrame:
    """What the learned threshold and the one with hindsight give, a row each.

    Columns threshold (which), score (alarms are at or over it), event_recall with low, high and
    chance (shares), delay_s (median), false_alarms, false_alarms_per_hour, alarm_time_percent.
    """
    found, rows = {f.metric: f for f in made.figures if f.slice == "all"}, []
    for name, suffix, score in (("learned", "", made.threshold),
                                ("with hindsight", "_hindsight", made.threshold_hindsight)):
        held = {new: found[old + suffix].value for old, new in AT.items() if old + suffix in found}
        recall = found["event_recall" + suffix]
        rows.append({"threshold": name, "score": score, **held, "low": recall.low,
                     "high": recall.high, "chance": recall.chance,
                     "alarm_time_percent": 100 * held["alarm_time_percent"]})
    return pd.DataFrame(rows).reindex(columns=[
        "threshold", "score", "event_recall", "low", "high", "chance", "delay_s", "false_alarms",
        "false_alarms_per_hour", "alarm_time_percent"])


def hindsight(made: Evaluation, per_hour: float = PER_HOUR) -> str:
    """A sentence: why the threshold with hindsight finds more or fewer incidents.

    Both are bound to ``per_hour`` false alarms; the higher one finds no more.
    """
    learned, best = at_thresholds(made).itertuples()
    compared = "higher, so that it cannot find more" if best.score > learned.score else \
        "no higher, so that it cannot find fewer"
    return (f"Both thresholds are the lowest that keep to {per_hour:g} false alarms an hour: the "
            "learned one on normal traffic that was held out, the one with hindsight on the very "
            "scores that are judged. Here the learned one came to "
            f"{learned.false_alarms_per_hour:.1f} an hour. Hindsight's is {compared}: event recall "
            f"{best.event_recall:.2f} against {learned.event_recall:.2f}.")


def slices(made: Evaluation) -> pd.DataFrame:
    """A row a slice of the incidents, then disturbances and controls.

    Columns slice, raise_an_alarm (how many of how many, at the learned threshold: incidents while
    they last, the others from their start on), vus_pr and its chance (shares; incidents alone).
    """
    rows: dict[str, dict[str, Any]] = {}
    for f in made.figures:
        row = rows.setdefault(f.slice, {"slice": f.slice, "incident": f.metric != "alarmed"})
        if f.metric == "vus_pr":
            row |= {"vus_pr": f.value, "chance": f.chance}
        elif f.metric in ("event_recall", "alarmed"):
            row["raise_an_alarm"] = f"{f.value * f.n:.0f} of {f.n}"
    told = sorted(rows.values(), key=lambda row: not row["incident"])
    return pd.DataFrame(told, columns=["slice", "raise_an_alarm", "vus_pr", "chance"])


# --- recording by recording ---------------------------------------------------------------
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

    Columns incident, peak (highest score over the threshold), feature, moved (usual → seen, with
    the unit), spreads (distance), why.
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
    """A deviation, its numbers in words' size, with their unit: the units of a column differ."""
    end = next((end for end in _ENDS if cell.feature.endswith(end)), "")
    numbers = f"{brief(cell.usual)} → {brief(cell.seen)}".replace("-", "−")
    return {"feature": cell.feature.removesuffix(end).replace("_", " "),
            "moved": f"{numbers} {_ENDS.get(end, '')}".strip(), "spreads": cell.z}


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
    feature, moved (usual → seen, with the unit), spreads (distance).
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
