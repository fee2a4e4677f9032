"""A recorded data set at a glance, on the small bundled one."""

import pytest

from aiops import datasets
from aiops.errors import InputError
from aiops.workflows import telemetry


@pytest.fixture(scope="module")
def trial():
    return datasets.load("shop-trial")


def test_every_recording_is_a_row_with_what_its_load_saw(trial):
    table = telemetry.glance(trial)
    assert table.recording.tolist() == ["normal-1", "r001", "r002"]
    assert table.role.tolist() == ["normal", "incident", "incident"]
    assert table.culprits.tolist() == ["", "inventory", "cart"]
    assert table.requests.tolist() == [1679, 1528, 1217]
    assert telemetry.summary(table) == ("**3 recordings (2 incidents, 1 normal), 6 minutes in all: "
                                        "4,424 requests, 1.1 MB of compressed OTLP.**")
    assert len(telemetry.requests(trial)) == 4424


def test_one_recording_of_normal_operation_is_read(trial):
    name, case = telemetry.read(trial)
    assert name == "normal-1"
    table = telemetry.sent(case).set_index("service")
    assert table.index[0] == "gateway"  # it is in every request
    assert {"cart", "payment", "notifier"} <= set(table.index)
    assert table.spans_per_s["gateway"] > table.spans_per_s["payment"] > 0
    assert (table.series >= table.metrics).all()
    with pytest.raises(InputError, match="no recording 'ghost'. It has: normal-1, r001, r002"):
        telemetry.read(trial, "ghost")
