"""The doctor sees what is missing, says what to do, and fails for what is needed only."""

from __future__ import annotations

from importlib import metadata

import pytest

from aiops.workflows import doctor

KNOWN = {"platform", "python", "disk", "memory", "ebpf", "git", "chromium", "extra testbed",
         "extra mlops", "extra notebooks", "public data"}


def by_name() -> dict[str, doctor.Finding]:
    return {finding.name: finding for finding in doctor.examine()}


def test_it_looks_at_all_parts() -> None:
    findings = by_name()
    assert set(findings) >= KNOWN
    assert all(finding.fix and finding.used_for for finding in findings.values())


def test_a_missing_program_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    git = by_name()["git"]
    assert (git.works, git.needed, git.found) == (False, True, "not on PATH")
    assert "apt-get install git" in str(git.row()["fix"])


def test_public_data_that_is_no_folder_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIOPS_DATA", "/nowhere")
    assert by_name()["public data"].found == "/nowhere is no folder"


def test_a_missing_package_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(doctor.EXTRAS, "mlops", ("no-such-distribution", "dvc"))
    finding = by_name()["extra mlops"]
    assert not finding.works
    assert "no-such-distribution (missing)" in finding.found
    assert f"dvc {metadata.version('dvc')}" in finding.found
