"""Folders are recognised by their files; what was written is read back."""

import json
from pathlib import Path

import pandas as pd
import pytest

from aiops import datasets
from aiops.case import Case
from aiops.datasets import folder, rcd
from aiops.errors import CaseError, InputError, LayoutError

T0 = pd.Timestamp("2026-01-31T12:00:00Z")


def at(seconds: float) -> pd.Timestamp:
    return T0 + pd.Timedelta(seconds=seconds)


def case() -> Case:
    spans = pd.DataFrame({
        "trace_id": "t", "span_id": ["1", "2"], "parent_span_id": [None, "1"],
        "service": ["a", "b"], "operation": "op", "start": [at(1), at(2)], "duration_ns": 5,
        "attributes": [[("k", "v")], None]})
    logs = pd.DataFrame({"time": [at(3)], "service": ["a"], "severity_number": [9],
                         "body": ["hello"]})
    alerts = pd.DataFrame({"instance": ["a-1"], "service": ["a"], "kind": ["log"],
                           "name": ["x"], "time": [at(21)]})
    topology = pd.DataFrame({"caller": ["a"], "callee": ["b"]})
    metrics = pd.DataFrame({"time": [at(0)], "service": ["a"], "name": ["cpu"], "value": [0.5]})
    return Case(normal=((at(0), at(20)),), abnormal=(at(20), at(40)), traces=spans, logs=logs,
                metrics=metrics, alerts=alerts, topology=topology, entry_service="a",
                symptom={"service": "a", "metric": "latency"}, suspects=("a", "b", "host"))


def rcd_like(root: Path) -> Path:
    path = root / "carts-cpu" / "1"
    path.mkdir(parents=True)
    header = "time,carts_cpu,carts-db_mem,front-end_lat_50,front-end_lat_90\n"
    (path / "normal.csv").write_text(header + "100,1,2000000,9,5\n101,2,,9,6\n")
    (path / "anomalous.csv").write_text(header + "500,3,4000000,9,7\n")
    return root


def test_a_case_survives_the_way_to_disk_and_back(tmp_path):
    wanted = case()
    folder.write_case(tmp_path, "r001", wanted)
    [(name, got)] = datasets.load(tmp_path).cases()
    assert name == "r001"
    assert list(got.tables) == list(wanted.tables)
    for table, frame in wanted.tables.items():
        pd.testing.assert_frame_equal(got.tables[table], frame, check_dtype=False)
    for field in ("normal", "abnormal", "detected_at", "entry_service", "symptom", "suspects"):
        assert getattr(got, field) == getattr(wanted, field)


def test_shared_normal_and_history_are_read_apart(tmp_path):
    folder.write_case(tmp_path, "r001", case())
    folder.write_case(tmp_path / "history", "h1", case())
    path = tmp_path / "r001"
    about = json.loads((path / "case.json").read_text()) | {"normal_in": "day"}
    (path / "case.json").write_text(json.dumps(about))
    with pytest.raises(CaseError, match="normal_in names 'day'"):
        list(datasets.load(tmp_path).cases())
    (tmp_path / "normal" / "day").mkdir(parents=True)
    (path / "logs.parquet").rename(tmp_path / "normal" / "day" / "logs.parquet")
    opened = datasets.load(tmp_path)
    assert [(name, len(got.tables["logs"])) for name, got in opened.cases()] == [("r001", 1)]
    assert [name for name, _ in opened.history()] == ["h1"]


def test_rcd_folds_databases_and_leaves_bytes_alone(tmp_path):
    opened = datasets.load(rcd_like(tmp_path))
    assert opened.truth == {
        "carts-cpu/1": {"culprits": ["carts"], "kind": "service", "fault": "cpu"}}
    [(_, got)] = opened.cases()
    assert got.suspects == ("carts", "front-end")
    memory = got.metrics[got.metrics["name"] == "mem"]
    assert memory[["instance", "unit", "value"]].to_numpy().tolist() == [
        ["carts-db", "By", 2e6], ["carts-db", "By", 4e6]]
    assert "lat_50" not in set(got.metrics["name"])
    assert got.abnormal[0] == pd.Timestamp(500, unit="s", tz="UTC")
    assert len(got.select("metrics", "abnormal")) == 3


def test_ambiguous_unknown_and_overridden_layouts(tmp_path):
    rcd_like(tmp_path)
    folder.write_case(tmp_path, "r001", case())
    with pytest.raises(LayoutError, match="ambiguous: it has files of cases and rcd"):
        datasets.load(tmp_path)
    assert [name for name, _ in datasets.load(tmp_path, rcd.LAYOUT).cases()] == ["carts-cpu/1"]
    with pytest.raises(LayoutError, match="no files of the layout recordings"):
        datasets.load(tmp_path, "recordings")
    with pytest.raises(LayoutError, match="must be one of cases, rcd, recordings"):
        datasets.load(tmp_path, "unheard-of")
    with pytest.raises(LayoutError, match="no data set 'nothing'"):
        datasets.load("nothing")


def test_bad_files_say_what_they_lack(tmp_path):
    (tmp_path / "r1").mkdir()
    (tmp_path / "r1" / "case.json").write_text('{"id": "r1"}')
    with pytest.raises(CaseError, match="lacks normal, abnormal"):
        list(datasets.load(tmp_path).cases())
    (tmp_path / "truth.json").write_text('{"r1": {"culprit": "a"}}')
    with pytest.raises(CaseError, match="list of culprits"):
        datasets.load(tmp_path)


def test_one_case_is_read_without_the_others(tmp_path):
    for name in ("a", "b"):
        folder.write_case(tmp_path, name, case())
    opened = datasets.load(tmp_path)
    (tmp_path / "a" / "metrics.parquet").write_bytes(b"broken")
    assert opened.case("b")[0] == "b"
    with pytest.raises(InputError, match="no case 'c'. It has: a, b"):
        opened.case("c")
    about = json.loads((tmp_path / "b" / "case.json").read_text()) | {"id": "a"}
    (tmp_path / "b" / "case.json").write_text(json.dumps(about))
    with pytest.raises(CaseError, match="Two folders have the id 'a'"):
        opened.case("a")
