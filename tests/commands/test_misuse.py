"""Wrongly asked is 2, rightly asked and failed is 1, for every command: in lines that help."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from aiops import cli
from aiops import lake as lakes
from tests.commands.test_cli import COMMANDS, REQUEST

ROOT = Path(__file__).parents[2]
SHOP = ROOT / "datasets" / "shop-trial"
NOTEBOOK = ROOT / "notebooks" / "02-train-detector.ipynb"

# Words, and what the answer must say of what was wrong, of what is allowed, or of what to do.
WRONG = {
    "doctor nope": "nope",
    "receive --grpc-port 65536": "less than or equal to 65535",
    "receive --host 0.0.0.0": "Give a token",
    "ingest nope": "There is no file or folder nope",
    "featurize --lake nope": "nope is no lake",
    "featurize --lake lake --window 0": "greater than or equal to 0.001",
    "featurize --lake lake --window inf": "window_s must be positive",
    "featurize --lake lake --timezone Nope": "an IANA name such as",
    "notebook nope.ipynb": "no notebook nope.ipynb",
    "notebook --clean nope.ipynb": "no notebook nope.ipynb",
    f"notebook {NOTEBOOK} -p nope=1": "It takes: dataset",
    f"notebook {NOTEBOOK} -p nope": "NAME=VALUE",
    f"notebook {NOTEBOOK} -p =nope": "NAME=VALUE",
    f"notebook {NOTEBOOK} -p dataset=[nope": "'dataset=[nope' is no YAML",
    "retrain nope": "There is no data set nope",
    f"retrain {SHOP} --detector nope": "Known: robust-z",
    f"retrain {SHOP} --set nope=1": "It has, with defaults: ",
    f"retrain {SHOP} --set nope": "NAME=VALUE",
    "register-ranker nope": "There is no data set 'nope'",
    f"register-ranker {SHOP}": "has no past incidents to learn from",
    "register-ranker --metrics nope": "nope",
    "models nope": "aiops retrain DATASET",
    "models nope --model nope": "not both",
    "serve nope": "aiops retrain DATASET",
    "serve --host 0.0.0.0": "only loopback",
    "serve --port 0": "greater than or equal to 1 ",
    "lake info --lake nope": "nope is no lake",
    "lake query x --lake nope": "nope is no lake",
    "lake query 'select nope from spans' --lake lake": "The lake's views are",
    "lake query 'from nope' --lake lake": "The lake's views are",
    "lake query select --lake lake": "The lake's views are",
    "bench rca nope": "There is no data set 'nope'",
    f"bench rca {SHOP} --ranker nope": "must be one of fusion",
    f"bench rca {SHOP} --layout nope": "must be one of cases",
    "bench rca lake": "Known layouts: cases",
    "bench leaderboard --set nope": "must be one of rcd-sockshop",
    "bench leaderboard --published --quick": "--published ranks nothing",
    "bench leaderboard --published --out x.json": "must be <name>.md",
    "bench leaderboard --ranker nope": "must be one of fusion",
    "bench detection nope": "There is no data set 'nope'",
    "rca": "Give the folder of a Case, or --incident ID",
    "rca untold": "untold is no Case",
    "rca broken/c1 --ranker nope": "must be one of fusion",
    f"rca --incident nope --dataset {SHOP}": "has no incident 'nope'. It has 2: r001, r002.",
    "causal": "Give the folder of a Case, or --incident ID",
    "causal untold": "untold is no Case",
    "causal untold --learn-from nope": "is not one of 'normal', 'both'",
    "causal untold --resamples 1": "greater than or equal to 2",
    "changes": "Give the folder of a Case, or --incident ID",
    "changes untold": "untold is no Case",
    "changes untold --level 2": "less than or equal to 0.999",
    "canary": "Give the folder of a Case, or --incident ID",
    "canary --counts nope.json": "cannot be read",
    "canary --counts nope.json --service cart": "are of a Case",
    "canary --counts nope.json --cluster session.id": "are of a Case",
    "canary untold --slow 7": "less than or equal to 0.9999",
    f"bench detection {SHOP} --detector nope": "must name some of robust-z",
    f"bench detection {SHOP} --window 0": "greater than or equal to 0.001",
    "testbed up nope": "nope",
    "testbed load 0": "greater than or equal to 1 ",
    "testbed load 1 --rate 0": "greater than or equal to 0.1",
    "testbed fault nope": "Known: latency",
    "testbed fault table-lock --target cart": "can be planted at postgresql",
    "testbed fault latency --strength slow-burn": "one of ['fair']",
    "testbed record nope --rate 0": "greater than or equal to 0.1",
    "testbed record nope --plan all": "one of ['parts', 'shop']",
    "testbed summary nope": "aiops testbed record",
    "pipeline ingest nope out": "nope",
    "pipeline featurize nope out": "nope",
    "pipeline rank nope out": "nope",
    "pipeline train nope out": "nope",
    "pipeline evaluate nope out": "nope",
    f"pipeline report {NOTEBOOK} nope out": "nope",
    f"pipeline report nope.ipynb {SHOP} out": "no notebook nope.ipynb",
    "pipeline register nope out": "nope",
    "pipeline summary nope out": "nope",
}
FAILED = {
    "ingest empty": "empty holds no OTLP files",
    "ingest torn.jsonl": "1 refused",
    "featurize --lake lake --out torn.jsonl": "torn.jsonl",
    "lake query 'from spans' --lake damaged": "too small to be a Parquet file",
    "lake info --lake damaged": "too small to be a Parquet file",
    "bench rca untold": "no truth.json",
    "bench rca broken": "broken/c1/metrics.parquet is no Parquet file",
    "bench leaderboard --published --out torn.jsonl/x.md": "No figures are published at torn.jsonl",
    "bench detection untold": "holds no recordings",
    "rca broken/c1": "broken/c1/metrics.parquet is no Parquet file",
    "causal broken/c1": "broken/c1/metrics.parquet is no Parquet file",
    "changes broken/c1": "broken/c1/metrics.parquet is no Parquet file",
    "canary --counts torn.jsonl": "Counts must be JSON",
    "notebook torn.ipynb": "torn.ipynb is no notebook",
    "notebook --clean torn.ipynb": "torn.ipynb is no notebook",
    "notebook failing.ipynb": "failing.ipynb stopped at In[1] with ValueError: on purpose",
    "retrain datasets/loose": "nothing says which version this is",
    "register-ranker --metrics empty": "empty lacks rca.json",
    "testbed load 1 --seconds 1": "Nothing answered on port 1",
    "pipeline ingest untold out": "recording.json",
    f"pipeline featurize {SHOP} out": "There is no lake out/lake",
    "pipeline rank untold out": "no truth.json",
    f"pipeline train {SHOP} out": "out lacks features.parquet",
    f"pipeline evaluate {SHOP} out": "holds no trained detector",
    f"pipeline report {NOTEBOOK} {SHOP} out": "holds no trained detector",
    f"pipeline register {SHOP} out": "holds no trained detector",
    f"pipeline summary {SHOP} out": "Run `dvc repro`",
}
# Fail at run time in tests of their own: a taken port; a registry; a shop that does not start.
ELSEWHERE = {"aiops doctor", "aiops receive", "aiops serve", "aiops models", "aiops testbed up",
             "aiops testbed fault", "aiops testbed record", "aiops testbed summary"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with some that is good and some that is broken."""
    root = tmp_path_factory.mktemp("place")
    (root / "empty").mkdir()
    for name in ("torn.jsonl", "torn.ipynb"):
        (root / name).write_text("{torn\n")
    (root / "traces.jsonl").write_text(json.dumps(REQUEST) + "\n")
    for folder in ("lake", "damaged"):
        lakes.open(root / folder).ingest(root / "traces.jsonl")
    next((root / "damaged" / "spans").glob("date=2023*/*/*.parquet")).write_text("damaged")
    _book(root / "failing.ipynb", "raise ValueError('on purpose')")
    for name in ("untold", "broken"):
        _case(root / name / "c1")
    (root / "broken" / "truth.json").write_text('{"c1": {"culprits": ["a"]}}')
    (root / "broken" / "c1" / "metrics.parquet").touch()
    shutil.copy(ROOT / "params.yaml", root)
    shutil.copytree(SHOP, root / "datasets" / "loose", symlinks=True,
                    ignore=lambda *_: ["recordings.dvc"])
    return root


def _book(path: Path, source: str) -> None:
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    nbformat.write(book, path)


def _case(folder: Path) -> None:
    folder.mkdir(parents=True)
    times = [f"2026-01-01T00:0{minute}:00Z" for minute in range(3)]
    (folder / "case.json").write_text(json.dumps(
        {"id": folder.name, "normal": [times[:2]], "abnormal": times[1:], "suspects": ["a", "b"]}))


@pytest.fixture
def ended(place: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
          ) -> Callable[[str], tuple[int, str]]:
    """Runs a command in the place; its exit code and what it said on standard error."""
    monkeypatch.chdir(place)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{place}/none/mlflow.db")

    def run(words: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as end:
            cli.main(shlex.split(words))
        told = re.sub(r"[\s│]+", " ", capfd.readouterr().err)  # click draws boxes
        return int(end.value.code or 0), told

    return run


def _command(words: str) -> str:
    return max((name for name in COMMANDS if f"aiops {words} ".startswith(f"{name} ")), key=len)


@pytest.mark.parametrize(("words", "said"), WRONG.items())
def test_wrongly_asked_is_2_and_leaves_nothing(
        words: str, said: str, place: Path, ended: Callable[[str], tuple[int, str]]) -> None:
    before = sorted(place.rglob("*"))
    code, told = ended(words)
    assert (code, said in told) == (2, True), told
    assert sorted(place.rglob("*")) == before


@pytest.mark.parametrize(("words", "said"), FAILED.items())
def test_rightly_asked_and_failed_is_1(
        words: str, said: str, ended: Callable[[str], tuple[int, str]]) -> None:
    code, told = ended(words)
    assert (code, said in told) == (1, True), told
    assert "aiops: " in told


@pytest.mark.parametrize(("text", "said"), [
    ("detector: [", "params.yaml must be YAML"), ("5", "params.yaml must be YAML"),
    ("", "params.yaml must have a section detector"),
    ("detector: {name: robust-z}", "params.yaml lacks timezone, window_s"),
])
def test_params_that_are_none_fail_before_all_work(
        text: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
        capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(text)
    with pytest.raises(SystemExit) as end:
        cli.main(["retrain", str(SHOP)])
    assert end.value.code == 1
    assert f"aiops: {said}" in capfd.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["params.yaml"]


def test_every_command_is_among_them() -> None:
    assert {_command(words) for words in WRONG} == set(COMMANDS)
    assert {_command(words) for words in FAILED} | ELSEWHERE == set(COMMANDS)
