"""Draws the pictures of README and docs from a recorded data set and what `dvc repro` made of it.

Usage: python scripts/pictures.py [INCIDENT] [--dataset NAME] [--experiments FOLDER]
"""

from __future__ import annotations

import argparse
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from aiops import datasets, plots, rca
from aiops.workflows import detection, evaluate, incident_report, telemetry_report, train

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "docs" / "pictures"
CARD = str(ROOT / "datasets" / "{}" / "latency-heatmap.png")  # beside the data set's card


def main() -> None:
    dataset = yaml.safe_load((ROOT / "params.yaml").read_text())["dataset"]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("incident", nargs="?", default="", help="else the one users felt most")
    parser.add_argument("--dataset", default=dataset)
    parser.add_argument("--experiments", type=Path)
    given = parser.parse_args()
    made = given.experiments or ROOT / "experiments" / Path(given.dataset).name
    for name, figure in [*of_incident(given.dataset, given.incident), *of_all(given.dataset, made)]:
        path = CARD.format(given.dataset) if name == "latency-all" else f"{OUT}/{name}.png"
        Path(path).write_bytes(small(plots.to_png(figure, 160)))
        print(f"{name}.png: {figure.get_label()}")


def of_incident(dataset: str, incident: str) -> Iterator[tuple[str, Figure]]:
    """Where time went, what moved, and what users felt in one incident."""
    known = datasets.load(dataset)
    name, case = known.case(incident or incident_report.most_felt(known))
    source, blame = f"Recording {name}.", rca.rank(case)
    yield "service-graph", plots.service_graph(
        case.select("traces", "abnormal"), case.select("traces", "normal"), source)
    yield "latency-heatmap", plots.latency_heatmap(case.traces, case.abnormal, "alert", source)
    yield "evidence", plots.evidence(case.metrics, case.normal, case.abnormal,
                                     list(blame.index[:3]), blame=blame, source=source)


def of_all(dataset: str, made: Path) -> Iterator[tuple[str, Figure]]:
    """How fast the whole data set is, what a detector says of it, and what rankers are worth."""
    name = Path(dataset).name
    yield "latency-all", plots.latency_heatmap(telemetry_report.requests(datasets.load(dataset)),
                                               source=f"Data set {name}.")
    windows, (detector, card) = detection.read(made), train.load(made / "model")
    judged = detection.evaluate(detector, windows, name, card["detector"])
    yield "anomaly-score", evaluate.pictures(judged, windows, f"Data set {name}.")["alarms"]
    figures = json.loads((made / "metrics" / "rca.json").read_text())
    controls = [n for n, model in rca.RANKERS.items() if model.hindsight]
    yield "leaderboard", plots.leaderboard(figures, controls=controls, source=f"Data set {name}.")


def small(png: bytes) -> bytes:
    """The same picture in 128 colours, a third of the bytes."""
    from PIL import Image

    out = io.BytesIO()
    image = Image.open(io.BytesIO(png)).convert("RGB")
    image.quantize(128, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


if __name__ == "__main__":
    main()
