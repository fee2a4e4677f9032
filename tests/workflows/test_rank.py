"""The stage that scores rankers: its files, read again by the report on them."""

import json
from pathlib import Path

import pytest

from aiops.errors import InputError
from aiops.workflows import rank, reports
from tests.workflows.test_bench import made

ROOT = Path(__file__).parents[2]


def test_what_rank_wrote_is_read_as_it_was(tmp_path):
    figures = rank.rank(made(tmp_path / "set", [["a"], ["c"]]), tmp_path / "metrics")
    read = [vars(figure) for figure in rank.read(tmp_path / "metrics")]
    assert sorted(map(str, read)) == sorted(map(str, figures))
    tracked = json.loads((tmp_path / "metrics" / "rca.json").read_text())
    assert "s" not in {figure["unit"] for figure in tracked}


def test_a_lost_file_is_named_with_the_way_to_make_it_again(tmp_path):
    with pytest.raises(InputError, match=r"lacks rca\.json, rca-seconds\.json. Run `dvc repro --f"):
        rank.read(tmp_path)


def test_the_report_shows_what_the_stage_found_and_ranks_nothing_anew(tmp_path):
    cases = made(tmp_path / "set", [["a"], ["c"]])
    figures = rank.rank(cases, tmp_path / "out" / "metrics")
    found = tmp_path / "out" / "metrics" / "rca.json"
    found.write_text(json.dumps([figure | {"chance": 0.125} for figure in figures
                                 if figure["unit"] == "share"]))
    got = reports.report(ROOT / "notebooks/04-rank-root-causes.ipynb", cases, tmp_path / "out")
    assert got["findings"][0].endswith("(chance 0.13)")
