"""What docs/own-data.md promises of a set that others recorded: OTLP, windows, a short truth."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from aiops.cli import app
from tests.datasets.recorded import recording

ROOT = Path(__file__).parents[2]
TOLD = ("culprits", "kind", "fault", "start", "end")  # what the page writes into truth.json


def mine(root: Path, *, normal: bool = True, incident: bool = True) -> Path:
    folder = root / "mine"
    if normal:
        recording(folder, "calm", 0, 60)
    if incident:
        recording(folder, "slow-cart", 100, 40, planted=(20, 40), slow_ms=50)
        truth = json.loads((folder / "truth.json").read_text())
        truth = {name: {key: each[key] for key in TOLD} for name, each in truth.items()}
        (folder / "truth.json").write_text(json.dumps(truth))
    else:
        (folder / "truth.json").write_text("{}")
    return folder


def run(stage: str, dataset: Path, out: Path) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["pipeline", *stage.split(), str(dataset), str(out)])
    return done.exit_code, f"{done.output}\n{done.exception}"


def test_every_stage_runs_on_a_set_of_ones_own(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)  # where params.yaml lies
    folder, out = mine(tmp_path), tmp_path / "out"
    for stage in ("ingest", "featurize", "rank", "train", "evaluate",
                  "report notebooks/01-explore-telemetry.ipynb"):
        code, printed = run(stage, folder, out)
        assert code == 0, printed
    assert json.loads((out / "metrics/detection.json").read_text())["vus_pr"] > 0.5
    found = json.loads((out / "reports/01-explore-telemetry.json").read_text())["findings"]
    assert len(found) == 3  # requests, calls, the slowest of them
    assert "requests take under" in found[0]


@pytest.mark.parametrize(("lacks", "stage", "says"), [
    ("normal", "train", "no recording of normal traffic"),
    ("incident", "rank", "no truth.json to score against"),
    ("incident", "evaluate", "truth.json names none of the recordings calm")])
def test_a_stage_that_cannot_run_says_what_the_set_lacks(tmp_path, monkeypatch, lacks, stage,
                                                         says):
    monkeypatch.chdir(ROOT)
    folder, out = mine(tmp_path, **{lacks: False}), tmp_path / "out"
    for before in ("ingest", "featurize") + ("train",) * (stage == "evaluate"):
        code, printed = run(before, folder, out)
        assert code == 0, printed
    code, printed = run(stage, folder, out)
    assert code == 1
    assert says in " ".join(printed.split())


def test_an_incident_without_its_time_is_refused_by_name(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    folder, out = mine(tmp_path), tmp_path / "out"
    (folder / "truth.json").write_text('{"slow-cart": {"culprits": ["cart"]}}')
    for before in ("ingest", "featurize", "train"):
        code, printed = run(before, folder, out)
        assert code == 0, printed
    code, printed = run("evaluate", folder, out)
    assert code == 1
    assert "start and end of an incident. Got none for slow-cart" in printed
