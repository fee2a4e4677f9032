"""The page on the causal model is true: its example runs, and its questions are all there are."""

import doctest
from pathlib import Path

from aiops import causal

PAGE = Path(__file__).parents[1] / "docs" / "causal.md"
ASKED = {name for name in causal.__all__ if name[0].islower()} - {"variables"}


def test_the_example_runs():
    made = doctest.testfile(str(PAGE), module_relative=False, encoding="utf-8")
    assert made.attempted > 10
    assert made.failed == 0


def test_every_question_has_a_row_and_no_other():
    rows = {line.split("`")[1].split("(")[0] for line in PAGE.read_text().splitlines()
            if line.startswith("| ") and "(model" in line}
    assert rows == ASKED
