"""The lock, pyproject.toml and environment.yml say the same."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK = dict(line.split("==") for line in (ROOT / "requirements.lock").read_text().split())
ASKED = [*PROJECT["dependencies"], *sum(PROJECT["optional-dependencies"].values(), [])]


@pytest.mark.parametrize("line", ASKED)
def test_the_lock_has_what_the_project_asks_for(line: str) -> None:
    asked = Requirement(line)
    name = canonicalize_name(asked.name)
    assert name in LOCK, f"{name} is not locked: run scripts/lock.sh"
    assert asked.specifier.contains(LOCK[name], prereleases=True), f"{line}, locked {LOCK[name]}"


def test_the_lock_holds_versions_alone() -> None:
    text = (ROOT / "requirements.lock").read_text()
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9][a-z0-9.]*", line) for line in text.split())


def test_no_cuda_package_is_locked() -> None:
    assert not [name for name in LOCK if name.startswith("nvidia") or name == "triton"]


def test_environment_is_made_from_the_lock() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    *conda, pip = environment["dependencies"]
    assert conda == ["python=3.11", "pip", "uv"]
    assert dict(line.split("==") for line in pip["pip"]) == LOCK


def test_the_lock_is_what_is_installed() -> None:
    """Checks our pins and everybody's demands, excepting what is left out on purpose."""
    command = [sys.executable, "-m", "pip", "check", "--disable-pip-version-check"]
    complaints = subprocess.run(command, capture_output=True, text=True).stdout.splitlines()
    assert [c for c in complaints if "nccl" not in c and "No broken" not in c] == []


def test_the_lock_fits_every_python_3_11() -> None:
    """Debian 12 has 3.11.2; what is demanded below some 3.11.x must be locked too."""
    oldest = {"python_full_version": "3.11.0", "extra": ""}
    for made in map(metadata.distribution, LOCK):
        if wanted := made.metadata.get("Requires-Python"):
            assert SpecifierSet(wanted).contains("3.11.0"), f"{made.name} wants Python {wanted}"
        for asked in map(Requirement, made.requires or []):
            if asked.marker and asked.marker.evaluate(oldest) and "nccl" not in asked.name:
                assert canonicalize_name(asked.name) in LOCK, f"{made.name} asks for {asked}"


def test_core_is_light() -> None:
    heavy = {"torch", "mlflow", "dvc", "jupyterlab", "dowhy", "causalml", "numba", "polars"}
    assert heavy.isdisjoint(Requirement(line).name for line in PROJECT["dependencies"])
