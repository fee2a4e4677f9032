"""The default ranker is registered once an edition, with its figures, and reigns."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from aiops import cli, rca, tracking
from aiops.case import Case
from aiops.datasets.folder import write_case
from aiops.errors import InputError, UsageError
from aiops.evaluation.figures import Figure
from aiops.tracking import ranker_file, rankers
from aiops.workflows import rank, ranker, whole

START, HOUR = pd.Timestamp("2026-01-01T00:00:00Z"), pd.Timedelta("1h")
FIGURES = [Figure("rca", "shop", model, "all", metric, value, 0.1, 0.9, 24, 0.1, unit)
           for model, metric, value, unit in (
               ("fusion", "ac@1", 0.5, "share"), ("fusion", "seconds_p50", 0.2, "s"),
               ("baro", "ac@1", 0.4, "share"))]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("store")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
        yield folder


def metrics(folder: Path) -> Path:
    """What ``aiops pipeline rank`` leaves."""
    of_share = [vars(each) for each in FIGURES if each.unit == "share"]
    whole.write_json(of_share, folder / rank.FIGURES)
    whole.write_json([vars(each) for each in FIGURES if each.unit == "s"], folder / rank.SECONDS)
    return folder


def incident(*alerting: str) -> Case:
    alerts = pd.DataFrame({"instance": alerting, "service": alerting, "kind": "metric",
                           "name": "cpu", "direction": "up"})
    return Case(normal=((START, START + HOUR),), abnormal=(START + HOUR, START + 2 * HOUR),
                alerts=alerts, suspects=("a", "b", "c"))


def system(root: Path, past: int) -> Path:
    """A data set whose past incidents all had b alert; folder of Cases."""
    write_case(root, "now", incident("b", "c"))
    for number in range(past):
        write_case(root / "history", f"h{number}", incident("b"))
    return root


def test_the_same_ranker_registers_once_and_is_champion(store: Path, tmp_path: Path) -> None:
    figures = metrics(tmp_path)
    first = ranker.register(metrics=figures)
    assert first == {"model": "rank", "version": 1, "champion": 1, "incidents": 0, "figures": 2}
    assert ranker.register(metrics=figures) == first
    (version,) = tracking.versions("rank")
    assert (version.kind, version.aliases) == ("ranker", ("champion",))
    logged = tracking.figures(version.run_id)
    assert logged["ac_at_1"] == 0.5  # the default's, not another's
    assert logged["ac_at_1.low"] == 0.1
    assert logged["seconds_p50"] == 0.2


def test_changed_code_is_another_version_which_reigns(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = ranker.register()
    with monkeypatch.context() as patch:
        patch.setattr(ranker_file, "code_version", lambda modules: "edited")
        after = ranker.register()
        assert after["version"] == after["champion"] == before["version"] + 1
        assert tracking.champion("rank") == after["version"]
    assert ranker.register() == before  # back at that edition, it reigns again
    assert tracking.champion("rank") == before["version"]


def test_past_incidents_are_learned_from_under_a_name_of_their_own(
    store: Path, tmp_path: Path
) -> None:
    dataset, case = system(tmp_path / "mine", past=5), incident("b", "c")
    assert ranker.register(dataset)["incidents"] == 5
    learned = rankers.load("mine-rank")
    assert learned.rank(case).idxmax() == "c"  # b alerts in every incident
    assert learned.rank(case)["c"] > rca.rank(case)["c"]
    assert ranker.register(dataset) == {
        "model": "mine-rank", "version": 1, "champion": 1, "incidents": 5, "figures": 0}


def test_no_past_incidents_and_no_figures_are_told(store: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no past incidents to learn from"):
        ranker.register(system(tmp_path / "bare", past=0))
    with pytest.raises(InputError, match=r"lacks rca.json"):
        ranker.register(metrics=tmp_path)
    assert tracking.versions("bare-rank") == []


def test_a_ranker_that_would_rank_otherwise_once_stored_is_not_registered(store: Path) -> None:
    class Forgetful(rca.Fusion):
        def rank(self, case: Case) -> pd.Series:
            return super().rank(case) + hasattr(self, "secret")

    kinds = {**rca.RANKERS, "fusion": Forgetful}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rca, "RANKERS", kinds)
        odd = Forgetful()
        odd.secret = 1
        with pytest.raises(InputError, match="ranks otherwise once stored"):
            rankers.register(odd, ranker.example(), "odd")
    assert tracking.versions("odd") == []


def test_the_command_registers_and_models_shows_it(
    store: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for words in (["register-ranker", "--metrics", str(metrics(tmp_path))],
                  ["models", "--model", "rank"]):
        with pytest.raises(SystemExit) as end:
            cli.main([*words, "--json"])
        assert end.value.code == 0
        told = json.loads(capfd.readouterr().out)
    assert told[0]["aliases"] == ["champion"]
    assert told[0]["figures"]["ac_at_1"] == 0.5


def test_the_made_case_is_no_riddle() -> None:
    assert rca.rank(ranker.example()).idxmax() == "pay"
