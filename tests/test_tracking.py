"""Runs and registry on a store of their own: what was logged can be read back."""

from __future__ import annotations

import json
import pickle
import subprocess
import zipfile
from pathlib import Path

import matplotlib.figure
import numpy as np
import pandas as pd
import pytest
import skops.io
import yaml

from aiops import tracking
from aiops.detection import IsolationForest, PerService, RobustZ
from aiops.errors import InputError
from aiops.evaluation.figures import Figure
from aiops.schema import MODEL_FEATURES
from aiops.tracking import artifact, provenance, registry
from aiops.tracking.store import connect

ROOT = Path(__file__).parents[1]


def frame(seed: int = 0, rows: int = 60) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    X = pd.DataFrame(random.normal(size=(rows, len(MODEL_FEATURES))), columns=[*MODEL_FEATURES])
    X.insert(0, "window_start", pd.date_range("2026-01-01", periods=rows, freq="5s", tz="UTC"))
    X.insert(0, "service", ["cart", "frontend"] * (rows // 2))
    return X


def figure(metric: str, cut: str = "all", low: float | None = 0.4) -> Figure:
    return Figure("detection", "shop", "default", cut, metric, 0.5, low, 0.6, 24, 0.1, "share")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An initialised database, made once: that takes seconds."""
    folder = tmp_path_factory.mktemp("store")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
        connect()
    return folder


@pytest.fixture
def here(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder whose default store is a copy of the empty database."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "experiments" / "mlflow"
    folder.mkdir(parents=True)
    (folder / "mlflow.db").write_bytes((store / "mlflow.db").read_bytes())
    return tmp_path


@pytest.fixture(scope="module")
def forest() -> PerService:
    return PerService(IsolationForest(n_trees=3, max_windows=20)).fit(frame())


# --- runs ---------------------------------------------------------------------------------
def test_a_run_keeps_what_it_was_given(here: Path) -> None:
    data = ROOT / "datasets" / "shop-trial"
    (here / "report.html").write_text("<p>found</p>")
    picture = matplotlib.figure.Figure()
    picture.add_subplot().plot([1, 2])
    with tracking.start("evaluate", "one", {"n_trees": 3}, {"why": "test"}, data) as run_id:
        tracking.log_figures([figure("vus_pr"), figure("vus_pr", "fault=cpu", low=None),
                              figure("ac@1")])
        tracking.log_file("report.html", "reports")
        tracking.log_picture(picture, "line")
    run = connect().get_run(run_id)
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "one"
    assert run.data.params == {"n_trees": "3"}
    assert run.data.metrics == {
        "vus_pr": 0.5, "vus_pr.low": 0.4, "vus_pr.high": 0.6, "vus_pr.chance": 0.1,
        "vus_pr/fault:cpu": 0.5, "vus_pr/fault:cpu.high": 0.6, "vus_pr/fault:cpu.chance": 0.1,
        "ac_at_1": 0.5, "ac_at_1.low": 0.4, "ac_at_1.high": 0.6, "ac_at_1.chance": 0.1}
    committed = yaml.safe_load((data / "recordings.dvc").read_text())["outs"][0]["md5"]
    tags = {"why": "test", "dataset": "shop-trial", "dataset.version": committed,
            "git.commit": "none: not in a git repository"}
    assert tags.items() <= run.data.tags.items()
    kept = here / "experiments" / "mlflow" / "artifacts" / run_id / "artifacts"
    assert [f["slice"] for f in json.loads((kept / "figures.json").read_text())] == [
        "all", "fault=cpu", "all"]
    assert (kept / "reports" / "report.html").read_text() == "<p>found</p>"
    assert (kept / "pictures" / "line.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(p.name for p in here.iterdir()) == ["experiments", "report.html"]


def test_a_run_that_raised_is_failed_and_closed(here: Path) -> None:
    with pytest.raises(ZeroDivisionError), tracking.start("e", "r") as run_id:
        raise ZeroDivisionError
    assert connect().get_run(run_id).info.status == "FAILED"
    with tracking.start("e", "next"):
        pass


def test_a_run_is_gone_on_with(here: Path) -> None:
    with tracking.start("shop-detector", "train") as run_id:
        pass
    with tracking.resume(run_id):
        tracking.log_figures([figure("vus_pr")])
        with pytest.raises(InputError, match="still active"), tracking.resume(run_id):
            pass
    run = connect().get_run(run_id)
    assert (run.data.metrics["vus_pr"], run.info.status) == (0.5, "FINISHED")


def test_what_comes_later_belongs_to_the_run_too(here: Path) -> None:
    with tracking.start("e", "r") as run_id:
        tracking.log_figures([figure("vus_pr")], "first.json")
    with tracking.resume(run_id) as same:
        tracking.log_figures([figure("pr_auc")], "second.json")
    assert same == run_id
    assert {"vus_pr", "pr_auc"} <= set(tracking.figures(run_id))


def test_logging_needs_one_run(here: Path) -> None:
    with pytest.raises(InputError, match="no run is active"):
        tracking.log_figures([figure("vus_pr")])
    with tracking.start("e", "outer"), pytest.raises(InputError, match="still active"), \
            tracking.start("e", "inner"):
        pass


def test_two_figures_of_one_name_are_refused(here: Path) -> None:
    with tracking.start("e", "r") as run_id:
        with pytest.raises(InputError, match="two figures are named vus_pr"):
            tracking.log_figures([figure("vus_pr"), figure("vus_pr")])
        assert connect().get_run(run_id).data.metrics == {}


def test_a_data_set_without_recordings_starts_no_run(here: Path) -> None:
    with pytest.raises(InputError, match="dvc pull"), tracking.start("e", "r", dataset=here):
        pass
    assert connect().get_experiment_by_name("e") is None


def test_the_environment_names_another_store(
    here: Path, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "elsewhere"
    other.mkdir()
    (other / "runs.db").write_bytes((store / "mlflow.db").read_bytes())
    with tracking.start("e", "here"):
        pass
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{other}/runs.db")
    assert connect().get_experiment_by_name("e") is None
    with tracking.start("e", "there") as run_id:
        tracking.log_figures([figure("vus_pr")])
    assert (other / "artifacts" / run_id / "artifacts" / "figures.json").is_file()


def test_a_folder_below_the_project_uses_its_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / "dvc.yaml").touch()
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    assert tracking.uri() == f"sqlite:///{tmp_path}/experiments/mlflow/mlflow.db"


def test_git_state_tells_a_changed_tree(tmp_path: Path) -> None:
    def git(*words: str) -> str:
        who = ("-c", "user.name=n", "-c", "user.email=e@example.org")
        return subprocess.run(["git", "-C", str(tmp_path), *who, *words], check=True,
                              capture_output=True, text=True).stdout.strip()

    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "first")
    head = git("rev-parse", "HEAD")
    assert provenance.git_state(tmp_path) == {
        "git.commit": head, "mlflow.source.git.commit": head, "git.dirty": "false"}
    (tmp_path / "new.py").touch()
    assert provenance.git_state(tmp_path)["git.dirty"] == "true"


# --- the registry -------------------------------------------------------------------------
def test_a_model_is_named_after_its_data_sets_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path / "mine")
    names = {tracking.named(given) for given in ("mine", "../mine/", ".", tmp_path / "mine")}
    assert names == {"mine-detector"}


def test_the_same_content_registers_once(here: Path, forest: PerService) -> None:
    with tracking.start("train", "r") as run_id:
        assert tracking.register(forest, frame(), "d") == 1
    assert tracking.register(forest, frame(), "d") == 1
    assert tracking.register(tracking.load("d", 1), frame(), "d") == 1
    fitted_again = PerService(IsolationForest(n_trees=3, max_windows=20)).fit(frame())
    assert tracking.register(fitted_again, frame(), "d") == 1
    assert tracking.register(PerService(RobustZ()).fit(frame()), frame(), "d") == 2
    first, second = tracking.versions("d")
    assert (first.number, first.run_id, first.aliases) == (1, run_id, ())
    assert connect().get_run(second.run_id).info.run_name == "register"
    assert [p.name for p in here.iterdir()] == ["experiments"]


def test_an_equal_version_made_meanwhile_wins(
    here: Path, forest: PerService, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, calls = registry.with_content, []

    def late(name: str, content: str) -> int | None:
        calls.append(name)
        if len(calls) == 1:  # asked too early: the other process registers after this answer
            assert tracking.register(forest, frame(), "d") == 1
            return None
        return found(name, content)

    monkeypatch.setattr(registry, "with_content", late)
    assert tracking.register(forest, frame(), "d") == 1
    assert len(calls) == 4
    assert [v.number for v in tracking.versions("d")] == [1]


def test_champion_moves(here: Path, forest: PerService) -> None:
    assert tracking.versions("d") == []
    assert tracking.champion("d") is None
    tracking.register(forest, frame(), "d")
    tracking.register(PerService(RobustZ()).fit(frame()), frame(), "d")
    assert tracking.champion("d") is None
    for number in (1, 2):
        tracking.promote("d", number)
        assert tracking.champion("d") == number
        assert [v.number for v in tracking.versions("d") if v.aliases] == [number]
    loaded = tracking.load("d")
    assert isinstance(loaded, PerService)
    assert isinstance(loaded.detector, RobustZ)
    assert np.array_equal(tracking.load("d", 1).score(frame(1)), forest.score(frame(1)))


@pytest.mark.parametrize("wanted", [3, "champion", "3"])
def test_an_unknown_version_is_named(here: Path, forest: PerService, wanted: int | str) -> None:
    tracking.register(forest, frame(), "d")
    with pytest.raises(InputError, match=f"d has no version {wanted}. There are: 1"):
        tracking.load("d", wanted)
    with pytest.raises(InputError, match="There are: 1"):
        tracking.promote("d", 3)
    assert tracking.champion("d") is None


def test_an_example_must_have_the_signatures_columns(here: Path, forest: PerService) -> None:
    with pytest.raises(InputError, match=r"Missing: \['cpu_cores'\]"):
        tracking.register(forest, frame().drop(columns="cpu_cores"), "d")
    assert tracking.versions("d") == []


# --- the file -----------------------------------------------------------------------------
def test_a_file_gives_the_same_detector_back(tmp_path: Path, forest: PerService) -> None:
    path = tracking.save_file(forest, tmp_path / "d.skops")
    loaded = tracking.load_file(path)
    assert np.array_equal(loaded.score(frame(1)), forest.score(frame(1)))
    assert artifact.content(loaded) == artifact.content(forest)
    other = PerService(IsolationForest(n_trees=3, max_windows=20, seed=1)).fit(frame())
    assert artifact.content(other) != artifact.content(forest)
    assert [p.name for p in tmp_path.iterdir()] == ["d.skops"]


class Stranger(RobustZ):
    """A type that is not on the list."""


def test_a_pickle_is_never_opened(tmp_path: Path, forest: PerService) -> None:
    class Trap:
        def __reduce__(self) -> tuple:
            return Path.touch, (tmp_path / "sprung",)

    path = tmp_path / "d.skops"
    path.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(InputError, match="pickles never are"):
        tracking.load_file(path)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("kind", ["absent", "zip", "cut", "flipped"])
def test_a_damaged_file_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "d.skops"
    whole = tracking.save_file(PerService(RobustZ()).fit(frame()), path).read_bytes()
    if kind == "absent":
        path.unlink()
    elif kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("other.json", "{}")
    else:
        middle = len(whole) // 2
        path.write_bytes(whole[:middle] if kind == "cut" else
                         whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1:])
    with pytest.raises(InputError, match="no file" if kind == "absent" else "no skops file"):
        tracking.load_file(path)


def test_a_strange_type_is_refused_before_it_is_stored(tmp_path: Path) -> None:
    stranger = PerService(Stranger()).fit(frame())
    with pytest.raises(InputError, match="Stranger"):
        tracking.save_file(stranger, tmp_path / "d.skops")
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_detector_is_refused(tmp_path: Path) -> None:
    skops.io.dump({"a": 1}, tmp_path / "d.skops")
    with pytest.raises(InputError, match="holds a dict, not a Detector"):
        tracking.load_file(tmp_path / "d.skops")


@pytest.mark.parametrize(("column", "value"), [
    ("left_child", 10**9), ("right_child", 0), ("feature", len(MODEL_FEATURES)),
])
def test_trees_that_point_outside_are_refused(tmp_path: Path, column: str, value: int) -> None:
    detector = PerService(IsolationForest(n_trees=2, max_windows=20)).fit(frame())
    tree = detector.members_["cart"].forest_.estimators_[1].tree_
    state = tree.__getstate__()
    state["nodes"][column][0] = value
    tree.__setstate__(state)
    skops.io.dump(detector, tmp_path / "d.skops")
    with pytest.raises(InputError, match="tampered"):
        tracking.load_file(tmp_path / "d.skops")
