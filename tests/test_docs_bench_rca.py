"""The page on benching one's own incidents is true."""

import doctest
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "bench-rca.md"


def test_the_example_runs():
    made = doctest.testfile(str(PAGE), module_relative=False, encoding="utf-8")
    assert made.attempted > 10
    assert made.failed == 0


def test_every_ranker_and_layout_is_named():
    from aiops.datasets import LAYOUTS
    from aiops.rca import RANKERS

    text = PAGE.read_text()
    assert [name for name in (*RANKERS, *LAYOUTS) if f"`{name}`" not in text] == []
