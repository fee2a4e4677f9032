"""Peers get our Cases in a neutral form, and their answers are scored as ours are."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

from aiops.case import Case
from aiops.errors import CaseError, DependencyError
from tests.workflows.test_bench import T0, made, value

ROOT = Path(__file__).parents[2]
RUN = ROOT / "benchmarks" / "peers" / "run.py"

# A peer in pure Python: one method that is right, others that fail in every way.
FAKE = """
import os, time

def rises(incident):
    off = incident.abnormal.mean() - incident.normal.mean()
    return off.drop("time").to_dict()

def listed(incident):
    return sorted(rises(incident), key=rises(incident).get, reverse=True)

def breaks(incident):
    print("a peer prints on standard output")
    raise RuntimeError("no luck")

def dies(incident):
    os._exit(3)

def hangs(incident):
    while True:
        pass

METHODS = {f.__name__: f for f in (rises, listed, breaks, dies, hangs)}
"""


@pytest.fixture(scope="module")
def peers() -> ModuleType:
    """benchmarks/peers.py, which is a program and in no package."""
    spec = importlib.util.spec_from_file_location("peers", ROOT / "benchmarks" / "peers.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def fake(tmp_path_factory: pytest.TempPathFactory) -> list[str | Path]:
    adapter = tmp_path_factory.mktemp("peer") / "of_fake.py"
    adapter.write_text(FAKE)
    return [sys.executable, RUN, adapter, "--limit", "1"]


@pytest.fixture(scope="module")
def figures(peers, fake, tmp_path_factory):
    root = made(tmp_path_factory.mktemp("set") / "made", [["a"], ["c"], [], ["b"]])
    return peers.bench_peers(root, {"fake": fake})


@pytest.mark.parametrize("method", ["rises", "listed"])
def test_a_peers_answer_is_scored_by_service_with_chance_beside(figures, method):
    first = value(figures, "ac@1", f"fake:{method}")
    assert (first.value, first.chance, first.n, first.dataset) == (1.0, 0.25, 3, "made")
    assert value(figures, "failures", f"fake:{method}").value == 0


@pytest.mark.parametrize("method", ["breaks", "dies", "hangs"])
def test_a_peer_that_fails_or_runs_out_of_time_has_missed(figures, method):
    assert value(figures, "failures", f"fake:{method}").value == 3
    assert value(figures, "mrr", f"fake:{method}").value == 0


def test_reasons_are_told_and_who_is_always_late_is_let_be(peers, fake, tmp_path):
    peers.export_all(peers.datasets.load(made(tmp_path / "made", [["a"], ["c"], ["b"]])),
                     tmp_path / "out")
    told = {}
    for answer in peers.ask("fake", fake, tmp_path / "out"):
        told.setdefault(answer["method"], []).append(answer["error"])
    assert told["rises"] == [None] * 3
    assert told["breaks"] == ["RuntimeError: no luck"] * 3
    assert told["dies"] == ["its process ended with 3"] * 3
    assert told["hangs"] == ["took over 1 s"] * 2 + [
        "not tried: the 2 cases before took over 1 s"]


def test_the_neutral_form_tells_neither_case_nor_culprit(peers, tmp_path):
    root = made(tmp_path / "made", [["a"], ["c"]])
    peers.export_all(peers.datasets.load(root), tmp_path / "out")
    written = sorted(path.relative_to(tmp_path / "out").as_posix()
                     for path in (tmp_path / "out").rglob("*.*"))
    assert written == [f"{n}/{name}" for n in ("0000", "0001")
                       for name in ("abnormal.csv", "case.json", "normal.csv")]
    assert json.loads((tmp_path / "out/0000/case.json").read_text()) == {"symptom": None}


def test_columns_have_one_underscore_and_their_own_names(peers, tmp_path):
    times = pd.date_range(T0, periods=4, freq="s")
    rows = [("a_b", "lat_90", None), ("a_b", "lat_90", "a_b-db"), ("web", "mem", None)]
    metrics = pd.concat([pd.DataFrame({"time": times, "service": s, "name": n, "instance": i,
                                       "value": range(4)}) for s, n, i in rows])
    metrics = metrics[(metrics["service"] != "web") | (metrics["time"] != times[1])]
    case = Case(normal=((T0, times[2]),), abnormal=(times[2], times[3] + pd.Timedelta("1s")),
                metrics=metrics, symptom={"service": "web", "metric": "mem"})
    suspect_of = peers.export(case, tmp_path / "out")
    assert suspect_of == {"a-b_lat-90": "a_b", "a-b.2_lat-90": "a_b", "web_mem": "web"}
    assert json.loads((tmp_path / "out/case.json").read_text()) == {"symptom": "web_mem"}
    normal = pd.read_csv(tmp_path / "out/normal.csv")
    assert list(normal) == ["time", *suspect_of]
    assert normal["time"].tolist() == [T0.timestamp(), T0.timestamp() + 1]
    assert normal["web_mem"].isna().tolist() == [False, True]


def test_an_instance_that_is_a_suspect_owns_its_columns(peers, tmp_path):
    times = pd.date_range(T0, periods=4, freq="s")
    metrics = pd.concat([pd.DataFrame({"time": times, "service": "a", "name": "cpu",
                                       "instance": i, "value": range(4)}) for i in ("a-0", "a-1")])
    case = Case(normal=((T0, times[2]),), abnormal=(times[2], times[3] + pd.Timedelta("1s")),
                metrics=metrics, suspects=("a", "a-1"))
    assert peers.export(case, tmp_path / "out") == {"a_cpu": "a", "a.2_cpu": "a-1"}


def test_suspects_take_the_blame_of_their_worst_column(peers):
    blame = peers.blame({"a_x": -1.0, "a_y": 2.0, "b_x": 1.0}, {"a_x": "a", "a_y": "a", "b_x": "b"})
    assert blame.to_dict() == {"a": 2.0, "b": 1.0}
    with pytest.raises(CaseError, match="only columns it was given. Got a_z"):
        peers.blame({"a_z": 1.0}, {"a_x": "a"})


def test_without_environments_or_with_a_broken_one_it_says_what_to_do(peers, tmp_path):
    with pytest.raises(DependencyError, match="Run `make peers`"):
        peers.installed(tmp_path)
    with pytest.raises(DependencyError, match="The peer none ended with 1"):
        peers.ask("none", [sys.executable, "-c", "import sys; sys.exit(1)"], tmp_path)


def test_an_unknown_method_lists_the_known(fake, tmp_path):
    answer = subprocess.run([*fake, tmp_path, "--methods", "rise"], capture_output=True, text=True,
                            timeout=60, check=False)
    assert answer.returncode == 1
    assert "must be of rises, listed, breaks, dies, hangs. Got rise." in answer.stderr


@pytest.mark.parametrize("name", ["rcaeval", "pyrca"])
def test_requirements_are_names_and_versions_alone(name):
    lines = (RUN.parent / f"requirements-{name}.txt").read_text().splitlines()
    pinned = re.compile(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+")
    assert [line for line in lines if not pinned.fullmatch(line)] == []
    assert (RUN.parent / f"of_{name}.py").exists()
