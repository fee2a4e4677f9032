"""Under CI a skip fails the run; elsewhere it does not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[1] / "conftest.py"


@pytest.mark.parametrize(("ci", "code"), [("true", 1), ("", 0)])
def test_a_skip_under_ci_fails_the_run(tmp_path: Path, ci: str, code: int) -> None:
    shutil.copy(CONFTEST, tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_it.py").write_text("def test_data(aiops_data): pass\ndef test_ok(): pass\n")
    environment = {**os.environ, "CI": ci, "AIOPS_DATA": ""}
    run = subprocess.run([sys.executable, "-m", "pytest", "-q", "-rs"], cwd=tmp_path,
                         env=environment, capture_output=True, text=True)
    assert run.returncode == code, run.stdout
    assert "AIOPS_DATA is not set" in run.stdout
