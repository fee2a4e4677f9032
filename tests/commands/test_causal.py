"""``aiops causal``: what it prints, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aiops.checks.incident import made_case
from aiops.datasets.folder import write_case
from tests.commands.conftest import Run


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("mine")
    write_case(root, "r1", made_case(3, "quote"))
    return root


def test_the_answers_are_told_in_lines_that_fit(run: Run, cases: Path):
    code, out, _ = run("causal", cases / "r1", "--resamples", "10")
    assert code == 0
    assert out.startswith("r1, mechanisms learned from both")
    assert "WOULD THE SYMPTOM BE THERE IF quote WERE AS USUAL?" in out
    assert max(map(len, out.splitlines())) <= 80


def test_whom_one_asks_about(run: Run, cases: Path):
    code, out, _ = run("causal", "--incident", "r1", "--dataset", cases, "--if-usual", "cart",
                       "--if-usual", "(demand)", "--resamples", "2", "--learn-from", "normal",
                       "--json")
    told = json.loads(out)
    assert (code, told["incident"], told["learn_from"]) == (0, "r1", "normal")
    assert [each["owner"] for each in told["if_usual"]] == ["cart", "(demand)"]


def test_who_cannot_move_the_symptom_is_refused(run: Run, cases: Path):
    code, _, error = run("causal", cases / "r1", "--if-usual", "nobody", "--resamples", "2")
    assert code == 2
    assert "Got 'nobody' instead" in error.replace("\n", " ")
