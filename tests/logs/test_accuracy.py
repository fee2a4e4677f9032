"""The four figures on lines few enough to count by hand."""

import pandas as pd
import pytest

from aiops.errors import InputError
from aiops.logs.accuracy import accuracy, plain


def figures(mined: list[str], published: list[str]) -> dict[str, float]:
    return accuracy(pd.Series(mined), pd.Series(published))


def test_the_same_templates_are_wholly_right():
    assert figures(["a <*>", "b"], ["a <*>", "b"]) == {"ga": 1, "fga": 1, "pa": 1, "fta": 1}


def test_right_groups_of_other_text_count_for_groups_only():
    assert figures(["a <*>", "b"], ["<*> <*>", "b"]) == {"ga": 1, "fga": 1, "pa": 0.5, "fta": 0.5}


def test_two_statements_in_one_group_are_both_missed():
    got = figures(["a <*>"] * 3 + ["b"], ["a <*>", "a <*>", "a x", "b"])
    assert got == {"ga": 0.25, "fga": 2 * 1 / 5, "pa": 0.75, "fta": 2 * 1 / 5}


def test_a_split_statement_is_missed_but_its_right_text_counts_by_line():
    got = figures(["a <*>", "a x", "b"], ["a <*>", "a <*>", "b"])
    assert got == pytest.approx({"ga": 1 / 3, "fga": 0.4, "pa": 2 / 3, "fta": 0.8})


def test_neighbouring_values_are_one_on_both_sides():
    assert plain(pd.Series(["to <*>:<*>  <*>, <*>"])).tolist() == ["to <*>, <*>"]
    assert figures(["to <*>"], ["to <*>:<*>"])["pa"] == 1


def test_both_sides_need_a_template_a_line():
    with pytest.raises(InputError, match="Got 1 and 2"):
        figures(["a"], ["a", "b"])
    with pytest.raises(InputError, match="Got 0 and 0"):
        figures([], [])
