"""Each benchmark prints a table for people, or its figures as a JSON list."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.workflows.test_bench import made
from tests.workflows.test_detection import feature_table, told

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def run(*words: str | Path) -> str:
    answer = subprocess.run([sys.executable, BENCHMARKS / words[0], *words[1:]],
                            capture_output=True, text=True, timeout=240)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


@pytest.fixture(params=["rca", "detection"])
def benchmark(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path]:
    if request.param == "rca":
        return "rca", made(tmp_path / "made", [["a"], ["c"]])
    pq.write_table(feature_table(told(), 10.0), tmp_path / "features.parquet")
    pq.write_table(told(), tmp_path / "recordings.parquet")
    return "detection", tmp_path


def test_a_benchmark_prints_figures_or_a_table(benchmark: tuple[str, Path]) -> None:
    name, target = benchmark
    figures = json.loads(run(f"{name}.py", target, "--json"))
    assert {(f["benchmark"], f["dataset"]) for f in figures} == {(name, target.name)}
    head, first, *_ = run(f"{name}.py", target).splitlines()
    assert head.split()[:3] == ["dataset", "slice", "model"]
    assert first.split()[1:3] == ["all", "chance"]


def test_the_served_ranker_is_timed() -> None:
    figures = json.loads(run("serve_rank.py", "--requests", "2", "--json"))
    assert {f["dataset"] for f in figures} == {"made", "shop"}
    of = {(f["dataset"], f["slice"], f["metric"]): f["value"] for f in figures}
    for name in ("made", "shop"):
        assert of[name, "all", "seconds_p99"] >= of[name, "all", "seconds_p50"] > 0
        assert of[name, "all", "seconds_cpu"] > 0
    assert of["shop", "all", "rows"] > of["made", "all", "rows"]


def test_a_made_graph_is_ranked_and_timed() -> None:
    figures = json.loads(run("large_graph.py", "--services", "40", "--spans", "1500",
                             "--seeds", "1", "--json"))
    of = {each["metric"]: each["value"] for each in figures}
    assert of["rank_worst"] == 1
    assert 0 < of["seconds_p50"] <= of["seconds_max"]
    assert of["cpu_seconds_max"] > 0


def test_faults_of_several_parts_are_judged_by_part_and_by_culprit(tmp_path: Path) -> None:
    root = made(tmp_path / "made", [["a", "c"], ["b"], []])
    truth = json.loads((root / "truth.json").read_text())
    for name, part, fault in (("r0", "two-causes", "cpu+mem"), ("r1", "outside", "cpu")):
        truth[name] |= {"slices": [f"part={part}"], "fault": fault}
    (root / "truth.json").write_text(json.dumps(truth))
    asked = ("several_parts.py", root, "--ranker", "nsigma", "--ranker", "fusion")
    figures = json.loads(run(*asked, "--json"))
    of = {(f["slice"], f["model"], f["metric"]): f["value"] for f in figures}
    assert of["part=two-causes", "nsigma", "ac@1"] == of["part=outside", "nsigma", "ac@1"] == 1
    assert of["all", "nsigma", "ac@1"] == 1
    assert {of["case=r0", "nsigma", f"rank {name}"] for name in "ac"} == {1, 2}
    assert of["no_incident", "fusion", "abstained"] == 1
    assert ("no_incident", "nsigma", "abstained") not in of  # it never says
    head, first, *rest = run(*asked).splitlines()
    assert head.split()[:3] == ["slice", "n", "model"]
    assert first.split()[:3] == ["all", "2", "chance"]
    assert any(line.split()[:3] == ["part=outside", "1", "chance"] for line in rest)


def test_made_incidents_of_several_parts_are_judged_alike() -> None:
    figures = json.loads(run("several_parts.py", "--made", "1", "--ranker", "nsigma", "--json"))
    n = {f["slice"]: f["n"] for f in figures if f["metric"] == "ac@1"}
    assert n == {"all": 4, "part=two-causes": 1, "part=outside": 1, "part=cascade": 1,
                 "part=slow-burn": 1}


def test_a_set_without_parts_is_refused(tmp_path: Path) -> None:
    answer = subprocess.run(
        [sys.executable, BENCHMARKS / "several_parts.py", made(tmp_path / "made", [["a"]])],
        capture_output=True, text=True, timeout=240)
    assert answer.returncode == 1
    assert "aiops testbed record --plan parts" in answer.stderr


def test_causal_answers_are_judged_and_timed() -> None:
    figures = json.loads(run("causal.py", "--cases", "5", "--services", "30", "--spans", "900",
                             "--without-dowhy", "--json"))
    of = {(f["dataset"], f["slice"], f["metric"]): f["value"] for f in figures}
    for name in ("linear", "threshold", "queueing"):
        assert of[name, "learn_from=both", "planted_cause_first"] == 1
        assert of[name, "surge, learn_from=both", "share_of_demand"] > 0.8
        assert of[name, "surge, learn_from=both", "most_of_a_service"] < 0.2
    assert of["linear", "rows=26+20, learn_from=normal", "interval_covers"] > 0.8
    assert of["made graph", "services=30,spans=900", "seconds_as_usual"] > 0


def test_every_benchmark_is_listed() -> None:
    listed = (BENCHMARKS / "README.md").read_text()
    there = [path.name for path in sorted(BENCHMARKS.glob("*.py"))]
    assert there == ["causal.py", "changes.py", "confidence.py", "confirmed_incidents.py",
                     "detection.py", "graph_ranker.py", "large_graph.py", "peers.py", "rca.py",
                     "serve_rank.py", "several_parts.py", "templates.py"]

    for path in BENCHMARKS.glob("*.py"):
        assert f"python benchmarks/{path.name}" in listed
