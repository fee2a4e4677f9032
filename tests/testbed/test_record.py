"""The recorder, on a stand-in for the shop: a web server that answers at once."""

import json
import os
import subprocess
import threading
import time
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from aiops.errors import BusyError, TestbedError
from aiops.testbed import alert, contention, load, plan, record
from aiops.testbed.names import SUSPECTS

ROOT = Path(__file__).parents[2]
NORMAL = plan.Entry("normal-1", "normal", 1, 0.0, 3, 0, 0)
INCIDENT = plan.Entry("r001", "incident", 2, 9.0, 3, 2, 1, "errors", "cart")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    do_POST = do_GET

    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass


class Shop:
    """Answers requests, notes when it was told what, and sends telemetry to ``tap``."""

    raised = False

    def __init__(self, port, tap):
        self.ports, self.tap, self.told = {"gateway": port}, tap, []

    def pids(self):
        return {}

    def control(self, service, action, hook, **params):
        self.told.append((time.time(), action, service, hook))
        self.tap("traces", action.encode())


@pytest.fixture
def shop(monkeypatch):
    for module, name, value in ((record, "WINDOW_S", 1), (record, "FLUSH_S", 0.1),
                                (plan, "LEAD_S", 1), (alert, "SPAN_S", 1), (alert, "STEP_S", 1),
                                (record, "TRIES", 2), (record, "wait_until_quiet", lambda say: 0)):
        monkeypatch.setattr(module, name, value)
    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Shop(server.server_address[1], record.Tap())
    server.shutdown()
    thread.join()
    server.server_close()


def test_recordings_are_whole_neutral_and_skipped_on_resume(shop, tmp_path):
    recorder = record.Recorder(tmp_path, [NORMAL, INCIDENT], only_quiet=False, say=lambda _: None)
    recorder.run(shop, shop.tap)
    assert recorder.left() == []
    told = json.loads((tmp_path / "recordings/r001/recording.json").read_text())
    truth = json.loads((tmp_path / "truth.json").read_text())
    assert list(truth) == ["r001"]
    assert truth["r001"]["culprits"] == ["cart"]
    assert truth["r001"]["start"] == told["normal"][0][1]
    assert told.pop("suspects") == list(SUSPECTS)  # the same in every recording
    assert not {"errors", "cart", "incident"} & set(json.dumps(told).replace('"', " ").split())
    # planted when the normal time was over, undone when the truth says so
    assert [action for _, action, *_ in shop.told] == ["set", "clear"]
    for (at, *_), stated in zip(shop.told, ("start", "end"), strict=True):
        assert 0 <= at - datetime.fromisoformat(truth["r001"][stated]).timestamp() < 0.5
    records = load.read(tmp_path / "recordings/r001/load.parquet")
    assert len(records) == told["load"]["requests"] > 10
    assert (tmp_path / "recordings/r001/traces.otlp.zst").exists()
    normal = json.loads((tmp_path / "recordings/normal-1/recording.json").read_text())
    assert "abnormal" not in normal
    assert "detected_at" not in normal
    recorder.run(shop, shop.tap)
    assert len(shop.told) == 2  # nothing was recorded again


def test_faults_at_once_are_planted_together_and_all_stand_in_the_truth(shop, tmp_path):
    two = plan.Entry("r001", "incident", 2, 9.0, 3, 2, 1, "errors", "cart",
                     also=(("latency", "catalog"),), part="two-causes")
    recorder = record.Recorder(tmp_path, [two], only_quiet=False, say=lambda _: None)
    recorder.run(shop, shop.tap)
    assert [(action, service) for _, action, service, _ in shop.told] == [
        ("set", "cart"), ("set", "catalog"), ("clear", "catalog"), ("clear", "cart")]
    told = json.loads((tmp_path / "truth.json").read_text())["r001"]
    assert told["culprits"] == ["cart", "catalog"]
    assert told["slices"] == ["part=two-causes"]
    assert (told["fault"], told["role"]) == ("errors+latency", "incident")


def traffic(slow_s: float) -> pd.DataFrame:
    """Ten requests a second for two minutes from time 0, slow from ``slow_s`` on."""
    offsets = np.arange(0, 120, 0.1)
    due = pd.to_datetime(offsets, unit="s", utc=True)
    latency = np.where(offsets < slow_s, 20.0, 200.0)
    return pd.DataFrame({"due": due, "started": due,
                         "ended": due + pd.to_timedelta(latency, unit="ms"), "route": "GET /",
                         "latency_ms": latency, "failed": False, "outcome": "ok"})


PLANTED = plan.Entry("r001", "incident", 2, 9.0, 60, 45, 15, "errors", "cart")  # at 60 to 105 s


def test_the_abnormal_time_begins_with_the_alert_and_not_with_what_was_planted():
    told = record.describe(PLANTED, 0.0, traffic(slow_s=72), [])
    assert told["detected_at"] == "1970-01-01T00:01:15Z"  # users saw it 12 s after the fault began
    assert told["abnormal"] == ["1970-01-01T00:01:15Z", "1970-01-01T00:01:45Z"]
    assert told["symptom"] == {"service": "gateway", "metric": "latency", "direction": "up"}
    silent = record.describe(PLANTED, 0.0, traffic(slow_s=120), [])
    assert silent["detected_at"] == silent["abnormal"][0] == "1970-01-01T00:01:00Z"
    assert "symptom" not in silent


def busy(*ends: int) -> list[dict[str, float]]:
    """Two minutes of the machine in windows of 5 s; foreign work in those that end then."""
    return [{"time": float(end), "seconds": 5.0, "foreign_cores": 1.0 * (end in ends),
             "own_wait_cores": 0.0, "pressure_share": 0.0} for end in range(5, 121, 5)]


@pytest.mark.parametrize(("samples", "spoilt"), [
    (busy(*range(65, 106, 5)), False),  # all the fault's own, 60 to 105 s
    (busy(60), False),  # one of the 15 other windows is less than a tenth
    (busy(60, 110), True)])  # two are more, though not of all 24
def test_a_recording_is_spoilt_by_what_lies_outside_the_fault(samples, spoilt):
    told = record.describe(PLANTED, 0.0, traffic(slow_s=72), samples)
    assert told["contention"]["summary"]["spoilt"] is spoilt
    assert told["contention"]["windows"] == samples


def test_a_spoilt_recording_is_made_again_and_given_up_in_the_end(shop, tmp_path, monkeypatch):
    monkeypatch.setattr(contention, "spoilt", lambda samples, shielded: True)
    said = []
    recorder = record.Recorder(tmp_path, [NORMAL], say=said.append)
    with pytest.raises(TestbedError, match="spoilt 2 times"):
        recorder.run(shop, shop.tap)
    assert sum("once more" in line for line in said) == 2
    assert recorder.left() == [NORMAL]
    assert not (tmp_path / "truth.json").exists()


def test_one_recorder_at_a_time(tmp_path):
    path = tmp_path / "lock"
    with record.lock(path), pytest.raises(BusyError, match="Another recorder holds"), \
            record.lock(path):
        pass
    with record.lock(path):  # free again
        pass


def test_heavy_targets_wait_for_the_recorder(tmp_path):
    path = tmp_path / "lock"
    command = ["bash", "scripts/quiet.sh"]
    env = {**os.environ, "AIOPS_RECORDER_LOCK": str(path)}
    subprocess.run(command, cwd=ROOT, env=env, check=True, timeout=10)  # no recorder was ever here
    with record.lock(path):
        waiting = subprocess.Popen(command, cwd=ROOT, env=env, stderr=subprocess.PIPE, text=True)
        assert "recorder is at work" in waiting.stderr.readline()
        assert waiting.poll() is None
    assert waiting.wait(timeout=10) == 0
    waiting.stderr.close()
