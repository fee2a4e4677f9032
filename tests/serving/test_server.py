"""The real scoring server on a registered detector, asked over HTTP with real rows."""

from __future__ import annotations

import json
import os
import pickle
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import mlflow
import numpy as np
import pandas as pd
import psutil
import pytest
from mlflow.exceptions import MlflowException

from aiops import cli, features, serving, tracking
from aiops import lake as lakes
from aiops.detection import IsolationForest, PerService, RobustZ
from aiops.errors import InputError
from aiops.evaluation.figures import Figure
from aiops.tracking.store import connect

ROOT = Path(__file__).parents[2]
MODEL = "shop-trial-detector"
RECORDINGS = ROOT / "datasets" / "shop-trial" / "recordings"
ROW = {"service": "cart", "window_start": "2026-11-25T10:00:05Z", "cpu_cores": 0.1}

FIGURE = Figure("detection", "shop", "robust-z", "all", "vus_pr", 0.5, 0.4, 0.6, 24, 0.1, "share")


def rows_of(recording: str, folder: Path) -> pd.DataFrame:
    lake = lakes.open(folder / recording)
    lake.ingest(RECORDINGS / recording)
    return features.model_rows(features.windows(lake.connection, 5.0)).reset_index(drop=True)


@pytest.fixture(scope="module")
def incident(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return rows_of("r001", tmp_path_factory.mktemp("lake"))


@pytest.fixture(scope="module")
def detectors(tmp_path_factory: pytest.TempPathFactory) -> list[PerService]:
    """Version 1 and 2, trained on recorded normal traffic."""
    normal = rows_of("normal-1", tmp_path_factory.mktemp("lake"))
    return [PerService(detector).fit(normal)
            for detector in (RobustZ(), IsolationForest(n_trees=10))]


@pytest.fixture(scope="module")
def store(detectors: list[PerService], incident: pd.DataFrame,
          tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A store in which both are registered, the forest as champion."""
    folder = tmp_path_factory.mktemp("store")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
        with tracking.start("train", "first"):
            tracking.log_figures([FIGURE])
            assert tracking.register(detectors[0], incident, MODEL) == 1
        assert tracking.register(detectors[1], incident, MODEL) == 2
        tracking.promote(MODEL, 2)
        yield folder


@contextmanager
def server(cwd: Path, *command: str) -> Iterator[str]:
    """The address of a server that runs until the block ends, its whole process group."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = cwd / "server.log"
    environment = {**os.environ, "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
                   "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    with log.open("w") as stream:
        process = subprocess.Popen([*command, "--port", str(port)], cwd=cwd, env=environment,
                                   stdout=stream, stderr=stream, start_new_session=True)
    try:
        address = f"http://127.0.0.1:{port}"
        _wait(address, process, log)
        yield address
    finally:
        with suppress(ProcessLookupError):  # it ended by itself, which _wait tells
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)
        psutil.wait_procs(_group(process.pid), 30)
    if "aiops" in command:
        assert process.returncode == 0, log.read_text()
    assert _group(process.pid) == []
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def _wait(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(2000):
        assert process.poll() is None, log.read_text()
        try:
            assert httpx.get(f"{address}/ping").status_code == 200
            return
        except httpx.TransportError:
            time.sleep(0.1)
    raise TimeoutError(log.read_text())


def _group(number: int) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with suppress(ProcessLookupError):  # gone since it was listed
            if os.getpgid(process.pid) == number:
                found.append(process)
    return found


@pytest.fixture(scope="module")
def address(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The champion as a user serves it."""
    with server(tmp_path_factory.mktemp("work"), "mlflow", "models", "serve", "--env-manager",
                "local", "-m", f"models:/{MODEL}@champion") as address:
        yield address


def sent(rows: pd.DataFrame) -> dict[str, Any]:
    split = json.loads(tracking.as_sent(rows).to_json(orient="split", double_precision=15))
    return {"dataframe_split": {key: split[key] for key in ("columns", "data")}}


def scores(answer: httpx.Response) -> np.ndarray:
    assert answer.status_code == 200, answer.text
    return np.array([row["score"] for row in answer.json()["predictions"]])


def post(address: str, body: dict[str, Any]) -> httpx.Response:
    # Not httpx's json=: it refuses the infinities that are sent on purpose.
    return httpx.post(f"{address}/invocations", content=json.dumps(body), timeout=60,
                      headers={"Content-Type": "application/json"})


def test_real_rows_score_as_in_process(
    address: str, detectors: list[PerService], incident: pd.DataFrame
) -> None:
    mixed = incident.sample(frac=1.0, random_state=0)
    answered = scores(post(address, sent(mixed)))
    assert len(answered) > 100
    np.testing.assert_allclose(answered, detectors[1].score(mixed), rtol=1e-9)
    assert answered.std() > 0


def test_a_service_not_seen_goes_to_the_pooled_detector(
    address: str, detectors: list[PerService], incident: pd.DataFrame
) -> None:
    row = incident[incident.service == "cart"].head(1)
    known = scores(post(address, sent(row)))
    unseen = scores(post(address, sent(row.assign(service="unheard-of"))))
    level, width = detectors[1].pooled_level_
    raw = detectors[1].pooled_.score(row.drop(columns=["service", "window_start"]))
    np.testing.assert_allclose(unseen, (raw - level) / width, rtol=1e-9)
    assert unseen != known


def test_features_left_out_are_null(
    address: str, detectors: list[PerService], incident: pd.DataFrame
) -> None:
    rows = incident.head(20).copy()
    lean = tracking.as_sent(rows)[["service", "window_start", "error_rate"]]
    body = {"dataframe_records": json.loads(lean.to_json(orient="records"))}
    others = [c for c in rows if c not in lean]
    rows[others] = np.nan
    np.testing.assert_allclose(scores(post(address, body)), detectors[1].score(rows), rtol=1e-9)


def test_the_example_kept_with_the_model_can_be_sent_as_it_is(address: str, store: Path) -> None:
    examples = [*store.glob("artifacts/models/*/artifacts/serving_input_example.json")]
    assert len(examples) == 2
    assert len(scores(post(address, json.loads(examples[0].read_text())))) == 3


def test_csv_scores_too(address: str) -> None:
    table = pd.DataFrame([ROW]).to_csv(index=False)
    answer = httpx.post(f"{address}/invocations", content=table,
                        headers={"Content-Type": "text/csv"})
    assert scores(answer) == scores(post(address, {"dataframe_records": [ROW]}))


@pytest.mark.parametrize(("row", "said"), [
    ({"service": ...}, "missing inputs ['service']"),
    ({"window_start": ...}, "missing inputs ['window_start']"),
    ({"cpu_cores": ...}, "the rows have no feature. Give one or more of ['request_rate_per_s'"),
    ({"cpu_cores": "much"}, "Failed to convert column cpu_cores to type 'float64'"),
    ({"cpu_cores": [1]}, "Failed to convert column cpu_cores to type 'float64'"),
    ({"cpu_cores": float("inf")}, "cpu_cores is infinite in 1 of 2 rows (from 0: 1)"),
    ({"latency_p95_ms": -5.0}, "latency_p95_ms is negative in 1 of 2 rows (from 0: 1)"),
    ({"error_rate": 7.0}, "error_rate is no share in 1 of 2 rows (from 0: 1). Give 0 to 1"),
    ({"error_rate": -0.1}, "error_rate is no share in 1 of 2 rows (from 0: 1)"),
    ({"service": None}, "service is null or empty in 1 of 2 rows (from 0: 1). Give the name"),
    ({"service": " "}, "service is null or empty in 1 of 2 rows"),
    ({"window_start": None}, "window_start is no time of RFC 3339 in 1 of 2 rows"),
    ({"window_start": "yesterday"}, "window_start is no time of RFC 3339 in 1 of 2 rows"),
    ({"window_start": "2026-11-25T10:00:05"}, "Give one with its offset, like 2026-11-25T10:00"),
    ({"window_start": "2026-13-25T10:00:05Z"}, "window_start is no time of RFC 3339"),
])
def test_a_bad_row_is_refused_with_the_reason(
    address: str, row: dict[str, Any], said: str
) -> None:
    bad = {key: value for key, value in {**ROW, **row}.items() if value is not ...}
    together = [bad] if ... in row.values() else [ROW, bad]
    answer = post(address, {"dataframe_records": together})
    assert answer.status_code == 400
    assert said in answer.json()["message"]


@pytest.mark.parametrize(("content", "kind", "status"), [
    (b"{", "application/json", 400), (b"{}", "application/json", 400),
    (b"x", "text/plain", 415), (b"x", "application/vnd.apache.parquet", 400),
])
def test_what_is_no_table_is_refused(
    address: str, content: bytes, kind: str, status: int
) -> None:
    answer = httpx.post(f"{address}/invocations", content=content, headers={"Content-Type": kind})
    assert answer.status_code == status
    assert scores(post(address, {"dataframe_records": [ROW]})).shape == (1,)


def test_aiops_serve_serves_the_version_asked_for(
    store: Path, detectors: list[PerService], incident: pd.DataFrame, tmp_path: Path
) -> None:
    with server(tmp_path, sys.executable, "-m", "aiops", "serve", "shop-trial", "--version",
                "1") as address:
        answered = scores(post(address, sent(incident)))
        assert post(address, {"dataframe_records": [{**ROW, "service": None}]}).status_code == 400
    np.testing.assert_allclose(answered, detectors[0].score(incident), rtol=1e-9)
    assert [p.name for p in tmp_path.iterdir()] == ["server.log"]


# --- what is not served --------------------------------------------------------------------
class Trap:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.file,)


def test_a_pickle_in_place_of_the_detector_is_refused(
    store: Path, incident: pd.DataFrame, tmp_path: Path
) -> None:
    number = tracking.register(PerService(RobustZ(soften=False)).fit(incident), incident, "other")
    source = connect().get_model_version("other", str(number)).source.removeprefix("models:/")
    path = store / "artifacts" / "models" / source / "artifacts" / "artifacts" / "detector.skops"
    assert isinstance(tracking.load("other", number), PerService)
    path.write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    with pytest.raises(InputError, match="pickles never are"):
        serving.serve("other", number, "127.0.0.1", 0)
    with pytest.raises(InputError, match="pickles never are"):
        mlflow.pyfunc.load_model(f"models:/other/{number}")
    assert not (tmp_path / "sprung").exists()


def test_a_taken_port_is_told_with_the_way_out(
    store: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(SystemExit) as end:
            cli.main(["serve", "--model", MODEL, "--port", str(port), "--json"])
    assert end.value.code == 1
    told = capfd.readouterr()
    assert told.out == ""
    assert told.err.startswith(f"aiops: Port {port} of 127.0.0.1 is taken by another process")
    assert "choose another port with --port" in told.err
    assert len(told.err.splitlines()) == 1


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "example.org", "192.0.2.1"])
def test_other_machines_are_not_served(store: Path, host: str) -> None:
    with pytest.raises(InputError, match=f"cannot serve on {host}.*only loopback"):
        serving.serve(MODEL, "champion", host, 1)


def test_a_score_that_overflows_is_refused(
    store: Path, incident: pd.DataFrame
) -> None:
    served = mlflow.pyfunc.load_model(f"models:/{MODEL}/1")
    rows = tracking.as_sent(incident.head(2).assign(cpu_cores=[0.1, 1e308]))
    with pytest.warns(RuntimeWarning, match="overflow"), \
            pytest.raises(MlflowException, match=r"too large to be scored in 1 of 2 rows") as no:
        served.predict(rows)
    assert no.value.get_http_status_code() == 400


def test_an_unknown_version_is_not_served(
    store: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(["serve", "--model", MODEL, "--version", "7"])
    assert end.value.code == 2
    assert f"{MODEL} has no version 7. There are: 1, 2 (champion)" in capfd.readouterr().err


def test_another_data_sets_champion_is_not_served(
    store: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(["serve", "mine"])
    assert end.value.code == 2
    assert "No model is registered as mine-detector. There are: " in capfd.readouterr().err


def test_a_data_set_and_a_model_are_not_taken_together(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(["models", "shop-trial", "--model", MODEL])
    assert end.value.code == 2
    assert "not both" in capfd.readouterr().err


def test_a_model_that_there_is_not_is_told_with_those_there_are(
    store: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(["models", "--model", "nope"])
    assert end.value.code == 2
    told = capfd.readouterr()
    assert told.out == ""
    assert "No model is registered as nope. There are: " in told.err
    assert MODEL in told.err


def test_who_asks_for_models_makes_no_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/none/mlflow.db")
    for words, code, said in ((["models"], 0, "[]"), (["models", "mine"], 2, "There are: none")):
        with pytest.raises(SystemExit) as end:
            cli.main([*words, "--json"])
        assert end.value.code == code
        assert said in "".join(capfd.readouterr())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("uri", ["nope://x", "sqlite:///{}/damaged.db"])
def test_a_store_that_cannot_be_opened_is_told(
    uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "damaged.db").write_text("no database")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", given := uri.format(tmp_path))
    with pytest.raises(SystemExit) as end:
        cli.main(["models"])
    assert end.value.code == 1
    assert f"aiops: MLflow cannot open {given}: " in capfd.readouterr().err


def test_models_lists_versions_with_alias_and_figures(
    store: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        cli.main(["models", "datasets/shop-trial", "--json"])
    first, second = json.loads(capfd.readouterr().out)
    assert (first["version"], first["aliases"]) == (1, [])
    assert first["figures"]["vus_pr.low"] == FIGURE.low
    assert (second["version"], second["aliases"], second["figures"]) == (2, ["champion"], {})
    with pytest.raises(SystemExit):
        cli.main(["models", "--model", MODEL])
    table = capfd.readouterr().out.splitlines()
    assert table[0].split() == ["version", "aliases", "registered", "vus_pr"]
    assert table[1].split()[-1] == "0.5"
    assert table[2].split()[1] == "champion"
