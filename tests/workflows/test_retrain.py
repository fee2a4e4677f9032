"""Retraining on real recordings: both branches, resumed, refused, locked, and under cron."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml

from aiops import tracking
from aiops.errors import BusyError, InputError
from aiops.workflows import champion, detection, evaluate, receipt, retrain, stages, train

ROOT = Path(__file__).parents[2]
BUNDLED = ROOT / "datasets" / yaml.safe_load((ROOT / "params.yaml").read_text())["dataset"]
INCIDENTS = 6
# Trees of one cut each through two windows, which is next to guessing.
BAD = ("isolation-forest", {"n_trees": 1, "max_windows": 2})
GOOD = ("robust-z", {})
MODEL = "small-detector"


@pytest.fixture(scope="session")
def small(tmp_path_factory) -> Path:
    """A few of the bundled recordings as a data set of their own, with a pin."""
    if not (BUNDLED / "recordings").is_dir():
        pytest.skip(f"{BUNDLED.name} is not pulled: run `dvc pull`")
    truth = json.loads((BUNDLED / "truth.json").read_text())
    incidents = [name for name, told in truth.items() if told["role"] == "incident"][:INCIDENTS]
    normal = sorted(p.name for p in BUNDLED.glob("recordings/normal-*"))[:1]
    folder = tmp_path_factory.mktemp("data") / "small"
    for name in [*incidents, *normal]:
        shutil.copytree(BUNDLED / "recordings" / name, folder / "recordings" / name)
    (folder / "truth.json").write_text(json.dumps({name: truth[name] for name in incidents}))
    pin(folder)
    return folder


def pin(folder: Path) -> None:
    found = tracking.dataset_version(folder / "recordings")
    (folder / "recordings.dvc").write_text(yaml.safe_dump(
        {"outs": [{"md5": found, "path": "recordings", "hash": "md5"}]}))


@pytest.fixture(scope="session")
def features(small, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("features")
    stages.ingest(small / "recordings", out / "lake")
    stages.featurize(out / "lake", out, 5.0, "UTC", small)
    return out


@pytest.fixture
def registry(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow/mlflow.db")
    return tmp_path / "mlflow"


def fewest(folder: Path) -> int:
    """All incidents there are: the bundled set may be a small one."""
    return len(json.loads((folder / "truth.json").read_text()))


def challenged(features: Path, small: Path, which: tuple[str, dict]) -> SimpleNamespace:
    """Train, register and judge without notebooks; the alias moves where it should."""
    made = evaluated(features, small, which)
    model = tracking.named(small)
    verdict = champion.challenge(model, made.made.incidents["ap"], made.made.incidents["chance"],
                                 made.windows, fewest(small))
    if verdict.promotes:
        tracking.promote(model, made.version)
    return SimpleNamespace(**vars(made), verdict=verdict)


def evaluated(features: Path, small: Path, which: tuple[str, dict]) -> SimpleNamespace:
    """Train, register and evaluate; nothing is decided."""
    windows = detection.read(features)
    name, settings = which
    detector = train.make(name, settings).fit(windows.normal())
    version = champion.register_trained(detector, train.card(windows, name, settings), windows,
                                        small, {})
    made = detection.evaluate(detector, windows, "small", name)
    return SimpleNamespace(version=version, made=made, windows=windows)


def planned(small: Path, out: Path, which: tuple[str, dict]) -> retrain.Plan:
    return retrain.plan(small, ROOT, which[0], which[1], out)


def test_a_better_challenger_is_promoted_and_a_worse_one_refused(small, features, registry):
    windows = detection.read(features)
    bad = train.make(*BAD).fit(windows.normal())
    tracking.promote(MODEL, champion.register_trained(
        bad, train.card(windows, *BAD), windows, small, {}))
    better = challenged(features, small, GOOD)
    assert better.verdict.decision == "promoted"
    assert better.verdict.low > 0
    assert tracking.champion(MODEL) == better.version == 2
    worse = challenged(features, small, BAD)
    assert (worse.verdict.decision, worse.version) == ("kept", 1)  # the same detector again
    assert worse.verdict.reason.startswith("The challenger is worse than the champion")
    assert tracking.champion(MODEL) == 2
    run = next(v for v in tracking.versions(MODEL) if v.number == 2)
    assert run.aliases == ("champion",)


def test_retraining_moves_the_alias_only_to_what_is_better(small, features, registry, tmp_path):
    """Its last step, on evaluations of real detectors: worse is refused, better is promoted."""
    def decided(which) -> dict:
        made = evaluated(features, small, which)
        run = tmp_path / which[0]
        evaluate.write(made.made, run / "evaluate")
        return retrain._decided(planned(small, tmp_path, which), features, run, made.version,
                                "data", fewest(small))

    assert decided(GOOD)["decision"] == "first"
    refused = decided(BAD)
    assert (refused["decision"], refused["champion"], refused["challenger"]) == ("kept", 1, 2)
    assert (tracking.champion(MODEL), refused["high"] < 0) == (1, True)
    assert json.loads((tmp_path / BAD[0] / "decision.json").read_text())["decision"] == "kept"
    tracking.promote(MODEL, 2)  # by hand
    promoted = decided(GOOD)
    assert (promoted["decision"], promoted["champion_before"]) == ("promoted", 2)
    assert tracking.champion(MODEL) == promoted["champion"] == 1


def test_registering_again_asks_nobody_until_the_detector_or_the_store_changed(
        small, features, registry, tmp_path, monkeypatch):
    out = shutil.copytree(features, tmp_path / "out")

    def trained(which):
        train.train(out, out / "model", *which)
        evaluate.evaluate(out, out / "model", "small", out)

    trained(GOOD)
    first = champion.register(small, out)
    assert (first["decision"], first["version"], first["champion"]) == ("first", 1, 1)
    assert first["n"] == INCIDENTS
    with monkeypatch.context() as asked_nobody:
        asked_nobody.setattr(champion, "_register", None)
        again = champion.register(small, out)
    assert again == {"version": 1, "champion": 1, "decision": "kept",
                     "reason": "Version 1 is the champion already: the same detector."}
    trained(BAD)
    worse = champion.register(small, out)
    assert (worse["decision"], worse["version"], worse["champion"]) == ("kept", 2, 1)
    assert champion.register(small, out) == worse  # it was compared: the numbers once more
    tracking.promote(MODEL, 2)  # by hand
    assert champion.register(small, out)["champion"] == 2


def test_a_servers_answer_is_not_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    receipt.write(tmp_path, {"version": 1})
    assert receipt.read(tmp_path) is None
    assert not (tmp_path / receipt.FILE).exists()


def test_a_step_that_was_broken_off_is_begun_anew_and_others_are_not(tmp_path):
    done = []
    step = tmp_path / "step"
    with pytest.raises(ZeroDivisionError):
        retrain._once(step, lambda: (step / "half").write_text("") or 1 / 0)
    retrain._once(step, lambda: done.append((step / "half").exists()))
    retrain._once(step, lambda: done.append("never"))
    assert done == [False]


def test_the_champions_precision_is_the_evaluations(small, features, registry):
    first = challenged(features, small, GOOD)
    assert (first.verdict.decision, tracking.champion(MODEL)) == ("first", 1)
    verdict = champion.challenge(MODEL, first.made.incidents["ap"], first.made.incidents["chance"],
                                 first.windows, 1)
    assert (verdict.difference, verdict.low, verdict.high) == (0, 0, 0)  # against itself
    assert verdict.decision == "kept"


def test_a_detector_of_one_system_never_challenges_that_of_another(
        small, features, registry, tmp_path):
    ours = challenged(features, small, GOOD)
    mine = challenged(features, shutil.copytree(small, tmp_path / "mine"), GOOD)
    assert (mine.verdict.decision, mine.version) == ("first", 1)
    assert tracking.champion("mine-detector") == 1
    assert tracking.champion(MODEL) == ours.version


def test_a_champion_of_other_columns_is_compared_on_them_or_refused(features, small, registry):
    windows = detection.read(features)
    detector = train.make(*GOOD)
    few = windows.normal()[["service", "window_start", "latency_p95_ms", "error_rate"]]
    same = champion.narrowed(windows, detector.fit(few), 7)
    assert list(same.frame.columns) == ["service", "window_start", "latency_p95_ms", "error_rate"]
    assert np.isfinite(detector.score(same.frame)).all()
    strange = windows.normal()[["service", "window_start"]].assign(queue_length=1.0)
    with pytest.raises(InputError, match=r"Champion version 7 was fitted on \['queue_length'\]"):
        champion.narrowed(windows, detector.fit(strange), 7)


def test_data_that_is_not_the_pinned_is_refused_before_any_work(small, registry, tmp_path):
    other = shutil.copytree(small, tmp_path / "other")
    about = next(other.glob("recordings/normal-*/recording.json"))
    about.write_text(about.read_text() + " ")
    with pytest.raises(InputError, match=r"not what recordings\.dvc pins"):
        retrain.retrain(planned(other, tmp_path / "out", GOOD))
    assert not (tmp_path / "out").exists()


def test_two_at_once_are_refused(small, registry, tmp_path):
    with (retrain._alone(tmp_path / "elsewhere"),
          pytest.raises(BusyError, match=f"process {os.getpid()}, holds")):
        retrain.retrain(planned(small, tmp_path / "out", GOOD))
    with retrain._alone(tmp_path / "elsewhere"):  # free again
        assert not (tmp_path / "out").exists()


def test_what_cannot_be_trained_is_refused_before_any_work(small, tmp_path):
    with pytest.raises(InputError, match="robust-z has no setting n_trees. It has.*soften=True"):
        retrain.plan(small, ROOT, "robust-z", {"n_trees": 3})
    with pytest.raises(InputError, match="no detector 'oracle'. Known: robust-z"):
        retrain.plan(small, ROOT, "oracle")
    with pytest.raises(InputError, match="There is no data set ghost"):
        retrain.plan(Path("ghost"), ROOT)


def test_tracked_metrics_are_flat_and_what_retraining_reads_is_whole(features, small, tmp_path):
    windows = detection.read(features)
    detector = train.make(*GOOD).fit(windows.normal())
    made = detection.evaluate(detector, windows, "small", "robust-z")
    evaluate.write(made, tmp_path)
    flat = json.loads((tmp_path / "detection.json").read_text())
    assert {"vus_pr", "vus_pr_chance", "event_recall", "event_recall_chance"} <= set(flat)
    assert all(isinstance(value, float) for value in flat.values())
    read = evaluate.precisions(tmp_path)
    assert read["ap"].to_dict() == made.incidents["ap"].to_dict()
    assert read["chance"].to_dict() == made.incidents["chance"].to_dict()


def crontab() -> str:
    """The command of the line in the docs."""
    text = (ROOT / "docs" / "retraining.md").read_text()
    line = re.search(r"```crontab\n(.*)\n```", text).group(1)
    *when, command = line.split(maxsplit=5)
    assert all(re.fullmatch(r"[\d*/,-]+", field) for field in when)
    assert "%" not in command  # cron would make it a line's end
    return command


def test_the_cron_line_runs_whole_under_crons_bare_environment_and_a_second_run_changes_nothing(
        small, tmp_path, monkeypatch):
    clone = tmp_path / "aiops"
    shutil.copytree(small, clone / "datasets" / "shop")
    (clone / "experiments").mkdir()
    for name in (".venv", "notebooks", "params.yaml"):
        (clone / name).symlink_to(ROOT / name)
    bare = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "SHELL": "/bin/sh", "LOGNAME": "me"}
    done = subprocess.run(["/bin/sh", "-c", crontab()], env=bare, cwd=tmp_path, timeout=280,
                          capture_output=True, text=True)
    errors = (clone / "experiments" / "retrain.err").read_text()
    assert done.returncode == 0, errors
    assert (done.stdout, done.stderr) == ("", "")  # cron would send mail
    answer = json.loads((clone / "experiments" / "retrain.log").read_text())
    assert answer["decision"] in ("first", "kept")
    assert answer["model"] == "shop-detector"
    assert answer["dataset_version"] == tracking.dataset_version(small / "recordings")
    made = {key: clone / path for key, path in answer["paths"].items()}
    assert json.loads(made["decision"].read_text()) == answer
    assert re.search(r"\d of \d incidents? raise an alarm", made["evaluation"].read_text())
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{clone}/experiments/mlflow/mlflow.db")
    metrics = tracking.figures(tracking.versions("shop-detector")[0].run_id)
    assert metrics["vus_pr"] > metrics["vus_pr.chance"]
    again(clone, made["decision"], answer)


def again(clone: Path, decision: Path, answer: dict) -> None:
    """A second run trains nothing, registers nothing, and leaves what was decided."""
    out = clone / "experiments" / "shop" / "retrain"

    def stamps() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in out.rglob("*")
                if path.is_file() and path != decision}

    before = stamps()
    second = retrain.retrain(retrain.plan(clone / "datasets" / "shop", clone))
    assert second["decision"] == "kept"
    assert (second["challenger"], second["champion"]) == (1, answer["champion"])
    assert stamps() == before
    assert len(tracking.versions("shop-detector")) == 1
