"""``aiops rca``: what it prints for people and for machines, its page, and how it fails."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from aiops.case import Case
from aiops.datasets.folder import write_case
from aiops.rca import DEFAULT
from tests.commands.conftest import Run

START = pd.Timestamp("2026-03-02T09:00:00Z")
ALARM, END = START + pd.Timedelta("10min"), START + pd.Timedelta("12min")
NAMES = ("cart", "front", "payment")


def metrics(slow: str = "payment") -> pd.DataFrame:
    times = pd.date_range(START, END, freq="5s", inclusive="left")
    rng = np.random.default_rng(0)
    cpu = {name: rng.normal(0.4, 0.02, len(times)) + 0.5 * (times >= ALARM) * (name == slow)
           for name in NAMES}
    return pd.DataFrame(cpu, index=times).rename_axis("time").reset_index().melt(
        "time", var_name="service").assign(name="cpu", unit="{cores}")


def alarms(*raised: tuple[str, str]) -> Case:
    rows = pd.DataFrame([(f"{who}-0", who, "metric", what, "up") for who, what in raised],
                        columns=["instance", "service", "kind", "name", "direction"])
    return Case(normal=((START, ALARM),), abnormal=(ALARM, END), alerts=rows, suspects=NAMES)


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A data set of one incident, and past ones, of which front's alert is usual."""
    calls = pd.DataFrame({"caller": ["front", "front"], "callee": ["cart", "payment"]})
    case = Case(normal=((START, ALARM),), abnormal=(ALARM, END), metrics=metrics(),
                topology=calls, entry_service="front")
    write_case(tmp_path / "mine", "r001", case)
    write_case(tmp_path / "mine", "r002", alarms(("front", "cpu"), ("cart", "cpu")))
    for n in range(6):
        write_case(tmp_path / "mine" / "history", f"h{n}", alarms(("front", "cpu")))
    return tmp_path / "mine"


def test_people_read_who_why_and_by_which_way(mine: Path, run: Run) -> None:
    code, out, _ = run("rca", mine / "r001", "--top", 2)
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert code == 0
    assert lines[0] == f"r001, ranked by {DEFAULT}"
    assert lines[2].startswith("payment (blame ")
    assert any(line.startswith("1 payment") and "metrics" in line for line in lines)
    assert "and 1 suspect more" in lines
    way = lines[lines.index("The way there:") + 1:]
    assert [line.split()[0] for line in way[:3]] == ["front", "front->payment", "payment"]
    assert lines[-1].startswith("metrics cpu 0.40 → 0.9") or \
        lines[-1].startswith("metrics cpu 0.4 → 0.9")
    assert max(map(len, out.splitlines())) <= 80


def test_machines_get_all_of_it_alone(mine: Path, run: Run) -> None:
    code, out, _ = run("rca", mine / "r001", "--json")
    told = json.loads(out)
    assert code == 0
    assert list(told) == ["incident", "ranker", "culprits", "confidence", "abstains", "ranks",
                          "path", "reasons"]
    assert told["culprits"] == ["payment"]
    assert [row["suspect"] for row in told["ranks"]][0] == "payment"
    assert {row["suspect"] for row in told["ranks"]} == set(NAMES)
    assert sum(told["ranks"][0]["adds"].values()) == pytest.approx(told["ranks"][0]["blame"])
    assert [step["place"] for step in told["path"]] == ["front", "front->payment", "payment"]
    assert told["path"][1] == {"place": "front->payment", "evidence": None, "signal": None,
                               "effect": 0, "before": None, "during": None}
    assert told["reasons"][0]["during"] == pytest.approx(0.9, abs=0.05)


def test_an_incident_of_a_data_set_is_the_same_as_its_folder(mine: Path, run: Run) -> None:
    by_id = run("rca", "--incident", "r001", "--dataset", mine, "--json")
    assert by_id[0] == 0
    assert by_id[1] == run("rca", mine / "r001", "--json")[1]


def test_past_incidents_beside_the_case_are_seen(mine: Path, run: Run) -> None:
    first = json.loads(run("rca", mine / "r002", "--json")[1])["ranks"][0]
    assert first["suspect"] == "cart", "front raises that alert in each past incident"


def test_a_page_holds_everything_within(mine: Path, run: Run, tmp_path: Path) -> None:
    page = tmp_path / "pages" / "r001.html"
    assert run("rca", mine / "r001", "--html", page)[0] == 0
    text = page.read_text()
    assert "<h1>Root cause of r001</h1>" in text
    assert text.count("data:image/png;base64,") == 2  # graph and series; there are no spans
    assert "http://" not in text
    assert "https://" not in text
    assert "<script" not in text
    assert list(page.parent.iterdir()) == [page]


@pytest.mark.parametrize(("words", "said"), [
    ([], "--incident ID"), (["r001", "--incident", "r001"], "--incident ID"),
    (["r001", "--dataset", "x"], "--incident ID"), (["nope"], "nope is no Case"),
    (["history"], "history is no Case"),
    (["--incident", "nope", "--dataset", "."], "It has 2: r001, r002."),
    (["--incident", "r001", "--dataset", "nope"], "There is no data set 'nope'"),
    (["r001", "--ranker", "nope"], "must be one of"),
    (["r001", "--ranker", "best-single-metric"], "a yardstick of the bench"),
    (["r001", "--top", "0"], "greater than or equal to 1")])
def test_wrongly_asked_is_2_and_writes_nothing(
        mine: Path, run: Run, monkeypatch: pytest.MonkeyPatch, words: list[str],
        said: str) -> None:
    monkeypatch.chdir(mine)
    code, out, told = run("rca", *words, "--html", "page.html", "--json")
    assert (code, out) == (2, "")
    assert said in told
    assert not Path("page.html").exists()


def test_rightly_asked_and_failed_is_1_and_writes_nothing(
        mine: Path, run: Run, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    code, out, told = run("rca", mine / "r002", "--ranker", "baro", "--html", page, "--json")
    assert (code, out) == (1, "")
    assert "needs metrics or traces" in told
    (mine / "r001" / "metrics.parquet").write_bytes(b"torn")
    code, out, told = run("rca", mine / "r001", "--html", page)
    assert (code, out) == (1, "")
    assert "metrics.parquet is no Parquet file" in told
    assert not page.exists()


@pytest.mark.parametrize("where", ["taken/page.html", "/proc/page.html", "x" * 300])
def test_a_page_that_cannot_be_written_is_told_and_nothing_printed(
        mine: Path, run: Run, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    monkeypatch.chdir(mine)
    Path("taken").write_text("")
    code, out, told = run("rca", "r001", "--html", where)
    assert (code, out) == (1, "")
    assert told.startswith(f"aiops: The page {where} cannot be written: ")


def test_a_folder_is_no_page(mine: Path, run: Run) -> None:
    before = sorted(mine.rglob("*"))
    code, out, told = run("rca", mine / "r001", "--html", mine)
    assert (code, out) == (2, "")
    assert "is a folder. Name a" in " ".join(told.replace("│", " ").split())
    assert sorted(mine.rglob("*")) == before


def test_another_ranker_is_named(mine: Path, run: Run) -> None:
    code, out, _ = run("rca", mine / "r001", "--ranker", "baro")
    assert code == 0
    assert out.startswith("r001, ranked by baro\n")
    assert "payment" in out.splitlines()[2]
