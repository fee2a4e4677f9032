"""The page on the default ranker is true: its example runs, and it names each evidence."""

import doctest
from pathlib import Path

from aiops.rca.evidence import EVIDENCE
from aiops.rca.reasons import APART, SECOND

PAGE = Path(__file__).parents[1] / "docs" / "root-cause.md"


def test_the_example_runs():
    made = doctest.testfile(str(PAGE), module_relative=False, encoding="utf-8")
    assert made.attempted > 10
    assert made.failed == 0


def test_every_evidence_has_a_row_and_no_other():
    rows = [line.split("`")[1] for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    assert rows == list(EVIDENCE)


def test_the_shares_of_a_second_culprit_are_those_of_the_code():
    text = " ".join(PAGE.read_text().split())
    assert f"at least {SECOND:.0%}".replace("%", " %") in text
    assert f"at most {APART:.0%}".replace("%", " %") in text
