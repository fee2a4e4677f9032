import json

import pytest

from aiops.errors import InputError
from aiops.testbed import plan, summary

INCIDENT = plan.Entry("r001", "incident", 1, 0.0, 60, 45, 15, "errors", "cart")
CONTROL = plan.Entry("r002", "control", 2, 125.0, 60, 45, 15)


def stored(folder, name, **noticed):
    recording = folder / "recordings" / name
    recording.mkdir(parents=True)
    told = {"load": {"requests": 100, "latency_p95_ms": 20.0}, **noticed,
            "contention": {"summary": {"own_wait_cores_max": 0.1, "spoilt": False}}}
    (recording / "recording.json").write_text(json.dumps(told))


def test_rows_and_totals_tell_what_was_noticed_and_when(tmp_path):
    plan.save([INCIDENT, CONTROL], tmp_path / "plan.json")
    stored(tmp_path, "r001", symptom={"metric": "errors"}, detected_at="2026-01-01T00:00:10Z")
    stored(tmp_path, "r002", detected_at="2026-01-01T00:03:00Z")
    (tmp_path / "truth.json").write_text(json.dumps({
        "r001": {"start": "2026-01-01T00:00:00Z", "silent": False},
        "r002": {"start": "2026-01-01T00:03:00Z", "silent": True}}))
    found = summary.rows(tmp_path)
    assert [(row["id"], row["noticed_s"]) for row in found] == [("r001", 10.0), ("r002", None)]
    totals = summary.totals(found)
    assert totals["recordings"] == {"incident": 1, "control": 1}
    assert (totals["alerted"], totals["silent"], totals["alerted_without_fault"]) == (1, 0, 0)
    assert totals["bytes"] > 0


def test_unfinished_recordings_are_left_out_and_another_folder_is_refused(tmp_path):
    plan.save([INCIDENT], tmp_path / "plan.json")
    assert summary.rows(tmp_path) == []
    with pytest.raises(InputError, match=r"no plan\.json"):
        summary.rows(tmp_path / "elsewhere")
