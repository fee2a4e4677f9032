"""The pipeline's stages on a recording made here: real OTLP files in, tables out."""

import json

import pandas as pd
import pyarrow as pa
import pytest

from aiops.datasets.recorded import read_case
from aiops.errors import CaseError, InputError
from aiops.otlp import files
from aiops.workflows import stages
from tests import sent

START = 1_700_000_000_000_000_000  # a multiple of 5 s


def request(service, offset_s, failed=False):
    return sent.traces([sent.span(
        service, START + int(offset_s * 1e9), 4_000_000, failed=failed, name="GET",
        kind=sent.SERVER, trace_id=b"t" * 16, span_id=b"s" * 8)])


@pytest.fixture
def recordings(tmp_path):
    folder = tmp_path / "set" / "recordings" / "r001"
    folder.mkdir(parents=True)
    writer = files.Writer(folder)
    for offset, failed in ((0, False), (1, True), (7, False)):
        writer("traces", request("cart", offset, failed))
    writer.close(compress=True)
    (folder / "recording.json").write_text(json.dumps({"id": "r001", "recorded": [
        "2023-11-14T22:13:20Z", "2023-11-14T22:13:30Z"]}))
    return folder.parent


def test_recordings_become_features(recordings, tmp_path):
    counts = stages.ingest(recordings, tmp_path / "out" / "lake")
    assert counts["spans"] == 3
    assert counts["refused"] == 0
    rows = stages.featurize(tmp_path / "out" / "lake", tmp_path / "out", 5.0,
                            dataset=recordings.parent)
    assert rows == {"recordings": 1, "features": 2, "topology": 0, "labels": 0}
    table = pd.read_parquet(tmp_path / "out" / "features.parquet")
    assert table.request_count.tolist() == [2, 1]
    assert table.error_rate.tolist() == [0.5, 0.0]
    assert table.latency_p50_ms.tolist() == [4.0, 4.0]
    assert table.cpu_cores.isna().all()


def test_a_damaged_recording_is_refused_and_leaves_no_lake(recordings, tmp_path):
    path = recordings / "r001" / "traces.otlp.zst"
    data = pa.input_stream(str(path), compression="zstd").read()
    path.write_bytes(pa.Codec("zstd").compress(data[:-5], asbytes=True))
    with pytest.raises(CaseError, match="r001 is damaged: 1 of its requests could not be read"):
        stages.ingest(recordings, tmp_path / "out" / "lake")
    assert not list((tmp_path / "out").glob("lake*"))
    about = {"normal": [["2023-11-14T22:13:20Z", "2023-11-14T22:13:25Z"]],
             "abnormal": ["2023-11-14T22:13:25Z", "2023-11-14T22:13:30Z"]}
    with pytest.raises(CaseError, match="traces.otlp.zst is damaged"):
        read_case(recordings / "r001", about)


def test_only_windows_wholly_inside_a_recording_become_rows(recordings, tmp_path):
    later = recordings / "r002"
    later.mkdir()
    writer = files.Writer(later)
    for offset in (29, 31, 36, 41):  # of these windows 35 to 40 alone is whole
        writer("traces", request("cart", offset))
    writer.close(compress=True)
    (later / "recording.json").write_text(json.dumps({"id": "r002", "recorded": [
        "2023-11-14T22:13:52Z", "2023-11-14T22:14:03Z"]}))
    truth = {"r002": {"culprits": ["cart"], "kind": "service", "fault": "cpu", "role": "incident",
                      "start": "2023-11-14T22:13:55Z", "end": "2023-11-14T22:14:00Z",
                      "visible": {"GET /": {"latency": False, "errors": True},
                                  "GET /x": {"latency": False, "errors": False}}}}
    (recordings.parent / "truth.json").write_text(json.dumps(truth))
    stages.ingest(recordings, tmp_path / "lake")
    stages.featurize(tmp_path / "lake", tmp_path, 5.0, dataset=recordings.parent)
    rows = pd.read_parquet(tmp_path / "features.parquet")
    since = (rows.window_start - pd.Timestamp(START, tz="UTC")).dt.total_seconds()
    assert since.tolist() == [0, 5, 35]
    assert rows.request_count.tolist() == [2, 1, 1]
    told = pd.read_parquet(tmp_path / "recordings.parquet").set_index("recording")
    assert told.role.to_dict() == {"r001": "normal", "r002": "incident"}
    assert told.fault["r002"] == "cpu"
    assert told.visible["r002"].tolist() == ["GET /"]
    assert pd.isna(told.event_start["r001"])
    assert not set(told.columns) & set(rows.columns)  # the truth lies apart


def test_without_recordings_every_window_is_a_row(recordings, tmp_path):
    stages.ingest(recordings, tmp_path / "lake")
    assert stages.featurize(tmp_path / "lake", tmp_path, 1.0) == {"features": 8, "topology": 0}
    assert not (tmp_path / "recordings.parquet").exists()


def test_a_recording_must_say_when_it_is_whole(recordings, tmp_path):
    stages.ingest(recordings, tmp_path / "lake")
    (recordings / "r001" / "recording.json").write_text('{"id": "r001"}')
    with pytest.raises(CaseError, match='must say "recorded"'):
        stages.featurize(tmp_path / "lake", tmp_path, 5.0, dataset=recordings.parent)
    assert not (tmp_path / "features.parquet").exists()


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


def test_a_lost_lake_is_named_with_the_way_to_make_it_again(recordings, tmp_path):
    with pytest.raises(InputError, match="dvc repro --force ingest"):
        stages.featurize(tmp_path / "lake", tmp_path, 5.0, dataset=recordings.parent)
    assert not (tmp_path / "lake").exists()
