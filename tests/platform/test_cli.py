"""The command line: documented, JSON alone on standard output, exit codes 0, 1, 2."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from aiops.commands.output import plain

ROOT = Path(__file__).parents[2]


def load_script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


DOCS = load_script("cli_docs")
COMMANDS = dict(DOCS.commands())


def run(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "aiops", *words], cwd=cwd, timeout=120,
                          capture_output=True, text=True)


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_is_explained(words: str) -> None:
    command = COMMANDS[words]
    assert len((command.help or "").split()) >= 4, f"{words} has no help text"
    unexplained = [p.name for p in command.params if p.name != "help" and not p.help]
    assert unexplained == [], f"{words}: parameters without help"
    assert "as_json" in {p.name for p in command.params}, f"{words} has no --json"


def test_the_reference_page_is_up_to_date() -> None:
    assert DOCS.PAGE.read_text() == DOCS.page(), "run `make docs`"


def test_json_stands_alone_on_standard_output() -> None:
    answer = run("doctor", "--json")
    findings = {finding["name"]: finding for finding in json.loads(answer.stdout)}
    assert findings["python"]["works"] is True


def test_what_a_library_or_a_child_prints_goes_to_standard_error() -> None:
    code = ("import os\nfrom aiops.commands.output import reporting\n"
            "with reporting(True) as report:\n"
            "    print('chatter'); os.system('echo child'); report({'a': 1})\n"
            "print('after')")
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert answer.stdout == '{\n  "a": 1\n}\nafter\n'
    assert sorted(answer.stderr.split()) == ["chatter", "child"]


@pytest.mark.parametrize("words", [["nope"], ["doctor", "--nope"], ["bench", "rca"]])
def test_wrong_usage_is_2(words: list[str]) -> None:
    answer = run(*words)
    assert answer.returncode == 2
    assert answer.stdout == ""
    assert answer.stderr


@pytest.mark.parametrize("words", [
    ["ingest", "missing", "--json"],
    ["lake", "info", "--lake", "missing", "--json"],
    ["bench", "rca", "missing", "--json"],
    ["notebook", "missing.ipynb", "--json"],
])
def test_a_failure_is_1_with_its_reason_and_no_traceback(words: list[str], tmp_path: Path) -> None:
    answer = run(*words, cwd=tmp_path)
    assert answer.returncode == 1, answer.stderr
    assert answer.stdout == ""
    assert "aiops: " in answer.stderr
    assert "missing" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_plain_keeps_what_json_knows_and_spells_the_rest() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"t": pandas.to_datetime(["2026-01-02", None], utc=True),
                              "x": [1.5, float("inf")], "n": [1, 2], "b": [b"\xab", None]})
    assert plain(frame) == [
        {"t": "2026-01-02T00:00:00+00:00", "x": 1.5, "n": 1, "b": "ab"},
        {"t": None, "x": None, "n": 2, "b": None},
    ]
