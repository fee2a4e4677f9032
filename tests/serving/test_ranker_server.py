"""The real scoring server on the registered ranker, asked over HTTP with real incidents."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException

from aiops import cli, datasets, rca, tracking
from aiops.case import Case
from aiops.errors import UsageError
from aiops.serving.ranker import ServedRanker, answer, as_case
from aiops.tracking import ranker_file, rankers, wire
from aiops.workflows import ranker
from tests.serving.test_server import post, server

SMALL = wire.as_sent(ranker.example())


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A store in which the default ranker is registered."""
    folder = tmp_path_factory.mktemp("store")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
        assert ranker.register()["version"] == 1
        yield folder


@pytest.fixture(scope="module")
def address(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The champion as a user serves it."""
    with server(tmp_path_factory.mktemp("work"), sys.executable, "-m", "aiops", "serve", "--model",
                "rank") as address:
        yield address


@pytest.fixture(scope="module")
def incident() -> Case:
    """A recorded incident of the shop: traces, logs, metrics, topology."""
    return datasets.load("shop").case("r005")[1]


def asked(address: str, record: dict[str, Any]) -> pd.DataFrame:
    told = post(address, {"dataframe_records": [record]})
    assert told.status_code == 200, told.text
    return pd.DataFrame(told.json()["predictions"]).set_index("suspect")


def agrees(rows: pd.DataFrame, case: Case) -> None:
    """The rows are what the ranker says in this process."""
    blame = rca.rank(case)
    assert [*rows] == ["blame", "rank", "confidence", "abstains"]
    assert set(rows.index) == set(case.suspects)
    np.testing.assert_allclose(rows["blame"], blame[rows.index], rtol=1e-9)
    ranks = blame.rank(ascending=False)
    np.testing.assert_array_equal(rows["rank"], ranks[rows.index])
    assert rows["rank"].is_monotonic_increasing
    for name in ("confidence", "abstains"):
        stated = [blame.attrs.get(name)] * len(rows)
        assert rows[name].tolist() == pytest.approx(stated)


def test_a_real_incident_is_ranked_as_in_process(address: str, incident: Case) -> None:
    rows = asked(address, wire.as_sent(incident))
    agrees(rows, incident)
    assert rows["blame"].iloc[0] > rows["blame"].iloc[-1]


def test_the_made_case_blames_who_is_at_fault(address: str) -> None:
    rows = asked(address, SMALL)
    agrees(rows, ranker.example())
    assert rows.index.tolist() == ["pay", "shop"]


def test_the_example_kept_with_the_model_can_be_sent_as_it_is(address: str, store: Path) -> None:
    (kept,) = store.glob("artifacts/models/*/artifacts/serving_input_example.json")
    told = post(address, json.loads(kept.read_text()))
    assert told.status_code == 200, told.text
    assert told.json()["predictions"][0]["suspect"] == "pay"


@pytest.mark.parametrize("left", [["metrics"], ["traces"], ["logs", "traces"]])
def test_any_subset_of_tables_will_do(address: str, left: list[str]) -> None:
    case = ranker.example()
    gone = {name: None for name in case.tables if name not in left}
    given = Case(**{**vars(case), **gone})
    agrees(asked(address, SMALL | gone), given)  # sent as null
    agrees(asked(address, {key: value for key, value in SMALL.items() if key not in gone}), given)


def test_a_client_needs_nothing_of_ours(address: str) -> None:
    """As a client in another language would write it, with what is optional left out or null."""
    times = [f"2026-01-01T00:{minute:02}:00+02:00" for minute in range(40)]
    slow = [5 + minute % 3 for minute in range(30)] + [90, 91, 90, 92, 93, 90, 94, 90, 95, 91]
    record = {
        "normal": [[times[0], times[30]]], "abnormal": [times[30], "2026-01-01T00:40:00+02:00"],
        "suspects": ["a", "b"], "symptom": None, "detected_at": None,
        "metrics": {"time": times * 2, "service": ["a"] * 40 + ["b"] * 40,
                    "name": ["latency_ms"] * 80, "unit": None,
                    "value": [*slow, *[7 + minute % 3 for minute in range(40)]]}}
    rows = asked(address, record)
    assert rows.index.tolist() == ["a", "b"]
    assert rows["blame"]["a"] > rows["blame"]["b"]


def test_the_example_of_the_page_is_ranked(address: str) -> None:
    page = (Path(__file__).parents[2] / "docs" / "serving.md").read_text()
    (example,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    told = post(address, json.loads(example))
    assert told.status_code == 200, told.text
    assert [row["suspect"] for row in told.json()["predictions"]] == ["catalog", "cart"]


def changed(path: str, value: Any) -> dict[str, Any]:
    """The small Case with one thing in it changed, or left out where ``value`` is ``...``."""
    record = json.loads(json.dumps(SMALL))
    *way, last = path.split("/")
    holder = record
    for step in way:
        holder = holder[step]
    at: Any = int(last) if isinstance(holder, list) else last
    if value is ...:
        del holder[at]
    else:
        holder[at] = value
    return record


@pytest.mark.parametrize(("path", "value", "said"), [
    ("normal", ..., "missing inputs ['normal']"),
    ("normal", [], "A Case needs a window of normal operation"),
    ("normal", "2026-11-25T10:00:00Z", "Failed to convert column normal"),
    ("normal/0", SMALL["abnormal"], "must not overlap the abnormal"),
    ("abnormal", ["2026-11-25T10:01:20Z"], "abnormal must be a pair (start, end)"),
    ("abnormal/1", "2026-11-25T10:02:00", "must be a timestamp with a time zone"),
    ("abnormal/1", "soon", "abnormal window must be a timestamp (RFC 3339). Got 'soon'"),
    ("abnormal/1", SMALL["abnormal"][0], "must start before it ends"),
    ("detected_at", "soon", "detected_at must be a timestamp (RFC 3339). Got 'soon'"),
    ("symptom", {"service": "pay"}, "Missing required properties: {'metric'}"),
    ("suspects", "pay", "Failed to convert column suspects"),
    ("suspects", ["pay", 3], "suspects must be a list of names. Got ['pay', 3]"),
    ("traces/start", ..., "Missing required properties: {'start'}"),
    ("traces/strat", [], "Invalid properties not defined in the schema found: {'strat'}"),
    ("traces", [{"trace_id": "a"}], "Failed to convert column traces"),
    ("traces/start", None, "traces lacks start"),
    ("traces/start", "now", "traces.start must be a list, a cell a row. Got 'now'"),
    ("traces/start/3", "2026-11-25T10:00:00", "Got '2026-11-25T10:00:00' in row 3 (from 0)"),
    ("traces/start/3", 1764064800, "traces.start must hold RFC 3339, like"),
    ("traces/start/3", None, "traces.start must not be empty. Got 1 empty cells of 120"),
    ("traces/duration_ns/5", "5ms", "traces.duration_ns must hold numbers (int64), or null"),
    ("traces/duration_ns/5", True, "Got True in row 5 (from 0)"),
    ("traces/duration_ns/5", 0.5, "traces.duration_ns must hold whole numbers"),
    ("traces/duration_ns/5", 10**30, "traces.duration_ns must hold"),
    ("traces/duration_ns/5", ..., "columns of traces must be of one length"),
    ("traces/service/7", 7, "traces.service must hold text, or null where it may be empty. Got 7"),
    ("traces/service/7", None, "traces.service must not be empty"),
    ("metrics/value/2", float("nan"), "metrics.value must not be empty"),
    ("metrics/value/2", float("inf"), "metrics.value must be finite"),
    ("metrics/time/2", "2026-13-01T00:00:00Z", "Got '2026-13-01T00:00:00Z' in row 2 (from 0)"),
    ("logs/severity_number/1", None, "logs.severity_number must not be empty"),
])
def test_what_is_no_case_is_refused_with_the_reason(
    address: str, path: str, value: Any, said: str
) -> None:
    told = post(address, {"dataframe_records": [changed(path, value)]})
    assert told.status_code == 400
    assert said in told.json()["message"]
    assert len(told.json()["message"]) < 10_000


def test_one_request_is_one_case(address: str) -> None:
    told = post(address, {"dataframe_records": [SMALL, SMALL]})
    assert told.status_code == 400
    assert "a request holds one Case, one record. Got 2 records" in told.json()["message"]


def test_a_case_that_says_nothing_is_refused(address: str) -> None:
    bare = {key: SMALL[key] for key in ("normal", "abnormal")}
    told = post(address, {"dataframe_records": [bare]})
    assert told.status_code == 400
    assert "A Case needs suspects" in told.json()["message"]


@pytest.mark.parametrize(("content", "kind", "status"), [
    (b"{", "application/json", 400), (b"{}", "application/json", 400),
    (b"x", "text/plain", 415), (b"normal,abnormal\n1,2\n", "text/csv", 400),
])
def test_what_is_no_record_is_refused(
    address: str, content: bytes, kind: str, status: int
) -> None:
    told = httpx.post(f"{address}/invocations", content=content, headers={"Content-Type": kind})
    assert told.status_code == status
    assert len(asked(address, SMALL)) == 2


# --- in this process --------------------------------------------------------------------------
def test_what_was_sent_is_the_same_case(incident: Case) -> None:
    made = as_case(pd.DataFrame([json.loads(json.dumps(wire.as_sent(incident)))]))
    assert {name: vars(made)[name] for name in vars(made) if name not in incident.tables} == {
        name: vars(incident)[name] for name in vars(incident) if name not in incident.tables}
    assert [*made.tables] == [*incident.tables]
    for name, table in incident.tables.items():
        pd.testing.assert_frame_equal(made.tables[name], table, check_dtype=False)


def test_alerts_without_a_time_and_attributes_come_through() -> None:
    case = ranker.example()
    alerts = pd.DataFrame({"instance": ["pay-1", "pay-2"], "service": "pay", "kind": "metric",
                           "name": "cpu", "time": [case.abnormal[0], pd.NaT]})
    traces = case.traces.assign(attributes=[None, [("http.route", "/buy")]] * 60)
    given = Case(**{**vars(case), "alerts": alerts, "traces": traces})
    made = as_case(pd.DataFrame([json.loads(json.dumps(wire.as_sent(given)))]))
    assert made.alerts["time"].tolist() == given.alerts["time"].tolist()
    assert made.traces["attributes"].tolist() == traces["attributes"].tolist()


def test_ties_share_their_mean_rank_and_what_is_stated_stands_in_every_row() -> None:
    blame = pd.Series({"b": 2.0, "a": 0.0, "c": 0.0})
    case = Case(**{**vars(ranker.example()), "suspects": ("a", "b", "c")})
    assert answer(blame, case)["confidence"].tolist() == [None] * 3
    blame.attrs = {"confidence": 0.75, "abstains": np.False_}
    rows = answer(blame, case)
    assert rows["rank"].tolist() == [1.0, 2.5, 2.5]
    assert rows["suspect"].iloc[0] == "b"
    assert rows["confidence"].tolist() == [0.75] * 3
    assert [each is False for each in rows["abstains"]] == [True] * 3


def test_a_ranker_that_fails_is_not_the_clients_fault(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise ZeroDivisionError("on purpose")

    served = mlflow.pyfunc.load_model("models:/rank/1")
    monkeypatch.setattr(rca.Fusion, "rank", fail)
    with pytest.raises(MlflowException, match="fault of the ranker's") as no:
        served.predict(pd.DataFrame([SMALL]))
    assert no.value.get_http_status_code() == 500


def test_a_ranker_is_no_detector(store: Path) -> None:
    with pytest.raises(UsageError, match="rank version 1 is a ranker, not a detector"):
        tracking.load("rank", 1)
    assert rankers.load("rank", 1).rank(ranker.example()).equals(rca.rank(ranker.example()))


def test_other_code_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = ranker_file.save_file(rca.Fusion(), tmp_path / "ranker.json")
    context = type("Context", (), {"artifacts": {"ranker": str(path)}})
    ServedRanker().load_context(context)
    assert caplog.text == ""
    monkeypatch.setattr(ranker_file, "code", lambda kind: "other")
    ServedRanker().load_context(context)
    assert "registered by other code" in caplog.text


def test_no_pickle_is_kept(store: Path) -> None:
    kept = {path.suffix for path in store.glob("artifacts/models/**/*")
            if path.is_file() and path.parent.name != "__pycache__"}  # of who served it here
    assert kept <= {"", ".json", ".py", ".txt", ".yaml"}


def test_models_lists_the_ranker(store: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["models", "--model", "rank", "--json"])
    (row,) = json.loads(capfd.readouterr().out)
    assert (row["version"], row["aliases"]) == (1, ["champion"])
