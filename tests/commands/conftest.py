"""A command run as a user runs it, in this process."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from aiops import cli

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    """Takes the words of a command; gives exit code, standard output and standard error."""
    def ended(*words: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            cli.main([str(word) for word in words])
        return int(left.value.code or 0), *capfd.readouterr()

    return ended
