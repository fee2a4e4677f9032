"""The bench reproduces what is published, and says what it cannot score."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from aiops.case import Case
from aiops.datasets.folder import read_cases, write_case
from aiops.errors import CaseError, InputError, LayoutError
from aiops.evaluation.figures import Figure, to_json
from aiops.rca import NSigma
from aiops.workflows.bench import bench_rca, summary, table

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
