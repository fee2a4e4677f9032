"""Judge a trained detector, and leave its figures and pictures as files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiops import plots
from aiops.errors import InputError
from aiops.evaluation.figures import Figure, flat
from aiops.workflows import detection, detection_report, train, whole

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure as Picture

FIGURES, RECORDINGS = "detection-figures.json", "detection-recordings.json"


def evaluate(features: Path, model: Path, dataset: str, out: Path) -> detection.Evaluation:
    """Judge a model folder's detector on the windows in ``features``.

    Writes ``out/metrics`` (see ``write``) and the pictures ``out/plots/<name>.png``.
    """
    detector, card = train.load(model)
    windows = detection.read(features)
    made = detection.evaluate(detector, windows, dataset, card["detector"])
    write(made, out / "metrics")
    for name, picture in pictures(made, windows, f"Data set {dataset}.").items():
        whole.write(out / "plots" / f"{name}.png", plots.to_png(picture, dpi=160))
    return made


def write(made: detection.Evaluation, out: Path) -> None:
    """Write figures, and what became of each recording, into the folder ``out``.

    ``detection.json`` is flat and rounded, for ``dvc metrics show``; ``detection-figures.json``
    holds all figures as they are, ``detection-recordings.json`` one record a recording.
    """
    whole.write_json([vars(figure) for figure in made.figures], out / FIGURES)
    whole.write_json(records(made.per_recording), out / RECORDINGS)
    whole.write_json(flat(made.figures), out / "detection.json")


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a frame in JSON's own types, null for what is missing; floats as they are."""
    plain = frame.astype(object).where(frame.notna(), None)
    return [{str(key): value.item() if hasattr(value, "item") else value
             for key, value in row.items()} for row in plain.to_dict("records")]


def figures(folder: Path) -> list[Figure]:
    """The figures that ``write`` wrote into the folder."""
    return [Figure(**each) for each in _read(folder / FIGURES)]


def precisions(folder: Path) -> pd.DataFrame:
    """Columns ap and chance by incident (the index), of what ``write`` wrote into the folder."""
    import pandas as pd

    rows = pd.DataFrame(_read(folder / RECORDINGS)).set_index("recording")
    return rows.loc[rows["role"] == "incident", ["ap", "chance"]].astype(float)


def _read(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        raise InputError(f"There is no {path}. Run `dvc repro --force evaluate`, or "
                         "`aiops pipeline evaluate`.")
    return list(json.loads(path.read_text()))


def pictures(made: detection.Evaluation, windows: detection.Windows,
             source: str) -> dict[str, Picture]:
    """The pictures of an evaluation by name."""
    return {
        "alarms": plots.alarms(made.scores, made.threshold, detection_report.about(made, windows),
                               windows.window_s, source),
        "incidents": plots.incidents(detection_report.incidents(made, windows), source),
    }
