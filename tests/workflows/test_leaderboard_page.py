"""The leaderboard's page says what was found, met or not, and where each figure comes from."""

import re

import pytest

from aiops import rca
from aiops.evaluation.figures import Figure
from aiops.workflows.leaderboard.falls import FALL
from aiops.workflows.leaderboard.origin import Origin
from aiops.workflows.leaderboard.page import page
from aiops.workflows.leaderboard.published import Measured, needed
from aiops.workflows.leaderboard.sheet import Sheet
from aiops.workflows.leaderboard.targets import TARGETS, Target

ORIGIN = Origin("aiops.datasets.nezha", "d", "p", "s", "j")


def figure(value, part="all", metric="ac@1", model="fusion", unit="share", n=56):
    interval = (value - 0.1, value + 0.05) if unit == "share" else (None, None)
    return Figure("rca", "nezha-ob", model, part, metric, value, *interval, n, 0.1, unit)


def row(text, *words):
    (found,) = [line for line in text.splitlines() if all(word in line for word in words)]
    return [cell.strip() for cell in found.strip("|").split("|")]


def board(**of_default):
    figures = [figure(0.9, m, "ac@1") for m in ("all", "minute=scored")]
    figures += [figure(0.891, "all", "ac@3"), figure(1.2, "all", "seconds_p95", unit="s"),
                figure(0.02, "decoys=40", FALL + "ac@1"), figure(0.88, "decoys=40"),
                figure(0.9, "evidence=metrics"), figure(0.3, model="baro"),
                figure(0.6, "no_incident=pseudo", "abstained"), figure(0.1, "all", "abstained"),
                figure(1.0, model="best-single-metric")]

    def of(name, commit, seeds, **more):
        own = needed([f for f in figures if f.model == name], "nezha-ob")
        return Measured("nezha-ob", name, 56, commit, "2026-11-26 12:30",
                        "slow" if name == "baro" else "fast", "0123456789abcdef", ORIGIN,
                        {"decoys=40": seeds}, figures=own, **more)

    sheet = Sheet("nezha-ob", [
        of("fusion", "c1", 5, **of_default), of("best-single-metric", "c1", 1, printed=True),
        of("baro", "c2, with changes", 1, stale="other code", complete=False)])
    return page([sheet], {"command": "`x`"}, "../p.png")


@pytest.fixture(scope="module")
def text():
    return board()


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
    names = ("chance", "**fusion** (default)", "baro (stale)", "best-single-metric (hindsight)")
    order = [text.index(f"\n| {name}") for name in names]
    assert order == sorted(order)
    assert row(text, "**fusion** (default)", "9.0")[1] == ".90 [.80, .95]"
    assert row(text, "| metrics |")[1] == "56"


def test_stress_stands_beside_plain_with_its_seeds(text):
    assert row(text, "| decoys=40 |")[3:6] == ["5, others 1", ".88 [.78, .93]", ""]
    assert row(text, "| plain |")[7] == ".30"
    assert ".60 [.50, .65] (n 56)" in text


def test_what_lacks_and_which_run_and_commit_is_told(text):
    lacks = next(line for line in text.splitlines() if line.startswith("- nezha-ob: "))
    assert [name in lacks for name in ("baro", "circa", "fusion")] == [True, True, False]
    assert "**Not measured:** rcd-sockshop, petshop-low," in text
    assert row(text, "`nezha-ob/fusion`")[3:] == [
        "`0123456789abcdef`", "`c1`", "2026-11-26 12:30 UTC", "all"]
    assert "![AC@1 by set, plain and among 40 decoys](../p.png)" in text


def test_what_is_stale_or_carries_printed_digits_is_told(text):
    assert "- nezha-ob: baro (other code; measured at `c2`, with changes)\n" in text
    assert "**As printed.** Of 1 of the 3 rows" in text
    assert row(text, "`nezha-ob/best-single-metric`")[-1] == "as printed"
    assert "other machines than the others' (fast):\n\n- slow: baro on nezha-ob\n" in text
    other = board(stale="other data")
    assert "**fusion** (default) (stale)" in other
    assert re.search(r"0 met, 0 not met, 0 only stated, \d+ not measured, 5 of stale", other)


def test_a_figure_at_its_aim_has_met_it_but_a_second_is_to_be_under():
    assert Target("shop", "", "all", "ac@1", 0.9).met(figure(0.9)) == "yes"
    late = Target("shop", "", "all", "seconds_p95", 1.0, most=True)
    assert late.met(figure(1.0, metric="seconds_p95", unit="s")) == "no"
    assert Target("shop", "", "silent", "ac@1").met(figure(0.1)) == "stated"
    assert {t.model for t in TARGETS} == {rca.DEFAULT, "learned"}
