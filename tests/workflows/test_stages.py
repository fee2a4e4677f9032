"""The pipeline's stages on a recording made here: real OTLP files in, tables out."""

import json

import pandas as pd
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from aiops.errors import InputError
from aiops.otlp import files
from aiops.workflows import stages

START = 1_700_000_000_000_000_000  # a multiple of 5 s


def request(service, offset_s, failed=False):
    made = ExportTraceServiceRequest()
    sent = made.resource_spans.add()
    name = sent.resource.attributes.add(key="service.name")
    name.value.string_value = service
    scope = sent.scope_spans.add()
    span = scope.spans.add(trace_id=b"t" * 16, span_id=b"s" * 8, name="GET", kind=2)
    span.start_time_unix_nano = START + int(offset_s * 1e9)
    span.end_time_unix_nano = span.start_time_unix_nano + 4_000_000
    span.status.code = 2 if failed else 0
    return made.SerializeToString()


@pytest.fixture
def recordings(tmp_path):
    folder = tmp_path / "set" / "recordings" / "r001"
    folder.mkdir(parents=True)
    writer = files.Writer(folder)
    for offset, failed in ((0, False), (1, True), (7, False)):
        writer("traces", request("cart", offset, failed))
    writer.close(compress=True)
    (folder / "recording.json").write_text(json.dumps({"id": "r001"}))
    return folder.parent


def test_recordings_become_features(recordings, tmp_path):
    counts = stages.ingest(recordings, tmp_path / "out" / "lake")
    assert counts["spans"] == 3
    assert counts["refused"] == 0
    truth = tmp_path / "truth.json"
    truth.write_text("{}")
    rows = stages.featurize(tmp_path / "out" / "lake", tmp_path / "out", 5.0, truth=truth)
    assert rows == {"features": 2, "topology": 0, "labels": 0}
    table = pd.read_parquet(tmp_path / "out" / "features.parquet")
    assert table.request_count.tolist() == [2, 1]
    assert table.error_rate.tolist() == [0.5, 0.0]
    assert table.latency_p50_ms.tolist() == [4.0, 4.0]
    assert table.cpu_cores.isna().all()


def test_the_same_recordings_give_the_same_bytes(recordings, tmp_path):
    for out in ("a", "b"):
        stages.ingest(recordings, tmp_path / out / "lake")
        stages.featurize(tmp_path / out / "lake", tmp_path / out, 5.0)
    for name in ("ingest.json", "features.parquet", "topology.parquet"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_ingesting_again_replaces_the_lake(recordings, tmp_path):
    for _ in range(2):
        counts = stages.ingest(recordings, tmp_path / "lake")
    assert counts["spans"] == 3
    assert stages.featurize(tmp_path / "lake", tmp_path, 5.0)["features"] == 2


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="dvc pull"):
        stages.ingest(tmp_path, tmp_path / "lake")
