"""The leaderboard gives the bench's figures, piece by piece, and makes none twice."""

import pandas as pd
import pytest

from aiops import code_version, rca
from aiops.errors import CaseError, InputError
from aiops.evaluation.ranking import Outcome
from aiops.workflows.bench import bench_rca
from aiops.workflows.judging import Answer, Question
from aiops.workflows.leaderboard import board as boards
from aiops.workflows.leaderboard import sets
from aiops.workflows.leaderboard.sets import Set
from aiops.workflows.leaderboard.store import Asked, Store
from aiops.workflows.plan import Effort
from tests.workflows.test_bench import made

RANKERS = ["nsigma", "best-single-metric"]


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    root = made(tmp_path_factory.mktemp("mine"), [["a"], ["c"], ["a"], []])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rca, "DEFAULT", "nsigma")
        (of,), number = boards.run([str(root)], Effort(seeds=2), RANKERS,
                                        root.parent / "kept")
        yield of, number


def steady(figures):
    return [f for f in figures if f.unit != "s"]


def test_its_figures_are_the_benchs(board):
    of, _ = board
    told = bench_rca(of.target, RANKERS, stress=True, seeds=2)
    assert steady(of.figures("nsigma")) == steady(f for f in told if f.model == "nsigma")
    once = bench_rca(of.target, ["best-single-metric"], stress=True, seeds=1)
    assert steady(of.figures("best-single-metric")) == steady(once)
    assert of.outcomes("nsigma").seeds["decoys=40"] == {0, 1}
    assert of.outcomes("best-single-metric").seeds["decoys=40"] == {0}


def test_a_second_run_makes_nothing_and_a_new_version_only_its_own(board, monkeypatch):
    of, number = board
    assert number == 3 * (1 + 2 + 2) + 3 * (1 + 1 + 1)
    again = Set(of.target, RANKERS, of.folder)
    monkeypatch.setattr(rca, "DEFAULT", "nsigma")
    assert again.missing(Effort(seeds=2)) == []
    assert {a.seed for task in again.missing(Effort(seeds=3)) for a in task.asked} == {2}
    real = sets.version
    monkeypatch.setattr(sets, "version", lambda ranker, *other: (
        "changed" if ranker == "aiops.rca.nsigma" else real(ranker, *other)))
    lacks = again.missing(Effort(quick=True))
    assert {(a.ranker, a.slice) for task in lacks for a in task.asked} == {
        ("nsigma", ""), ("nsigma", "decoys=40")}
    assert len(lacks) == 3
    assert again.figures("nsigma") == []


@pytest.fixture
def version():
    """Of a ranker, after a module was changed; the real code comes back."""
    def clear():
        sets.version.cache_clear()
        code_version._read.cache_clear()

    def of(ranker, changed="", stressed=False):
        clear()
        with pytest.MonkeyPatch.context() as patch:
            if changed:
                known = code_version.sources(code_version.ROOT)
                patch.setitem(known, changed, known[changed] + "\nX = 1\n")
            return sets.version(f"aiops.rca.{ranker}", "aiops.datasets.folder", stressed)

    yield of
    clear()


@pytest.mark.parametrize("module", ["rca.nsigma", "workflows.judging", "workflows.fitting",
                                    "datasets.folder", "rca.series"])
def test_an_answer_goes_stale_with_what_decides_it(version, module):
    assert version("nsigma", f"aiops.{module}") != version("nsigma")


@pytest.mark.parametrize("module", ["rca.baro", "rca", "rca.fusion", "evaluation.variants",
                                    "workflows.plan", "workflows.scoring"])
def test_an_answer_outlives_what_does_not_decide_it(version, module):
    assert version("nsigma", f"aiops.{module}") == version("nsigma")
    assert version("nsigma", "aiops.evaluation.variants", True) != version("nsigma", "", True)


def test_a_case_whose_line_was_cut_short_is_asked_again(tmp_path):
    store, truth = Store(tmp_path, "tvdiag/hotel"), {"c1": {"culprits": ["a"]},
                                                    "c2": {"culprits": ["b"]}}
    blame = pd.Series({"a": 0.1 + 0.2, "b": float("-inf")})
    blame.attrs = {"confidence": 0.25, "abstains": False}
    asked = Asked("fusion", "alerts", "two_faults", 1, "v")
    first = Outcome(blame, ("a", "b"), {"culprits": ["a", "b"]}, 0.5, None, "c1")
    store.add(asked, [Answer("c1", first)])
    (file,) = tmp_path.rglob("*.jsonl")
    file.write_text(file.read_text() + '{"case": "c2", "bla')
    assert store.known(asked) == {"c1"}
    store.add(asked, [Answer("c2", None, "does not fit")])
    kept = {a.case: a for a in store.read(asked, truth)}
    assert (kept["c2"].outcome, kept["c2"].reason) == (None, "does not fit")
    assert kept["c1"].outcome.blame.equals(blame)
    assert (kept["c1"].outcome.confidence, kept["c1"].outcome.abstains) == (0.25, False)
    assert kept["c1"].outcome.truth["culprits"] == ["a", "b"]
    assert store.known(Asked("fusion", "alerts", "two_faults", 1, "w")) == set()


def test_a_ranking_that_names_a_suspect_twice_is_not_kept(tmp_path):
    twice = Outcome(pd.Series([1.0, 2.0], index=["a", "a"]), ("a",), {"culprits": ["a"]})
    with pytest.raises(InputError, match="each suspect once"):
        Store(tmp_path, "set").add(Asked("x", "", "", 0, "v"), [Answer("c", twice)])


def test_who_abstains_is_asked_about_false_alarms_once_it_has_said_so(tmp_path):
    root = made(tmp_path / "made", [["a"], ["c"], []])
    of = Set(str(root), ["nsigma"], tmp_path / "kept")
    (entry,) = of.entries
    assert {a.slice for t in of.missing(Effort(quick=True)) for a in t.asked} == {"", "decoys=40"}
    blame = pd.Series({"a": 1.0})
    blame.attrs = {"abstains": True}
    of.store.add(of.asked(Question(entry)), [
        Answer("r0", Outcome(blame, tuple("abcd"), {"culprits": ["a"]}, case="r0"))])
    asked = {(t.case, a.slice, a.seed) for t in of.missing(Effort(seeds=1)) for a in t.asked}
    assert {("r2", "", 0), ("r0", "no_incident=pseudo", 0), ("r1", "no_incident=pseudo", 1),
            ("r1", "", 0)} <= asked
    assert ("r0", "", 0) not in asked


def test_bad_wishes_are_told_before_anything_is_ranked(tmp_path):
    with pytest.raises(InputError, match="at least one seed"):
        boards.run([str(tmp_path)], Effort(seeds=0))
    root = made(tmp_path / "made", [["a"]])
    (root / "truth.json").unlink()
    with pytest.raises(CaseError, match="no truth"):
        boards.run([str(root)], Effort())


def test_who_learns_anew_for_each_kind_of_fault_is_asked_plain_alone(tmp_path, monkeypatch):
    root = made(tmp_path / "made", [["a"], ["c"]])
    of = Set(str(root), ["nsigma"], tmp_path / "kept")
    monkeypatch.setattr(type(of.entries[0].model), "uses_labels", True)
    assert {a.slice for t in of.missing(Effort(seeds=1)) for a in t.asked} == {""}
    of.dataset.history_truth["h1"] = {"culprits": ["a"]}
    assert len({a.slice for t in of.missing(Effort(seeds=1)) for a in t.asked}) > 5
