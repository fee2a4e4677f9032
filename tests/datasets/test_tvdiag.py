"""TVDiag's layout: alerts without times, by case; test cases scored, train cases history."""

import json
from pathlib import Path

import pandas as pd
import pytest

from aiops import datasets
from aiops.datasets import tvdiag
from aiops.errors import CaseError

LABEL = ",index,instance,anomaly_type,data_type\n0,7,cart-0,cpu,test\n1,3,front-end-0,loss,train\n"
RAW = {
    "nodes": {"3": ["cart-0", "front-end-0"], "7": ["cart-0", "front-end-0", "front-end-1"],
              "9": ["cart-0"]},
    "edges": {"3": [], "7": [[2, 0], [0, 2], [1, 1], [2, 0], [0, 2], [1, 0], [0, 1]], "9": []},
    "metrics": {"3": [["front-end-0", "net_receive", "down"]],
                "7": [["cart-0", "cpu_usage", "up"], ["host-10", "node_cpu_usage", "up"]],
                "9": []},
    "traces": {"3": [], "9": [],
               "7": [["-1", "front-end-1", "HTTP/POST", "PD"], ["-1", "", "find/data", "PD"],
                     ["front-end-1", "cart-0", "/carts", "500"]]},
    "logs": {"3": [], "7": [["cart-0", "cart-0-34"], ["front-end-1", "front-end-1--1"]], "9": []},
}


def made(root: Path) -> Path:
    (root / "raw").mkdir()
    (root / "label.csv").write_text(LABEL)
    for name, content in RAW.items():
        (root / "raw" / f"{name}.json").write_text(json.dumps(content))
    return root


def cells(frame: pd.DataFrame, columns: list[str]) -> list[list[object]]:
    return frame[columns].astype(object).where(frame[columns].notna(), None).to_numpy().tolist()


def test_alerts_of_all_kinds_are_read(tmp_path):
    [(name, case)] = datasets.load(made(tmp_path)).cases()
    assert name == "7"
    assert list(case.tables) == ["alerts", "topology"]
    assert cells(case.alerts, ["instance", "service", "kind", "name"]) == [
        ["cart-0", "cart", "metric", "cpu_usage"],
        ["host-10", "host-10", "metric", "node_cpu_usage"],
        ["front-end-1", "front-end", "trace", "HTTP/POST PD"],
        ["cart-0", "cart", "trace", "/carts 500"],
        ["cart-0", "cart", "log", "34"], ["front-end-1", "front-end", "log", "-1"]]
    assert cells(case.alerts, ["direction", "peer", "host"]) == [
        ["up", None, None], ["up", None, "host-10"], [None, None, None],
        [None, "front-end-1", None], [None, None, None], [None, None, None]]


def test_alerts_without_times_belong_to_the_incident(tmp_path):
    [(_, case)] = tvdiag.open_dataset(made(tmp_path)).cases()
    assert "time" not in case.alerts
    assert (len(case.select("alerts", "abnormal")), len(case.select("alerts", "normal"))) == (6, 0)


def test_topology_and_suspects_are_this_cases_nodes(tmp_path):
    [(_, case)] = tvdiag.open_dataset(made(tmp_path)).cases()
    assert case.suspects == ("cart-0", "front-end-0", "front-end-1")
    assert case.topology.to_numpy().tolist() == [
        ["front-end-1", "cart-0"], ["cart-0", "front-end-1"],
        ["front-end-0", "cart-0"], ["cart-0", "front-end-0"]]


def test_train_cases_are_history_with_their_truth_beside(tmp_path):
    opened = tvdiag.open_dataset(made(tmp_path))
    assert opened.truth == {"7": {"culprits": ["cart-0"], "kind": "service", "fault": "cpu"}}
    assert opened.history_truth == {
        "3": {"culprits": ["front-end-0"], "kind": "service", "fault": "loss"}}
    [(name, case)] = opened.history()
    assert (name, case.suspects) == ("3", ("cart-0", "front-end-0"))
    assert cells(case.alerts, ["instance", "name", "direction"]) == [
        ["front-end-0", "net_receive", "down"]]
    assert case.topology.empty


def test_nothing_of_the_labels_reaches_a_case(tmp_path):
    opened = tvdiag.open_dataset(made(tmp_path))
    _, before = opened.case("7")
    other = LABEL.replace("7,cart-0,cpu", "7,front-end-1,memory")
    (tmp_path / "label.csv").write_text(other)
    _, after = tvdiag.open_dataset(tmp_path).case("7")
    for table, frame in before.tables.items():
        pd.testing.assert_frame_equal(frame, after.tables[table])
    same = ("normal", "abnormal", "detected_at", "entry_service", "symptom", "suspects")
    assert all(getattr(before, field) == getattr(after, field) for field in same)
    [(_, past)] = opened.history()
    assert (past.normal, past.abnormal) == (before.normal, before.abnormal)


def test_metric_alerts_may_state_the_host(tmp_path):
    longer = {case: [[row[0], "n1", *row[1:]] for row in rows]
              for case, rows in RAW["metrics"].items()}
    (made(tmp_path) / "raw" / "metrics.json").write_text(json.dumps(longer))
    [(_, case)] = tvdiag.open_dataset(tmp_path).cases()
    assert cells(case.alerts[:2], ["name", "direction", "host"]) == [
        ["cpu_usage", "up", "n1"], ["node_cpu_usage", "up", "host-10"]]


def test_raw_files_are_parsed_once_a_data_set(tmp_path):
    opened = tvdiag.open_dataset(made(tmp_path))
    assert len(list(opened.cases())) == 1
    for path in (tmp_path / "raw").iterdir():
        path.unlink()
    assert len(list(opened.cases())) == len(list(opened.history())) == 1


@pytest.mark.parametrize(("file", "content", "says"), [
    ("label.csv", "index,instance\n7,cart-0\n", "must be a CSV table with index, instance"),
    ("label.csv", LABEL.replace("test", "dev"), "train or test as data_type. Got 0 .* dev, train"),
    ("label.csv", LABEL.replace("cpu", ""), "must have no empty cell"),
    ("label.csv", LABEL.replace("1,3", "1,7"), "each index once. Got 7 twice"),
    ("raw/nodes.json", '{"7": ["cart-0"]}', "a list for every case of label.csv. Got none for 3"),
    ("raw/nodes.json", "[", "must be a JSON object"),
    ("raw/edges.json", '{"3": [], "7": [[0, 3]]}', "beyond the last node of case 7"),
    ("raw/edges.json", '{"3": [], "7": [[0, 1], [0]]}', "rows of 2 cells. Got rows of 1, 2"),
    ("raw/metrics.json", '{"3": [], "7": [["a", "b"]]}', "rows of 3 or 4 cells. Got rows of 2"),
    ("raw/traces.json", '{"3": [], "7": [["a", "b", "c", null]]}', "no empty cell"),
    ("raw/logs.json", '{"3": [], "7": "cart-0"}', "Got none for 7"),
])
def test_a_damaged_or_missing_file_is_named(tmp_path, file, content, says):
    path = made(tmp_path) / file
    path.write_text(content)
    with pytest.raises(CaseError, match=f"{file}.*{says}"):
        tvdiag.open_dataset(tmp_path).case()
    path.unlink()
    with pytest.raises(CaseError, match=file):
        tvdiag.open_dataset(tmp_path).case()


@pytest.fixture(scope="module", params=[("sockshop", 241, 248, 21), ("hotel", 78, 122, 18)])
def public(request, aiops_data):
    name, *counts = request.param
    return tvdiag.open_dataset(aiops_data / "rca" / "tvdiag" / name), tuple(counts)


def test_the_published_splits_are_whole(public):
    opened, (test, train, nodes) = public
    scored, past = dict(opened.cases()), dict(opened.history())
    assert (len(scored), len(past)) == (test, train)
    assert (list(scored), list(past)) == (list(opened.truth), list(opened.history_truth))
    truth = opened.truth | opened.history_truth
    for name, case in (scored | past).items():
        assert len(case.suspects) == nodes
        assert set(truth[name]["culprits"]) <= set(case.suspects)
        assert len(case.alerts) > 0
        assert set(case.topology["caller"]) <= set(case.suspects)


def test_one_sockshop_case_as_worked_by_hand(aiops_data):
    opened = tvdiag.open_dataset(aiops_data / "rca" / "tvdiag" / "sockshop")
    past = dict(opened.history())
    case = (dict(opened.cases()) | past)["0"]
    kinds = case.alerts["kind"].value_counts().to_dict()
    assert kinds == {"metric": 13, "trace": 16, "log": 20}
    first = case.alerts[case.alerts["kind"] != "metric"].iloc[:2]
    assert cells(first, ["instance", "name", "peer"]) == [
        ["front-end-0", "HTTP/POST 500", "front-end-0"], ["front-end-1", "HTTP/POST PD", None]]
    assert case.topology.iloc[:2].to_numpy().tolist() == [
        ["front-end-0", "user-1"], ["user-1", "front-end-0"]]
    assert case.alerts["host"].isna().all()
