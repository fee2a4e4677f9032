"""Priority of a session: raised for a time, where the kernel and our rights permit."""

import subprocess
import sys

PROGRAM = """
from pathlib import Path
from aiops.testbed import priority
nice = priority._session_nice
before = nice()
with priority.raised_session():
    during = nice()
print(before, during, nice())
"""


def test_a_session_is_raised_for_a_block_and_put_back():
    # in a session of its own: the tests' session keeps its priority
    told = subprocess.run([sys.executable, "-c", PROGRAM], start_new_session=True, text=True,
                          stdout=subprocess.PIPE, check=True).stdout.split()
    before, during, after = told
    assert after == before
    assert during in ("-20", before)  # not permitted, or no autogroups: nothing changes


def test_without_autogroups_nothing_is_raised(monkeypatch, tmp_path):
    from aiops.testbed import priority

    monkeypatch.setattr(priority, "_AUTOGROUP", tmp_path / "missing" / "autogroup")
    assert priority.raise_session() is False
    with priority.raised_session():
        assert priority._session_nice() is None
