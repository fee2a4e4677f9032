"""What holds for every test: where public data lies, and that CI skips nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def aiops_data() -> Path:
    """The folder of public development data, named by the environment's AIOPS_DATA."""
    folder = os.environ.get("AIOPS_DATA")
    if not folder:
        pytest.skip("AIOPS_DATA is not set: no public development data on this machine")
    return Path(folder)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Under CI a skip hides a missing install step, so it fails the run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") == "true" and reporter and reporter.stats.get("skipped"):
        reporter.write_line("")
        reporter.write_line("CI=true: every skip above is a failure", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
