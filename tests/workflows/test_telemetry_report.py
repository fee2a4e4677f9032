"""A recorded data set at a glance, on the small bundled one."""

import shutil

import pytest

from aiops import datasets
from aiops.errors import InputError
from aiops.workflows import telemetry_report
from tests.datasets.recorded import recording


@pytest.fixture(scope="module")
def trial():
    return datasets.load("shop-trial")


def test_every_recording_is_a_row_with_what_its_load_saw(trial):
    table = telemetry_report.glance(trial)
    assert table.recording.tolist() == ["normal-1", "r001", "r002"]
    assert table.role.tolist() == ["normal", "incident", "incident"]
    assert table.culprits.tolist() == ["", "inventory", "cart"]
    assert table.requests.tolist() == [1679, 1528, 1217]
    assert telemetry_report.summary(table) == (
        "**3 recordings (2 incidents, 1 normal), 6 minutes in all: 4,424 requests, "
        "1.1 MB of OTLP.**")
    assert len(telemetry_report.requests(trial)) == 4424


def test_one_recording_of_normal_operation_is_read(trial):
    name, case = telemetry_report.read(trial)
    assert name == "normal-1"
    table = telemetry_report.sent(case).set_index("service")
    assert table.index[0] == "gateway"  # it is in every request
    assert {"cart", "payment", "notifier"} <= set(table.index)
    assert table.spans_per_s["gateway"] > table.spans_per_s["payment"] > 0
    assert (table.series >= table.metrics).all()
    with pytest.raises(InputError, match="no recording 'ghost'. It has: normal-1, r001, r002"):
        telemetry_report.read(trial, "ghost")


def test_requests_of_a_set_without_kept_load_are_its_root_spans(tmp_path):
    recording(tmp_path, "normal-1", 0, 10)
    mine = datasets.load(tmp_path)
    found = telemetry_report.requests(mine)
    assert len(found) == 40  # four a second, of three spans each
    assert set(found.service) == {"front"}
    assert found.duration_ns.between(7e6, 8e6).all()
    told = telemetry_report.summary(telemetry_report.glance(mine))
    assert told.startswith("**1 recording (1 normal), 0 minutes in all: 0.0 MB")
    assert telemetry_report.read(mine)[0] == "normal-1"


def test_each_recording_tells_its_requests_as_it_can(trial, tmp_path):
    shutil.copytree(trial.raw, tmp_path / "recordings")
    (tmp_path / "recordings" / "r001" / "load.parquet").unlink()
    found = telemetry_report.requests(datasets.load(tmp_path))
    assert (found.service == "load").sum() == 4424 - 1528
    assert (found.service == "gateway").sum() == 1528
    assert found.trace_id.is_unique
