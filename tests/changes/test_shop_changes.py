"""The releases that our own shop recorded: six harmful canaries, two harmless, two bad releases."""

from pathlib import Path

import pytest

from aiops import datasets
from aiops.changes import impacts

PLANTED_MS, PLANTED_FAILED = 40.0, 0.1
LATE_MS = 1.0  # of the timer that plants them


def recorded(fault: str) -> list[tuple[str, str]]:
    found = [(name, incident) for name in ("shop", "shop-2")
             for incident, truth in datasets.load(Path(datasets.BUNDLED) / name).truth.items()
             if truth.get("fault") == fault]
    assert found
    return found


def told(name: str, incident: str):
    _, case = datasets.load(Path(datasets.BUNDLED) / name).case(incident)
    (found,) = impacts(case, draws=100)
    return found


def test_harmful_canaries_are_found_and_their_intervals_hold_what_was_planted():
    for name, incident in recorded("canary"):
        found = told(name, incident)
        assert found.verdict == "harmful", incident
        truth = datasets.load(Path(datasets.BUNDLED) / name).truth[incident]
        assert [found.change.service] == truth["culprits"]
        mean, typical, share = found.effects
        assert mean.low < PLANTED_MS < mean.high, incident
        assert typical.low < PLANTED_MS + LATE_MS, incident
        assert typical.high > PLANTED_MS, incident
        assert share.low < PLANTED_FAILED < share.high, incident
        assert all(each.found <= 0.06 for each in found.cuts), incident


def test_harmless_canaries_are_not_blamed():
    for name, incident in recorded("harmless-canary"):
        assert told(name, incident).verdict == "no effect seen", incident


def test_releases_at_once_are_not_identifiable():
    for name, incident in recorded("bad-release"):
        found = told(name, incident)
        assert (found.verdict, found.before_after) == ("not identifiable", True), incident


@pytest.mark.parametrize("incident", ["r002", "r012"])
def test_without_a_release_there_is_nothing_to_blame(incident):
    _, case = datasets.load(Path(datasets.BUNDLED) / "shop").case(incident)
    assert impacts(case) == []
