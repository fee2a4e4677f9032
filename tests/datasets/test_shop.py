"""Recorded sets: raw OTLP becomes a Case, and what was recorded a table."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from aiops import datasets, schema
from aiops.errors import CaseError
from tests.datasets.recorded import T0, recording


@pytest.fixture
def root(tmp_path: Path) -> Path:
    recording(tmp_path, "r001", 100, 30, planted=(15, 25), slow_ms=50)
    recording(tmp_path, "r002", 200, 30, planted=(15, 25), role="control")
    recording(tmp_path, "normal-1", 0, 10)
    return tmp_path


def test_a_recording_becomes_a_case_without_its_truth(root: Path) -> None:
    opened = datasets.load(root)
    assert [name for name, _ in opened.cases()] == ["r001", "r002"]  # normal traffic is none
    _, case = opened.case("r001")
    start = T0 + pd.Timedelta(seconds=100)
    assert case.normal == ((start, start + pd.Timedelta(seconds=15)),)
    assert case.abnormal[1] == start + pd.Timedelta(seconds=25)
    assert case.suspects == ("front", "cart", "host", "front->cart")
    assert len(case.select("traces", "normal")) == 3 * 4 * 15
    assert case.topology.to_numpy().tolist() == [["front", "cart"]]
    assert case.traces["peer_service"].dropna().unique().tolist() == ["cart"]
    assert "latency" not in repr(case.tables)


def test_what_was_recorded_is_a_table_in_order_of_time(root: Path) -> None:
    table = datasets.recordings(root)
    assert table.schema == schema.RECORDINGS
    rows = {row["recording"]: row for row in table.to_pylist()}
    assert list(rows) == ["normal-1", "r001", "r002"]
    assert [row["role"] for row in rows.values()] == ["normal", "incident", "control"]
    assert [row["visible"] for row in rows.values()] == [None, ["GET /"], []]
    assert [row["culprits"] for row in rows.values()] == [[], ["cart"], []]
    assert rows["normal-1"]["event_start"] is None
    assert rows["r001"]["event_start"] == T0 + pd.Timedelta(seconds=115)
    assert rows["r001"]["end"] - rows["r001"]["start"] == pd.Timedelta(seconds=30)
    assert {row["detected_at"] for row in rows.values()} == {None}  # no alert: no symptom


def test_an_entry_without_a_role_is_what_its_culprits_say(root: Path) -> None:
    truth = json.loads((root / "truth.json").read_text())
    for entry in truth.values():
        del entry["role"]
    (root / "truth.json").write_text(json.dumps(truth))
    assert datasets.recordings(root)["role"].to_pylist() == ["normal", "incident", "control"]
    truth["r002"]["role"] = "accident"
    (root / "truth.json").write_text(json.dumps(truth))
    with pytest.raises(CaseError, match="must be one of incident, disturbance, control, normal"):
        datasets.recordings(root)


def test_an_alert_is_known_by_its_symptom(root: Path) -> None:
    path = root / "recordings" / "r001" / "recording.json"
    about = json.loads(path.read_text()) | {"symptom": {"service": "front", "metric": "latency"}}
    path.write_text(json.dumps(about))
    told = dict(zip(*datasets.recordings(root).select(["recording", "detected_at"]).to_pydict()
                    .values(), strict=True))
    assert told == {"normal-1": None, "r001": T0 + pd.Timedelta(seconds=115), "r002": None}
    assert datasets.load(root).case("r001")[1].symptom["metric"] == "latency"


def test_recordings_that_are_not_there_say_how_to_fetch_them(root: Path, tmp_path: Path) -> None:
    for file in (root / "recordings" / "r001").glob("*.otlp.zst"):
        file.unlink()
    with pytest.raises(CaseError, match="dvc pull"):
        datasets.load(root).case("r001")
    with pytest.raises(CaseError, match="dvc pull"):
        datasets.recordings(tmp_path / "empty")


def test_an_incident_that_the_truth_leaves_out_is_no_normal_traffic(root: Path) -> None:
    truth = json.loads((root / "truth.json").read_text())
    del truth["r001"]
    (root / "truth.json").write_text(json.dumps(truth))
    with pytest.raises(CaseError, match="does not name 'r001', which has an abnormal window"):
        datasets.recordings(root)
