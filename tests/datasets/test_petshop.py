"""PetShop's layout: wide CSVs with three header rows, one normal period for all issues."""

import json
from pathlib import Path

import pandas as pd
import pytest

from aiops import datasets
from aiops.datasets import petshop
from aiops.errors import CaseError

HEADER = """microservice,site,site,site,pay,db
metric,latency,latency,availability,latency,requests
statistic,Average,p90,Average,Average,Sum
unix_timestamp,,,,,
"""
GRAPH = ",db,pay,site\ndb,0.0,0.0,0.0\npay,1.0,0.0,0.0\nsite,0.0,1.0,0.0\n"
TARGET = {"target": {"node": "site", "metric": "latency", "agg": "Average", "timestamp": 600},
          "root_cause": {"node": "pay", "metric": None},
          "metadata": {"reproducibility": {"command": "slow pay"}}}


def at(seconds: int) -> pd.Timestamp:
    return pd.Timestamp(seconds, unit="s", tz="UTC")


def made(root: Path, normal: str = "90000,.1,.2,100,.05,\n90300,.1,,100,.05,7\n") -> Path:
    for name in ("noissue", "train/issue_0", "test/issue_0"):
        (root / name).mkdir(parents=True)
    (root / "graph.csv").write_text(GRAPH)
    (root / "noissue" / "metrics.csv").write_text(HEADER + normal)
    for split, metric in (("train", None), ("test", "latency")):
        folder = root / split / "issue_0"
        (folder / "metrics.csv").write_text(HEADER + "300,.1,.2,100,,\n600,.9,,99,.8,8\n")
        cause = {"root_cause": {"node": "pay", "metric": metric}}
        (folder / "target.json").write_text(json.dumps(TARGET | cause))
    return root


def test_an_issue_is_read_against_the_shared_normal(tmp_path):
    opened = datasets.load(made(tmp_path))
    name, case = opened.case("test/issue_0")
    assert case.abnormal == (at(300), at(900))
    assert case.normal == ((at(90000), at(90600)),)
    assert case.suspects == ("db", "pay", "site")
    assert case.entry_service == "site"
    assert case.symptom == {"service": "site", "metric": "latency_Average"}
    assert case.topology.to_numpy().tolist() == [["pay", "db"], ["site", "pay"]]
    columns = ["time", "service", "name", "value", "unit"]
    assert case.select("metrics", "abnormal")[columns].to_numpy().tolist() == [
        [at(300), "site", "latency_Average", .1, "s"], [at(300), "site", "latency_p90", .2, "s"],
        [at(300), "site", "availability_Average", 100, "%"],
        [at(600), "site", "latency_Average", .9, "s"],
        [at(600), "site", "availability_Average", 99, "%"],
        [at(600), "pay", "latency_Average", .8, "s"],
        [at(600), "db", "requests_Sum", 8, "{request}"]]
    assert len(case.select("metrics", "normal")) == 8


def test_the_truth_lies_beside_the_cases(tmp_path):
    opened = petshop.open_dataset(made(tmp_path))
    assert [name for name, _ in opened.cases()] == ["train/issue_0", "test/issue_0"]
    assert opened.truth == {
        "train/issue_0": {"culprits": ["pay"], "kind": "service", "fault": "latency",
                          "slices": ["split=train"]},
        "test/issue_0": {"culprits": ["pay"], "kind": "service", "fault": "latency",
                         "slices": ["split=test"], "metric": "latency"}}


def test_an_issue_inside_the_normal_period_is_cut_out_of_it(tmp_path):
    around = "".join(f"{seconds},.1,.2,100,.05,7\n" for seconds in range(0, 1500, 300))
    [(_, case), _] = petshop.open_dataset(made(tmp_path, around)).cases()
    assert case.normal == ((at(0), at(300)), (at(900), at(1500)))
    assert sorted(set(case.select("metrics", "normal")["time"])) == [at(0), at(900), at(1200)]
    assert len(case.select("metrics", "abnormal")) == 7


def test_normal_is_parsed_once_a_data_set(tmp_path):
    opened = petshop.open_dataset(made(tmp_path))
    first = opened.case("train/issue_0")[1]
    (tmp_path / "noissue" / "metrics.csv").unlink()
    again = dict(opened.cases())["train/issue_0"]
    pd.testing.assert_frame_equal(first.metrics, again.metrics)
    with pytest.raises(CaseError, match=r"noissue/metrics\.csv must be a CSV table"):
        petshop.open_dataset(tmp_path).case()


@pytest.mark.parametrize(("file", "content", "says"), [
    ("graph.csv", ",a,b\na,0,1\n", "square table with the same nodes"),
    ("graph.csv", ",a\na,yes\n", "must be a CSV table of numbers"),
    ("noissue/metrics.csv", "", "must be a CSV table of numbers"),
    ("noissue/metrics.csv", HEADER, "must have rows with a unix timestamp"),
    ("test/issue_0/metrics.csv", HEADER + "noon,.1,.2,100,,\n", "must have rows with a unix"),
    ("test/issue_0/metrics.csv", HEADER + "300,,,,,\n", "must have rows with a unix timestamp"),
    ("test/issue_0/metrics.csv", HEADER + "300,slow,.2,100,,\n", "CSV table of numbers"),
    ("test/issue_0/metrics.csv", HEADER[:30], "must be a CSV table of numbers"),
    ("test/issue_0/target.json", "{", "must be a JSON object"),
    ("test/issue_0/target.json", '{"target": {"node": "site"}, "root_cause": []}',
     r"lacks target\.metric, target\.agg, root_cause\.node"),
])
def test_a_damaged_or_missing_file_is_named(tmp_path, file, content, says):
    path = made(tmp_path) / file
    path.write_text(content)
    with pytest.raises(CaseError, match=f"{file}.*{says}"):
        petshop.open_dataset(tmp_path).case("test/issue_0")
    path.unlink()
    with pytest.raises(CaseError, match=file):
        petshop.open_dataset(tmp_path).case("test/issue_0")


@pytest.fixture(scope="module")
def low(aiops_data):
    return petshop.open_dataset(aiops_data / "rca" / "petshop-low")


def test_the_low_load_is_whole(low):
    cases = dict(low.cases())
    splits = [truth["slices"][0] for truth in low.truth.values()]
    assert (splits.count("split=train"), splits.count("split=test")) == (8, 18)
    assert {len(case.suspects) for case in cases.values()} == {42}
    assert all(set(low.truth[name]["culprits"]) <= set(case.suspects)
               for name, case in cases.items())
    assert {len(set(case.select("metrics", "abnormal")["time"])) for case in cases.values()} == {5}
    assert sum(truth["fault"] == "availability" for truth in low.truth.values()) == 12


def test_one_issue_of_the_low_load_as_worked_by_hand(low):
    _, case = low.case("test/issue_0")
    assert case.abnormal == (pd.Timestamp("2023-04-18T22:32Z"), pd.Timestamp("2023-04-18T22:57Z"))
    assert case.normal == ((pd.Timestamp("2023-08-21T09:00Z"), pd.Timestamp("2023-08-23T10:05Z")),)
    search = case.select("metrics", "abnormal").query(
        "service == 'PetSearch_AWS::ECS::Fargate' and name == 'latency_Average'")
    assert search["value"].round(4).tolist()[:4] == [.0065, .0066, .1799, .3040]
    assert low.truth["test/issue_0"]["culprits"] == ["petInfo_AWS::DynamoDB::Table"]
    assert len(case.topology) == 44
