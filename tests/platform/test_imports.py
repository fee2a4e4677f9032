"""Import contracts hold, break when violated, and `import aiops` stays light."""

from __future__ import annotations

import configparser
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = {"pandas", "pyarrow", "duckdb", "numba", "torch", "mlflow", "dowhy", "sklearn",
         "matplotlib"}
IO_FREE = {"windows", "case", "base", "checks", "evidence", "explained", "plots", "features",
           "causal", "logs", "changes", "detection", "rca", "evaluation", "simulation"}
ROOMS = {path.stem if path.suffix == ".py" else path.name for path in (ROOT / "aiops").iterdir()
         if path.suffix == ".py" or (path / "__init__.py").exists()}


def loaded(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded after running code."""
    code += "\nimport sys; print(*{name.split('.')[0] for name in sys.modules}, file=sys.stderr)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stderr.split())


@pytest.mark.parametrize("code", [
    "import aiops",
    "import aiops.cli",
    "import aiops.cli\ntry: aiops.cli.main(['--help'])\nexcept SystemExit as e: assert not e.code",
])
def test_import_is_light(code: str) -> None:
    names = loaded(code)
    assert "aiops" in names
    assert names & HEAVY == set()


def test_the_test_of_lightness_can_fail() -> None:
    assert "pyarrow" in loaded("import aiops; aiops.schema")


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the contracts over the copy of the package that lies in folder."""
    code = "import sys; sys.argv[0] = 'lint-imports'; " \
           "from importlinter.cli import lint_imports_command as c; c(['--no-cache'])"
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.run([sys.executable, "-c", code], cwd=folder, env=environment,
                          capture_output=True, text=True)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "aiops", tmp_path / "aiops",
                    ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    shutil.copy(ROOT / ".importlinter", tmp_path)
    return tmp_path


def test_contracts_hold(copy: Path) -> None:
    run = lint(copy)
    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize(("module", "line", "contract"), [
    ("errors.py", "from aiops import schema", "Rooms import one way"),
    ("schema.py", "from aiops import case", "Rooms import one way"),
    ("case.py", "from aiops import base", "Rooms import one way"),
    ("otlp/planted.py", "from aiops import lake", "Rooms import one way"),
    ("workflows/planted.py", "from aiops import cli", "Rooms import one way"),
    ("workflows/planted.py", "import mlflow", "Only tracking and serving import mlflow"),
    ("case.py", "import mlflow.pyfunc", "Only tracking and serving import mlflow"),
    ("base.py", "from aiops.errors import AiopsError\nimport socket", "No files, no network"),
    ("case.py", "import requests", "No files, no network"),
    ("evidence/planted.py", "from aiops import plots", "Rooms import one way"),
    ("evidence/planted.py", "from aiops import lake", "Frames in, frames out"),
    ("plots/planted.py", "from aiops import otlp", "Frames in, frames out"),
    ("causal/planted.py", "from aiops import rca", "Rooms import one way"),
    ("causal/planted.py", "from aiops import lake", "Frames in, frames out"),
    ("features/planted.py", "from aiops import lake", "Frames in, frames out"),
    ("detection/planted.py", "from aiops import datasets", "Frames in, frames out"),
    ("rca/planted.py", "from aiops import datasets", "Frames in, frames out"),
    ("evaluation/planted.py", "from aiops import datasets", "Frames in, frames out"),
    ("unheard_of.py", "x = 1", "Rooms import one way"),
])
def test_a_planted_violation_breaks_its_contract(
    copy: Path, module: str, line: str, contract: str
) -> None:
    path = copy / "aiops" / module
    for room in {path.parent, copy / "aiops" / line.split()[-1]} - {copy / "aiops"}:
        if "aiops import" in line and not room.with_suffix(".py").exists():
            room.mkdir(exist_ok=True)
            (room / "__init__.py").touch()
    with path.open("a") as stream:
        stream.write(f"\n{line}\n")
    run = lint(copy)
    assert run.returncode == 1, run.stdout + run.stderr
    assert f"{contract} BROKEN" in run.stdout or "ot listed" in run.stdout + run.stderr


def test_every_io_free_room_is_under_contract() -> None:
    contracts = configparser.ConfigParser()
    contracts.read(ROOT / ".importlinter")
    for name in ("frames", "pure"):
        section = contracts[f"importlinter:contract:{name}"]["source_modules"].split()
        assert {f"aiops.{room}" for room in IO_FREE & ROOMS} == set(section), name
