"""The leaderboard's page says what was found, met or not, and where each figure comes from."""

import json
import re

import pytest

from aiops import rca
from aiops.errors import InputError
from aiops.evaluation.figures import Figure
from aiops.tracking import runs
from aiops.workflows.leaderboard import board, sheets
from aiops.workflows.leaderboard.page import Sheet, page
from aiops.workflows.leaderboard.targets import FALL, TARGETS, Target
from aiops.workflows.plan import Effort
from aiops.workflows.scoring import Tally
from tests.workflows.test_bench import made


def figure(value, part="all", metric="ac@1", model="fusion", unit="share", n=56):
    interval = (value - 0.1, value + 0.05) if unit == "share" else (None, None)
    return Figure("rca", "nezha-ob", model, part, metric, value, *interval, n, 0.1, unit)


def row(text, *words):
    (found,) = [line for line in text.splitlines() if all(word in line for word in words)]
    return [cell.strip() for cell in found.strip("|").split("|")]


@pytest.fixture(scope="module")
def text():
    figures = [figure(0.9, m, "ac@1") for m in ("all", "minute=scored")]
    figures += [figure(0.891, "all", "ac@3"), figure(1.2, "all", "seconds_p95", unit="s"),
                figure(0.02, "decoys=40", FALL + "ac@1"), figure(0.88, "decoys=40"),
                figure(0.9, "evidence=metrics"), figure(0.3, model="baro"),
                figure(0.6, "no_incident=pseudo", "abstained"), figure(0.1, "all", "abstained"),
                figure(1.0, model="best-single-metric")]
    sheet = Sheet("nezha-ob", 56, figures, {("fusion", "decoys=40"): 5, ("baro", "decoys=40"): 1},
                  ["circa"], {"fusion": "0123456789abcdef"})
    return page([sheet], {"command": "`x`"}, "../p.png")


def test_each_target_is_stated_with_its_interval_met_or_not(text):
    assert row(text, "nezha-ob | scored minute has", "AC@1")[-5:] == [
        "at least .90", ".900 [.800, .950]", "56", "yes", "`01234567`"]
    assert row(text, "nezha-ob | all", "AC@3")[-2] == "no"
    assert row(text, "40 decoys, all", "AC@1")[-5:-1] == [
        "at most .03", ".020 [-.080, .070]", "56", "yes"]
    assert row(text, "nezha-ob | all", "p95 s")[-2] == "no"
    assert row(text, "metrics only", "AC@3")[-2] == "not measured"
    assert re.search(r"3 met, 2 not met, 0 only stated, \d+ not measured", text)


def test_rankers_stand_by_their_first_figure_hindsight_last(text):
    order = [text.index(f"\n| {name}") for name in ("chance", "**fusion** (default)", "baro",
                                                    "best-single-metric (hindsight)")]
    assert order == sorted(order)
    assert row(text, "**fusion** (default)", "9.0")[1] == ".90 [.80, .95]"
    assert row(text, "| metrics |")[1] == "56"


def test_stress_stands_beside_plain_with_its_seeds(text):
    assert row(text, "| decoys=40 |")[3:6] == ["5, others 1", ".88 [.78, .93]", ""]
    assert row(text, "| plain |")[7] == ".30"
    assert ".60 [.50, .65] (n 56)" in text


def test_what_lacks_and_which_run_is_told(text):
    assert "- nezha-ob: circa" in text
    assert row(text, "`nezha-ob/fusion`")[-1] == "`0123456789abcdef`"
    assert "![AC@1 by set, plain and among 40 decoys](../p.png)" in text


def test_a_figure_at_its_aim_has_met_it_but_a_second_is_to_be_under():
    assert Target("shop", "", "all", "ac@1", 0.9).met(figure(0.9)) == "yes"
    late = Target("shop", "", "all", "seconds_p95", 1.0, most=True)
    assert late.met(figure(1.0, metric="seconds_p95", unit="s")) == "no"
    assert Target("shop", "", "silent", "ac@1").met(figure(0.1)) == "stated"
    assert {t.model for t in TARGETS} == {rca.DEFAULT, "learned"}


@pytest.fixture
def small(tmp_path, monkeypatch):
    root = made(tmp_path / "made", [["a"], ["c"]])
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sheets, "SETS", (str(root), "not-here"))
    monkeypatch.setattr(rca, "RANKERS", {n: rca.RANKERS[n] for n in ("baro", "nsigma")})
    monkeypatch.setattr(rca, "DEFAULT", "nsigma")
    return root


def test_one_call_ranks_writes_the_page_and_logs_each_ranker_once(small, tmp_path):
    out = tmp_path / "docs" / "leaderboards" / "rca.md"
    quick = Effort(quick=True)
    found = sheets.lead(out, quick, [str(small)])
    assert (found["rankings"], found["runs"], found["absent"]) == (8, 2, ["not-here"])
    assert found["lacks"] == {}
    text = out.read_text()
    assert f"`aiops bench leaderboard --only {small} --quick`" in text
    assert (tmp_path / "docs" / "pictures" / "rca-leaderboard.png").stat().st_size > 10_000
    (run_id,) = {line.split("`")[-2] for line in text.splitlines() if f"`{small}/nsigma`" in line}
    assert runs.figures(run_id)["ac_at_1/decoys:40"] == 1.0
    assert "**Not here:** rcd-sockshop, petshop-low," in text
    again = sheets.lead(out, quick, [str(small)])
    assert (again["rankings"], again["runs"]) == (0, 2)
    assert run_id in out.read_text()


def test_what_the_leaderboard_does_not_have_is_an_error_that_lists_it(small, tmp_path):
    with pytest.raises(InputError, match="only parameter must be one of .*not-here"):
        sheets.lead(tmp_path / "x.md", Effort(), ["nope"])
    with pytest.raises(InputError, match="ranker parameter must be one of baro, nsigma"):
        sheets.lead(tmp_path / "x.md", Effort(), None, ["nope"])


def test_a_fall_is_over_the_cases_that_the_stress_fits(small):
    of = sheets.Set(str(small), ["nsigma"])
    board.run([str(small)], Effort(quick=True), ["nsigma"])
    kept = of.outcomes("nsigma")
    first = kept.by_slice["decoys=40"][:1]
    found = sheets.falls("made", "nsigma", Tally(
        {"": kept.by_slice[""], "decoys=40": first}, {"decoys=40": {"r1"}}, {}))
    assert [(f.slice, f.metric, f.value, f.n) for f in found] == [
        ("decoys=40", "fall of ac@1", 0.0, 1), ("decoys=40", "fall of ac@3", 0.0, 1)]
    assert json.loads(sheets.to_json(found))
