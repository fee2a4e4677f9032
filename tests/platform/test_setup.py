"""The scripts: what they print and refuse, without installing anything."""

from __future__ import annotations

import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def bash(script: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["bash", script], cwd=cwd, env={**os.environ, **environment},
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in ("scripts", ".ci"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in ("requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def test_another_python_is_refused(checkout: Path) -> None:
    (checkout / "python2").write_text("#!/bin/sh\necho 2.7\n")
    (checkout / "python2").chmod(0o755)
    answer = bash("scripts/setup.sh", checkout, PYTHON=str(checkout / "python2"))
    assert answer.returncode == 1
    assert "Python 3.11 is needed" in answer.stderr
    assert "2.7" in answer.stderr
    assert not (checkout / ".venv").exists()


STUB = """#!/bin/bash
echo "$(basename "$0") $*" >>calls
case "$*" in
    *version_info*) echo 3.11 ;;
    "-m venv --clear .venv")
        rm -rf .venv && mkdir -p .venv/bin && cp "$0" .venv/bin/python && cp "$0" .venv/bin/uv ;;
    --version) echo "uv $(sed -n 's/^UV=//p' scripts/setup.sh)" ;;
    *"-r requirements.lock")
        touch .venv/half; [ ! -e broken ] || { echo "no aa==1" >&2; exit 130; }; rm .venv/half ;;
esac
"""


def test_an_install_that_was_broken_off_or_moved_begins_anew(checkout: Path) -> None:
    """Python and uv are stubs that note how they are called."""
    (checkout / "python").write_text(STUB)
    (checkout / "python").chmod(0o755)

    def run() -> tuple[int, int, int]:
        """(exit code, environments made, installs begun)"""
        (checkout / "calls").unlink(missing_ok=True)
        code = bash("scripts/setup.sh", checkout, PYTHON="./python").returncode
        calls = (checkout / "calls").read_text()
        return code, calls.count("-m venv --clear"), calls.count("-r requirements.lock")

    (checkout / "broken").touch()
    assert run() == (130, 1, 1)
    assert (checkout / ".venv" / "half").exists()
    (checkout / "broken").unlink()
    assert run() == (0, 1, 1)
    assert not (checkout / ".venv" / "half").exists()
    assert run() == (0, 0, 0)
    with (checkout / "requirements.lock").open("a") as lock:
        lock.write("another==1\n")
    assert run() == (0, 0, 1)
    checkout = checkout.rename(checkout.with_name("moved"))
    assert run() == (0, 1, 1)


@pytest.mark.parametrize("terminal", [True, False])
def test_a_log_holds_uvs_errors_and_no_line_a_package(checkout: Path, terminal: bool) -> None:
    (checkout / "python").write_text(STUB)
    (checkout / "python").chmod(0o755)
    (checkout / "broken").touch()
    inner, outer = pty.openpty() if terminal else os.pipe()
    with os.fdopen(inner, "rb", buffering=0) as stream:
        process = subprocess.Popen(["bash", "scripts/setup.sh"], cwd=checkout, stderr=outer,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   env={**os.environ, "PYTHON": "./python"})
        assert process.wait(60) == 130
        assert b"no aa==1" in stream.read(10_000)
        os.close(outer)
    [install] = [call for call in (checkout / "calls").read_text().splitlines()
                 if call.endswith("-r requirements.lock")]
    assert ("--quiet" in install) != terminal


def test_the_lock_is_versions_in_order_and_left_alone_when_nothing_resolves(
    checkout: Path,
) -> None:
    programs = checkout / ".venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "python").symlink_to(sys.executable)
    uv = programs / "uv"
    uv.write_text("#!/bin/bash\nprintf 'torch==2.13.0+cpu\\naa==2\\naa-b==1.0\\n'\n"
                  "[ ! -e broken ]\n")
    uv.chmod(0o755)
    (checkout / "broken").touch()
    before = (checkout / "requirements.lock").read_text()
    assert bash("scripts/lock.sh", checkout).returncode == 1
    assert (checkout / "requirements.lock").read_text() == before
    (checkout / "broken").unlink()
    answer = bash("scripts/lock.sh", checkout)
    assert answer.returncode == 0, answer.stderr
    assert (checkout / "requirements.lock").read_text() == "aa-b==1.0\naa==2\ntorch==2.13.0\n"
    assert "aa-b==1.0" in (checkout / "environment.yml").read_text()


def test_apt_prints_the_command_when_not_asked_to_install(checkout: Path) -> None:
    programs = checkout / "bin"
    programs.mkdir()
    (programs / "bash").symlink_to(shutil.which("bash") or "/bin/bash")
    answer = subprocess.run([str(programs / "bash"), "scripts/apt.sh"], cwd=checkout,
                            env={"PATH": str(programs)}, capture_output=True, text=True)
    assert answer.returncode == 0
    assert "apt-get install chromium" in answer.stderr


@pytest.mark.parametrize(("beside", "given", "expected"), [
    (True, "", "shared/data"), (True, "/mine", "/mine"), (False, "", "unset"),
])
def test_ci_finds_the_data_beside_the_checkout(
    checkout: Path, beside: bool, given: str, expected: str
) -> None:
    inner = checkout / "main"
    shutil.copytree(checkout / ".ci", inner / ".ci")
    if beside:
        (checkout / "shared" / "data").mkdir(parents=True)
    (inner / "Makefile").write_text("test:\n\t@echo $${AIOPS_DATA:-unset}\n")
    answer = bash(".ci/run", inner, AIOPS_DATA=given)
    assert answer.stdout.strip().endswith(expected), answer


def test_help_lists_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text()
    phony = re.findall(r"^\.PHONY: (.*)$", makefile, re.M)[0].split()
    shown = subprocess.run(["make", "--no-print-directory"], cwd=ROOT, capture_output=True,
                           text=True, check=True).stdout
    assert {line.split()[0] for line in shown.splitlines()} == set(phony)
