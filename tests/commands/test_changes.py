"""``aiops changes`` and ``aiops canary``: what they print, how they end, and what they refuse."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from aiops.datasets.folder import write_case
from tests.changes.made import made
from tests.commands.conftest import Run


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("mine")
    write_case(root, "bad", made(n=1_000, ms=40.0, failing=0.2))
    write_case(root, "fine", made(n=1_000))
    write_case(root, "still", made(n=200, share=0.0))
    write_case(root, "few", made(n=200, share=0.05))
    write_case(root, "sticky", made(n=1_500, ms=40.0, failing=0.2, sessions=150))
    write_case(root, "one", made(n=3_000, tenants=3, hit=40.0))
    return root


def counts(path: Path, **outcomes: tuple[int, int, int, int]) -> Path:
    path.write_text(json.dumps({
        name: dict(zip(("new", "new_bad", "old", "old_bad"), four, strict=True))
        for name, four in outcomes.items()}))
    return path


def test_changes_are_told_in_lines_that_fit(run: Run, cases: Path):
    code, out, _ = run("changes", cases / "bad")
    assert code == 0
    assert "catalog: service.version 1.4.0 -> 1.5.0" in out
    assert "HARMFUL" in out
    assert max(map(len, out.splitlines())) <= 80


def test_an_incident_without_a_change_says_so(run: Run, cases: Path):
    code, out, _ = run("changes", "--incident", "still", "--dataset", cases)
    assert (code, out.strip()) == (0, "still: 0 changes")


def test_json_stands_alone(run: Run, cases: Path):
    code, out, _ = run("changes", cases / "bad", "--json")
    told = json.loads(out)
    assert (code, told["incident"]) == (0, "bad")
    assert told["changes"][0]["verdict"] == "harmful"
    assert len(told["changes"][0]["effects"]) == 3


@pytest.mark.parametrize(("case", "code", "word"), [
    ("bad", 11, "ROLL BACK"), ("fine", 10, "HOLD"), ("few", 12, "NOT ENOUGH DATA")])
def test_a_canary_ends_with_its_decision(run: Run, cases: Path, case: str, code: int, word: str):
    ended, out, _ = run("canary", cases / case)
    assert ended == code
    assert out.startswith(word)
    assert max(map(len, out.splitlines())) <= 80


def test_sessions_are_what_is_counted(run: Run, cases: Path):
    code, out, _ = run("changes", cases / "sticky", "--cluster", "session.id")
    assert code == 0
    assert "Requests of one session.id count as alike" in out
    assert "the same session.id before the change" in out
    assert max(map(len, out.splitlines())) <= 80
    ended, out, _ = run("canary", cases / "sticky", "--cluster", "session.id", "--json")
    told = json.loads(out)
    assert (ended, told["unit"]) == (11, "values of session.id")
    assert told["outcomes"][0]["new"] + told["outcomes"][0]["old"] <= 150
    assert run("canary", cases / "few", "--cluster", "session.id")[0] == 2


def test_whom_it_hit_most_is_told_where_asked(run: Run, cases: Path):
    code, out, _ = run("changes", cases / "one", "--uplift")
    assert code == 0
    assert "route=GET /item, tenant=t1" in out.replace("\n ", "")
    assert max(map(len, out.splitlines())) <= 80
    code, out, _ = run("changes", cases / "one", "--uplift", "--segment", "tenant", "--json")
    told = json.loads(out)["changes"][0]["uplift"]
    assert (code, told["sure"][0]) == (0, "route=GET /item, tenant=t1")


def test_a_segment_of_ones_own_tells_requests_apart(run: Run, cases: Path):
    _, out, _ = run("changes", cases / "sticky", "--segment", "session.id", "--json")
    assert json.loads(out)["changes"][0]["strata"] == ["route", "session.id"]


def test_fractions_may_be_bad(run: Run, tmp_path: Path):
    some = counts(tmp_path / "some.json", failed=(5_000, 25.5, 5_000, 24.25))
    code, out, _ = run("canary", "--counts", some)
    assert code == 0
    assert "25.5 of 5000" in out


def test_counts_are_enough_for_a_pipeline(run: Run, tmp_path: Path,
                                          monkeypatch: pytest.MonkeyPatch):
    fine = counts(tmp_path / "fine.json", failed=(5_000, 25, 5_000, 25))
    code, out, _ = run("canary", "--counts", fine, "--json")
    assert (code, json.loads(out)["decision"]) == (0, "promote")
    bad = counts(tmp_path / "bad.json", failed=(200, 60, 200, 0))
    monkeypatch.setattr("sys.stdin", io.StringIO(bad.read_text()))
    assert run("canary", "--counts", "-")[0] == 11


def test_a_tolerance_decides(run: Run, tmp_path: Path):
    some = counts(tmp_path / "some.json", failed=(5_000, 150, 5_000, 50))
    assert run("canary", "--counts", some, "--failed", "0.01")[0] == 11
    assert run("canary", "--counts", some, "--failed", "0.10")[0] == 0


@pytest.mark.parametrize(("words", "code", "said"), [
    (["changes"], 2, "Give the folder of a Case"),
    (["canary"], 2, "Give the folder of a Case"),
    (["canary", "--counts", "x.json", "--incident", "r1"], 2, "Give the folder"),
    (["canary", "--counts", "/nowhere/x.json"], 2, "cannot be read"),
    (["changes", "/nowhere"], 2, "is no Case"),
])
def test_what_is_wrongly_asked(run: Run, words: list[str], code: int, said: str):
    ended, _, error = run(*words)
    assert ended == code
    assert said in error.replace("\n", " ")


def test_versions_that_served_other_routes_are_held(run: Run, tmp_path: Path):
    write_case(tmp_path, "picky", made(n=2_000, picky=True, failing=0.3))
    code, out, _ = run("canary", tmp_path / "picky")
    assert code == 10
    assert "The versions serve other routes" in out.replace("\n", " ")
    write_case(tmp_path, "ramp", made(n=2_000, ramp=True, failing=0.3))
    assert "changes with time" in run("canary", tmp_path / "ramp")[1].replace("\n", " ")


def test_what_is_of_a_case_is_refused_beside_counts(run: Run, tmp_path: Path):
    fine = counts(tmp_path / "fine.json", failed=(5_000, 25, 5_000, 25))
    code, _, error = run("canary", "--counts", fine, "--service", "cart")
    assert (code, "--service, --attribute and --cluster" in error) == (2, True)
    assert run("canary", "--counts", fine, "--cluster", "session.id")[0] == 2
    assert run("canary", "--counts", fine, "--slow", "7")[0] == 2


def test_counts_that_are_none(run: Run, tmp_path: Path):
    path = tmp_path / "x.json"
    for text, code, said in (("{", 1, "must be JSON"), ('{"failed": {"new": 1}}', 1, "new_bad"),
                             ('{"failed": {"new": 1, "new_bad": 2, "old": 1, "old_bad": 0}}', 1,
                              "0 <= bad"),
                             ('{"cost": {"new": 1, "new_bad": 0, "old": 1, "old_bad": 0}}', 2,
                              "cost")):
        path.write_text(text)
        ended, _, error = run("canary", "--counts", path)
        assert (ended, said in error) == (code, True), (text, error)


def test_a_canary_needs_one_change(run: Run, cases: Path):
    code, _, error = run("canary", cases / "still")
    assert code == 2
    assert "Got 0 of these" in error
