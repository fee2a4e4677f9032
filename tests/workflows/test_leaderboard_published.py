"""What is published outlives the rankings: others add to it, and what is stale is said to be."""

import json
from dataclasses import replace

import pytest

from aiops import rca
from aiops.errors import InputError, UsageError
from aiops.tracking import runs
from aiops.workflows.leaderboard import board, falls, origin, publish, published, sets
from aiops.workflows.leaderboard.page import page
from aiops.workflows.places import CLONE
from aiops.workflows.plan import Effort
from aiops.workflows.scoring import Tally
from tests.workflows.test_bench import made

PAGE = CLONE / "docs" / "leaderboards" / "rca.md"
AGAIN = "Run `aiops bench leaderboard --published`."
FULL, QUICK = Effort(), Effort(quick=True)


def test_the_committed_page_is_what_the_committed_figures_give():
    of = published.read(PAGE.with_suffix(".json"))
    shown = page(publish.to_sheets(of.measured), of.about, "../pictures/rca-leaderboard.png")
    assert shown == PAGE.read_text(), AGAIN
    assert len({each.key for each in of.measured}) == len(of.measured)


def test_the_committed_page_says_what_other_code_made():
    of = published.read(PAGE.with_suffix(".json"))
    wrong = [each.key for each in of.measured
             if origin.changed(each.origin, each.ranker, None, each.stale) != each.stale]
    assert wrong == [], AGAIN


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A set of two incidents, and a folder in which all of it was ranked."""
    root = tmp_path_factory.mktemp("of")
    return made(root / "made", [["a"], ["c"]]), root


@pytest.fixture
def small(kept, monkeypatch, tmp_path):
    at, root = kept
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{root / 'mlflow.db'}")
    monkeypatch.chdir(root)
    monkeypatch.setattr(publish, "SETS", (str(at), "not-here"))
    monkeypatch.setattr(rca, "RANKERS", {n: rca.RANKERS[n] for n in ("baro", "nsigma")})
    monkeypatch.setattr(rca, "DEFAULT", "nsigma")
    return str(at), tmp_path / "docs" / "leaderboards" / "rca.md"


def of_file(page):
    return {each.ranker: each for each in published.read(page.with_suffix(".json")).measured}


def test_a_ranker_is_added_where_the_others_rankings_are_lost(small, tmp_path, monkeypatch):
    at, out = small
    found = publish.lead(out, FULL, [at], ["nsigma"])
    assert (found["lacks"], found["absent"]) == ({at: ["baro"]}, ["not-here"])
    first = of_file(out)["nsigma"]
    assert runs.figures(first.run)["ac_at_1/decoys:40"] == 1.0
    assert (first.complete, first.seeds["decoys=40"]) == (True, 5)
    monkeypatch.chdir(tmp_path)  # where no ranking is kept
    found = publish.lead(out, QUICK, [at], ["baro"])
    assert (found["rankings"], found["lacks"], found["stale"]) == (4, {at: ["baro"]}, {})
    assert of_file(out)["nsigma"] == first
    assert not of_file(out)["baro"].complete
    text = out.read_text()
    assert f"`aiops bench leaderboard --set {at} --ranker baro --quick`" in text
    assert f"| `{at}/nsigma` | `{first.run}` | `{first.commit.split(',')[0]}`" in text
    assert ["| baro | " in text, "| **nsigma** (default) | " in text] == [True, True]
    assert (out.parent.parent / "pictures" / "rca-leaderboard.png").stat().st_size > 10_000
    assert not list(out.parent.parent.rglob("*.part"))


def test_the_page_is_written_again_of_the_file_alone_and_says_what_changed(small, monkeypatch):
    at, out = small
    publish.lead(out, FULL, [at])
    before = out.read_text(), out.with_suffix(".json").read_text()
    out.unlink()
    assert publish.again(out)["stale"] == {}
    assert (out.read_text(), out.with_suffix(".json").read_text()) == before
    monkeypatch.setattr(origin, "version", lambda ranker, *other: f"new {ranker}")
    assert publish.again(out)["stale"] == {at: ["baro", "nsigma"]}
    assert f"- {at}: baro, nsigma (other code; measured at `" in out.read_text()


def test_what_is_measured_again_alike_keeps_its_commit_and_less_replaces_nothing(small):
    at, out = small
    publish.lead(out, FULL, [at])
    of = published.read(out.with_suffix(".json"))
    early = [replace(each, commit="early") for each in of.measured]
    published.write(replace(of, measured=early), out.with_suffix(".json"))
    publish.lead(out, FULL, [at])
    assert {each.commit for each in of_file(out).values()} == {"early"}
    part = [replace(each, complete=False, incidents=1) for each in early]
    full = [replace(each, incidents=3) for each in early]
    assert published.Published({}, early).merged(part, [at]) == early
    assert published.Published({}, part).merged(full, [at]) == full
    assert published.Published({}, early).merged([], ["other"]) == []
    assert publish._outdone(part, early) == {at: ["baro", "nsigma"]}


def test_data_that_changed_is_told_and_data_that_is_not_here_is_not_judged(small):
    at, out = small
    publish.lead(out, FULL, [at], ["nsigma"])
    of = replace(of_file(out)["nsigma"].origin, data="000000")
    assert origin.changed(of, "nsigma", publish._here(at)) == "other data"
    assert origin.changed(of, "nsigma", None) == ""
    assert origin.changed(of, "nsigma", None, "other data") == "other data"
    assert origin.changed(replace(of, stressed="x"), "nsigma", None) == "other code"
    assert origin.changed(replace(of, stressed=""), "nsigma", None) == ""
    assert origin.changed(replace(of, judged="x"), "nsigma", None) == "judged by other code"


def test_what_the_leaderboard_does_not_have_is_an_error_that_lists_it(small):
    _, out = small
    with pytest.raises(UsageError, match="set parameter must be one of .*not-here"):
        publish.lead(out, FULL, ["nope"])
    with pytest.raises(UsageError, match="ranker parameter must be one of baro, nsigma"):
        publish.lead(out, FULL, None, ["nope"])


def test_a_damaged_file_is_told_before_anything_is_ranked(small, monkeypatch):
    at, out = small
    monkeypatch.setattr(board, "run", None)
    out.parent.mkdir(parents=True)
    for text in ("{", "{}", json.dumps({"about": {}, "measured": [{"set": at}]})):
        out.with_suffix(".json").write_text(text)
        with pytest.raises(InputError, match=r"rca.json is no file of published figures"):
            publish.lead(out, FULL, [at])


def test_a_fall_is_over_the_cases_that_the_stress_fits(small):
    at, _ = small
    of = sets.Set(at, ["nsigma"])
    board.run([at], QUICK, ["nsigma"])
    tally = of.outcomes("nsigma")
    first = tally.by_slice["decoys=40"][:1]
    found = falls.falls("made", "nsigma", Tally(
        {"": tally.by_slice[""], "decoys=40": first}, {"decoys=40": {"r1"}}, {}))
    assert [(f.slice, f.metric, f.value, f.n) for f in found] == [
        ("decoys=40", "fall of ac@1", 0.0, 1), ("decoys=40", "fall of ac@3", 0.0, 1)]
