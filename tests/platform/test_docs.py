"""The pages are true: their commands exist, and those of the page on own data do what it says."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from aiops.cli import app

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
HEREDOC = re.compile(r"<<'(\w+)'$")


def commands(block: str) -> list[tuple[str, list[str]]]:
    """(command with its here-document, lines shown below it) of a console block."""
    found: list[tuple[str, list[str]]] = []
    until = None
    for line in block.splitlines():
        if until:
            found[-1] = (f"{found[-1][0]}\n{line}", [])
            until = None if line == until else until
        elif line.startswith("$ "):
            found.append((line[2:], []))
            until = (HEREDOC.search(line) or [None, None])[1]
        else:
            found[-1][1].append(line)
    return found


def test_commands_are_told_from_what_they_print() -> None:
    assert commands("$ cat <<'E'\nhi\nE\n$ ls\na\nb\n") == [
        ("cat <<'E'\nhi\nE", []), ("ls", ["a", "b"])]


def words(line: str) -> str:
    return " ".join(line.split())


def check_shown(printed: str, shown: list[str], command: str) -> None:
    """Every line shown was printed, in that order; `…` stands for lines left out."""
    lines, at = [words(line) for line in printed.splitlines() if line.strip()], 0
    wanted = [words(line) for line in shown if line.strip()]
    for before, line in zip([None, *wanted], wanted, strict=False):
        if line == "…":
            continue
        assert line in lines[at:], f"{command}\ndoes not print\n{line}\nbut\n{printed}"
        skipped = lines.index(line, at) - at
        assert before == "…" or skipped == 0, f"{command} prints more before\n{line}\n{printed}"
        at += skipped + 1
    assert not wanted or wanted[-1] == "…" or at == len(lines), f"{command} prints more\n{printed}"


@pytest.mark.parametrize(("shown", "holds"), [
    (["a", "b"], True), (["…", "b"], True), (["a", "…"], True), ([], True), (["…"], True),
    (["a"], False), (["b"], False), (["b", "a"], False), (["a", "c"], False)])
def test_what_is_shown_must_be_what_is_printed(shown: list[str], holds: bool) -> None:
    if holds:
        check_shown("a\n\n b \n", shown, "x")
    else:
        with pytest.raises(AssertionError):
            check_shown("a\n\n b \n", shown, "x")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A git repository with DVC and the notebooks, as the page expects to find them."""
    (tmp_path / "notebooks").symlink_to(ROOT / "notebooks")
    (tmp_path / ".dvc").mkdir()
    for name in (".dvc/config", ".dvc/.gitignore", ".gitignore"):
        shutil.copy(ROOT / name, tmp_path / name)
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    return tmp_path


def shell(command: str, cwd: Path) -> str:
    """What a command prints on standard output; it must succeed."""
    who = {f"GIT_{role}_{what}": "x@y" for role in ("AUTHOR", "COMMITTER")
           for what in ("NAME", "EMAIL")}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", command], cwd=cwd, text=True,
                          env={**os.environ, **who, "PATH": path, "DVC_NO_ANALYTICS": "1"},
                          capture_output=True)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.timeout(900)
def test_the_page_on_own_data_does_what_it_says(checkout: Path) -> None:
    for kind, block in FENCE.findall((ROOT / "docs" / "own-data.md").read_text()):
        for command, shown in commands(block) if kind == "console" else [(block, [])]:
            if kind in ("console", "bash"):
                check_shown(shell(command, checkout), shown, command)
    assert (checkout / "experiments/mine/05-incident-report.html").stat().st_size > 50_000
    assert any((checkout / "datasets" / ".store").rglob("*"))
    pushed = subprocess.run(["git", "status", "--short", "--", "datasets"], cwd=checkout,
                            capture_output=True, text=True).stdout
    assert pushed == "", "the page leaves its data set uncommitted"


@pytest.mark.full
def test_the_page_on_choosing_prints_what_it_says() -> None:
    page = (ROOT / "docs" / "choosing-a-method.md").read_text()
    shown = [each for kind, block in FENCE.findall(page) if kind == "console"
             for each in commands(block)]
    assert len(shown) == 6
    for command, printed in shown:
        check_shown(shell(command, ROOT), printed, command)


def calls() -> Iterator[tuple[str, str]]:
    """(page, command line) of every `aiops …` in a block or a quoted command."""
    for page in PAGES:
        if page.name == "cli.md":  # made from the program
            continue
        text = page.read_text()
        blocks = [body for _, body in FENCE.findall(text)] + re.findall(
            r"^(?: {4}.*\n)+", FENCE.sub("", text), re.M)
        lines = [line for block in blocks for line in block.splitlines()]
        for line in [*lines, *re.findall(r"`(aiops [^`]+)`", FENCE.sub("", text))]:
            if found := re.match(r"\s*(?:\$ )?(aiops .*?)(?:\s+[#│].*)?$", line):
                yield page.name, found[1]


def check_call(line: str) -> None:
    """The command exists and knows each of its options."""
    command: Any = typer.main.get_command(app)
    given = shlex.split(line.split(" | ")[0])[1:]
    while given and hasattr(command, "commands"):
        name = given.pop(0)
        assert name in command.commands, f"{line}: no command {name!r}"
        command = command.commands[name]
    known = {option for p in command.params for option in p.opts} | {"--help", "-h", "--version"}
    used = [word.strip("[]").split("=")[0] for word in given if word.lstrip("[").startswith("-")]
    assert set(used) <= known, f"{line}: unknown options {set(used) - known}"


@pytest.mark.parametrize(("page", "line"), sorted(set(calls())))
def test_a_command_that_a_page_names_is_one_there_is(page: str, line: str) -> None:
    check_call(line)


@pytest.mark.parametrize("line", ["aiops nope", "aiops lake nope", "aiops ingest x --nope"])
def test_a_command_that_there_is_not_is_seen(line: str) -> None:
    with pytest.raises(AssertionError, match="nope"):
        check_call(line)


def test_links_between_the_pages_lead_somewhere() -> None:
    broken = [(page.name, target) for page in PAGES
              for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text())
              if "://" not in target and not (page.parent / target).exists()]
    assert broken == []
