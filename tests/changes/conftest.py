"""The benchmark of changes, whose simulated releases tests judge too."""

import importlib.util
from pathlib import Path

import pytest

FILE = Path(__file__).parents[2] / "benchmarks" / "changes.py"


@pytest.fixture(scope="session")
def bench():
    spec = importlib.util.spec_from_file_location("bench_changes", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
