"""``aiops testbed``: what it knows and what it refuses, without starting a shop."""

from __future__ import annotations

import json
import subprocess
import sys


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "aiops", "testbed", *words],
                          capture_output=True, text=True, timeout=120)


def test_fault_list_names_every_fault_with_its_targets() -> None:
    from aiops.testbed import faults

    rows = json.loads(run("fault", "list", "--json").stdout)
    assert [row["fault"] for row in rows] == list(faults.KNOWN)
    assert all(row["targets"] for row in rows)
    assert {row["fault"] for row in rows if "slow-burn" in row["strengths"]} == {
        "cpu-burn", "pool-held"}


def test_an_unknown_fault_or_target_is_refused_before_anything_starts() -> None:
    unknown, misplaced = run("fault", "nope"), run("fault", "table-lock", "--target", "cart")
    assert (unknown.returncode, misplaced.returncode) == (2, 2)
    assert "Known: latency" in unknown.stderr
    assert "table-lock can be planted at postgresql" in misplaced.stderr


def test_load_without_a_port_is_wrong_usage() -> None:
    assert run("load").returncode == 2
