"""The bench reproduces what is published, and says what it cannot score."""

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from aiops.case import Case
from aiops.commands.output import table as output_table
from aiops.datasets.folder import read_cases, write_case
from aiops.errors import CaseError, InputError, LayoutError
from aiops.evaluation.figures import Figure, to_json
from aiops.rca import NSigma
from aiops.workflows.bench import bench_rca, narrow, summary, table

T0 = pd.Timestamp("2026-01-31T12:00:00Z")


def made(root: Path, culprits: list[list[str]]) -> Path:
    rng = np.random.default_rng(0)
    times = pd.date_range(T0, periods=60, freq="s")
    truth = {}
    for number, guilty in enumerate(culprits):
        frames = [pd.DataFrame({"time": times, "service": service, "name": "cpu",
                                "value": rng.normal(size=60)
                                + 50 * (service in guilty) * (np.arange(60) >= 40)})
                  for service in "abcd"]
        cut = T0 + pd.Timedelta(seconds=40)
        write_case(root, f"r{number}", Case(
            normal=((T0, cut),), abnormal=(cut, T0 + pd.Timedelta(seconds=60)),
            metrics=pd.concat(frames)))
        truth[f"r{number}"] = {"culprits": guilty, "kind": "service"}
    (root / "truth.json").write_text(json.dumps(truth))
    return root


def value(figures, metric, model="baro", part="all"):
    found = [f for f in figures if (f.model, f.slice, f.metric) == (model, part, metric)]
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize("fault", ["cpu", "mem"])
def test_baro_reproduces_its_published_figures(published, fault):
    assert value(published, "avg@5", part=f"fault={fault}").value == pytest.approx(0.992)
    assert value(published, "ac@1", part=f"fault={fault}").value == pytest.approx(0.96)


def test_nsigma_reproduces_its_published_figures(published):
    found = [value(published, "avg@5", "nsigma", f"fault={f}").value for f in ("cpu", "mem")]
    assert found == pytest.approx([0.984, 0.992])


def test_without_a_call_graph_traversal_misses_and_says_so(published):
    assert value(published, "failures", "traversal").value == 50
    assert value(published, "mrr", "traversal").value == 0


@pytest.fixture(scope="module")
def published(aiops_data):
    return bench_rca(aiops_data / "rca" / "rcd-sockshop", ["baro", "nsigma", "traversal"])


def test_own_cases_are_scored_with_chance_beside(tmp_path):
    figures = bench_rca(made(tmp_path, [["a"], ["c"], []]))
    first = value(figures, "ac@1")
    assert (first.value, first.chance, first.n, first.dataset) == (1.0, 0.25, 2, tmp_path.name)
    assert value(figures, "ac@1", "best-single-metric").value == 1.0
    assert (value(figures, "not_scored").value, value(figures, "not_scored").n) == (1.0, 2)


def test_the_table_marks_hindsight_and_has_chance_above(tmp_path):
    rows = table(bench_rca(made(tmp_path, [["a"], ["c"]]), ["baro", "best-single-metric"]))
    assert [row["model"] for row in rows if row["slice"] == "all"] == [
        "chance", "baro", "best-single-metric (hindsight)"]
    assert rows[0]["ac@1"] == "0.25"
    assert rows[1]["ac@1"] == "1 [1, 1]"
    assert {row["slice"] for row in rows} == {"all", "culprit=service"}


def test_cases_without_culprits_are_not_even_read(tmp_path):
    root = made(tmp_path, [["a"], []])
    (root / "r1" / "metrics.parquet").write_bytes(b"unreadable")
    assert value(bench_rca(root, ["baro"]), "ac@1").n == 1


def test_a_truth_is_needed_for_every_case(tmp_path):
    root = made(tmp_path, [["a"], ["b"]])
    (root / "truth.json").write_text('{"r0": {"culprits": ["a"]}}')
    with pytest.raises(CaseError, match="lacks the case 'r1'"):
        bench_rca(root)
    (root / "truth.json").unlink()
    with pytest.raises(CaseError, match=r"no truth\.json"):
        bench_rca(root)


def test_an_unknown_layout_lists_the_known(tmp_path):
    with pytest.raises(LayoutError, match="unknown. Known layouts: cases, rcd, recordings"):
        bench_rca(tmp_path)


def test_a_summary_has_detection_before_ranking_and_marks_hindsight(tmp_path):
    figures = bench_rca(made(tmp_path / "set", [["a"], ["c"]]), ["baro", "best-single-metric"])
    (tmp_path / "rca.json").write_text(to_json(figures))
    with pytest.raises(InputError, match=r"lacks detection-figures\.json. Run `dvc repro`"):
        summary(tmp_path)
    recall = [Figure("detection", "set", "robust-z", part, "event_recall", 0.5, 0.2, 0.8, 4, 0.1,
                     "share") for part in ("all", "silent")]
    (tmp_path / "detection-figures.json").write_text(to_json(recall))
    rows = summary(tmp_path)
    assert [(row["model"], row["metric"]) for row in rows] == [
        ("robust-z", "event_recall"),
        *[(model, metric) for model in ("baro", "best-single-metric (hindsight)")
          for metric in ("ac@1", "ac@3", "avg@5")]]
    assert (rows[0]["chance"], rows[1]["chance"]) == (0.1, 0.25)


def test_only_history_is_fitted_on_and_no_scored_case(tmp_path, monkeypatch):
    seen = []

    class Watching(NSigma):
        def fit(self, cases, y=None):
            seen.append((len(cases), y))
            return self

    monkeypatch.setattr("aiops.rca.make", lambda name: Watching())
    root = made(tmp_path / "made", [["a"], ["c"]])
    assert value(bench_rca(root, ["nsigma"]), "ac@1", "nsigma").n == 2
    write_case(root / "history", "h1", next(case for _, case in read_cases(root)))
    bench_rca(root, ["nsigma"])
    assert seen == [(0, None), (1, None)]


class Stating(NSigma):
    """Says how sure it is, and abstains where nobody rises clearly."""

    def rank(self, case):
        blame = super().rank(case)
        sure = bool(blame.iloc[0] > 10)
        blame.attrs = {"confidence": 0.9 if sure else 0.1, "abstains": not sure}
        return blame

    def parts(self):
        return {"metrics": NSigma(), "spans": Silent()}


class Silent(NSigma):
    def rank(self, case):
        raise CaseError("No spans.")


@pytest.fixture(scope="module")
def hard(tmp_path_factory):
    root = made(tmp_path_factory.mktemp("hard"), [["a"], ["c"], ["a"], []])
    truth = json.loads((root / "truth.json").read_text())
    truth["r3"]["role"] = "disturbance"
    truth["r1"]["slices"] = ["half=second"]
    (root / "truth.json").write_text(json.dumps(truth))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("aiops.rca.make", lambda name: {"stating": Stating(), "nsigma": NSigma()}[
            name])
        return bench_rca(root, ["stating", "nsigma"], stress=True, seeds=2)


def test_each_stress_is_a_slice_and_what_it_does_not_fit_is_left_out_and_counted(hard):
    parts = {f.slice for f in hard if f.model == "nsigma"}
    assert parts == {"all", "culprit=service", "half=second", "decoys=40", "decoys=40, half=second",
                     "two_faults", "two_faults, half=second"}
    assert value(hard, "ac@1", "nsigma", "decoys=40").chance == pytest.approx(1 / 44)
    assert value(hard, "ac@1", "nsigma", "decoys=40").n == 3
    assert value(hard, "ac@1", "nsigma", "two_faults").chance == pytest.approx(0.5)
    assert value(hard, "left_out", "nsigma", "decoys=40").value == 0


def test_decoys_and_a_second_fault_do_not_hide_faults_this_strong(hard):
    assert value(hard, "ac@1", "nsigma", "decoys=40").value == 1.0
    assert value(hard, "avg@5", "nsigma", "two_faults").value == 1.0


def test_who_says_when_it_abstains_is_asked_about_what_is_no_incident(hard):
    found = {f.slice: f for f in hard if f.metric == "abstained" and f.model == "stating"}
    assert (found["all"].value, found["all"].n) == (0.0, 3)
    assert (found["no_incident=disturbance"].value, found["no_incident=disturbance"].n) == (1.0, 1)
    assert (found["no_incident=pseudo"].value, found["no_incident=pseudo"].n) == (1.0, 6)
    assert value(hard, "ac@1_answered", "stating").value == 1.0
    assert value(hard, "ece", "stating").value == pytest.approx(0.1)
    assert not [f for f in hard if f.model == "nsigma" and f.metric in ("abstained", "ece")]


def test_each_evidence_stands_alone_and_one_without_any_is_chance(hard):
    assert value(hard, "ac@1", "stating", "evidence=metrics").value == 1.0
    silent = value(hard, "ac@3", "stating", "evidence=spans")
    assert (silent.value, silent.n) == (1.0, 3)  # a tie of four: all at rank 2.5
    assert value(hard, "ac@1", "stating", "evidence=spans").value == 0.0
    assert value(hard, "failures", "stating", "evidence=spans").value == 0


def test_a_late_alert_is_left_out_where_nothing_would_remain(tmp_path):
    figures = bench_rca(made(tmp_path, [["a"], ["c"]]), ["nsigma"], stress=True, seeds=1)
    assert not [f for f in figures if f.slice == "delay_s=30"]  # incidents of 20 s


class Learning(NSigma):
    uses_labels = True

    def fit(self, cases, y=None):
        self.seen_ = [(case.suspects, guilty) for case, guilty in zip(cases, y, strict=True)]
        seen.append(self.seen_)
        return self


seen: list = []


@pytest.fixture
def learning(monkeypatch):
    seen.clear()
    monkeypatch.setattr("aiops.rca.make", lambda name: Learning())


def test_who_learns_never_sees_the_kind_of_fault_that_it_is_asked_about(tmp_path, learning):
    root = made(tmp_path, [["a"], ["b"], ["c"], ["d"]])
    truth = json.loads((root / "truth.json").read_text())
    for name, fault in zip(truth, ["cpu", "cpu", "mem", "disk"], strict=True):
        truth[name]["fault"] = fault
    (root / "truth.json").write_text(json.dumps(truth))
    bench_rca(root, ["learning"])
    assert [[guilty for _, guilty in each] for each in seen] == [
        [["c"], ["d"]], [["a"], ["b"], ["d"]], [["a"], ["b"], ["c"]]]
    seen.clear()
    bench_rca(root, ["learning"], stress=True, seeds=1)
    assert sorted({len(suspects) for each in seen for suspects, _ in each}) == [4, 44]


def test_who_learns_takes_the_history_where_its_truth_is_known(tmp_path, learning):
    root = made(tmp_path / "made", [["a"], ["c"]])
    for name, case in read_cases(root):
        write_case(root / "history", f"h-{name}", case)
    (root / "history" / "truth.json").write_text(json.dumps(
        {"h-r0": {"culprits": ["a"]}, "h-r1": {"culprits": []}}))
    bench_rca(root, ["learning"])
    assert [[guilty for _, guilty in each] for each in seen] == [[["a"]]]


def test_who_cannot_be_fitted_fails_on_every_case_and_the_others_are_scored(tmp_path, monkeypatch):
    class Unfit(NSigma):
        def fit(self, cases, y=None):
            raise CaseError("Nothing to learn from.")

    monkeypatch.setattr("aiops.rca.make", lambda name: Unfit() if name == "unfit" else NSigma())
    figures = bench_rca(made(tmp_path, [["a"], ["c"]]), ["unfit", "nsigma"])
    assert value(figures, "failures", "unfit").value == 2
    assert value(figures, "ac@1", "nsigma").value == 1.0


def test_history_gets_the_same_decoys(tmp_path, monkeypatch):
    fitted = []

    class Watching(NSigma):
        def fit(self, cases, y=None):
            self.past_ = {name for case in cases for name in case.suspects}
            return self

        def rank(self, case):
            fitted.append((set(case.suspects), self.past_))
            return super().rank(case)

    monkeypatch.setattr("aiops.rca.make", lambda name: Watching())
    root = made(tmp_path / "made", [["a"], ["c"]])
    write_case(root / "history", "h1", next(case for _, case in read_cases(root)))
    bench_rca(root, ["watching"], stress=True, seeds=2)
    many = [(now, past) for now, past in fitted if len(now) > 4]
    assert len(many) == 4
    assert all(now == past for now, past in many)
    assert len({frozenset(now) for now, _ in many}) == 2


def test_the_peoples_table_fits_a_terminal(hard):
    rows = narrow(hard)
    assert list(rows[0]) == ["slice", "model", "n", "ac@1", "ac@3", "avg@5", "abst"]
    assert rows[0]["model"] == "chance"
    by = {(row["slice"], row["model"]): row for row in rows}
    assert by["decoys=40", "stating"]["ac@1"] == "1.0 1.0–1.0"
    assert by["no_incident=pseudo", "stating"]["abst"] == "1.0"
    figure = Figure("rca", "set", "best-single-metric", "culprit=service", "ac@1", 0.417, 0.21,
                    0.62, 241, 0.05, "share")
    shown = [replace(figure, metric=m) for m in ("ac@1", "ac@3", "avg@5")] + [
        replace(figure, metric="failures", value=12.0, low=None, high=None, chance=None,
                unit="count")]
    (chance, row) = narrow(shown)
    assert (chance["ac@1"], row["ac@1"], row["ac@3"]) == (".05", ".42 .21–.62", ".42")
    assert row["fail"] == "12"
    console = Console(width=80, file=io.StringIO())
    console.print(output_table([chance, row]))
    assert ".42 .21–.62" in console.file.getvalue()
    assert "best-single-metric" in console.file.getvalue()
