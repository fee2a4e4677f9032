"""The command line: documented, JSON alone on standard output, exit codes 0, 1, 2."""

from __future__ import annotations

import errno
import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import httpx
import pandas as pd
import pytest

from aiops.commands.output import plain, show

ROOT = Path(__file__).parents[2]


def load_script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


DOCS = load_script("cli_docs")
COMMANDS = dict(DOCS.commands())
REQUEST = {"resourceSpans": [{
    "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "cart"}}]},
    "scopeSpans": [{"spans": [{
        "traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331", "name": "GET",
        "kind": 2, "startTimeUnixNano": "1700000000000000000",
        "endTimeUnixNano": "1700000000005000000"}]}]}]}


def run(*words: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "aiops", *map(str, words)], cwd=cwd, timeout=120,
                          capture_output=True, text=True)


def answered(*words: object) -> object:
    """What a command prints with --json; it must have succeeded."""
    done = run(*words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_is_explained(words: str) -> None:
    command = COMMANDS[words]
    assert len((command.help or "").split()) >= 4, f"{words} has no help text"
    unexplained = [p.name for p in command.params if p.name != "help" and not p.help]
    assert unexplained == [], f"{words}: parameters without help"
    assert "as_json" in {p.name for p in command.params}, f"{words} has no --json"


def test_the_reference_page_names_every_command_and_is_up_to_date() -> None:
    text = DOCS.PAGE.read_text()
    assert [words for words in COMMANDS if f"\n## {words}\n" not in text] == []
    assert text == DOCS.page(), "run `make docs`"


def test_json_stands_alone_on_standard_output() -> None:
    findings = {finding["name"]: finding for finding in answered("doctor")}
    assert findings["python"]["works"] is True


def test_what_a_library_or_a_child_prints_goes_to_standard_error() -> None:
    code = ("import os\nfrom aiops.commands.output import reporting\n"
            "with reporting(True) as report:\n"
            "    print('chatter'); os.system('echo child'); report({'a': 1})\n"
            "print('after')")
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert answer.stdout == '{\n  "a": 1\n}\nafter\n'
    assert sorted(answer.stderr.split()) == ["chatter", "child"]


@pytest.mark.parametrize("words", [
    ["nope"], ["doctor", "--nope"], ["bench", "rca"], ["lake", "query"]])
def test_wrong_usage_is_2(words: list[str]) -> None:
    answer = run(*words)
    assert answer.returncode == 2
    assert answer.stdout == ""
    assert answer.stderr


def test_people_read_what_is_nested_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    show({"truth": {"culprits": ["cart"], "at": {"s": 5}}, "settings": {}})
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines == [["name", "value"], ["truth.culprits", '["cart"]'], ["truth.at.s", "5"],
                     ["settings", "{}"]]


def test_plain_keeps_what_json_knows_and_spells_the_rest() -> None:
    frame = pd.DataFrame({"t": pd.to_datetime(["2026-01-02", None], utc=True),
                          "x": [1.5, float("inf")], "n": [1, 2], "b": [b"\xab", None]})
    assert plain(frame) == [
        {"t": "2026-01-02T00:00:00+00:00", "x": 1.5, "n": 1, "b": "ab"},
        {"t": None, "x": None, "n": 2, "b": None},
    ]


def test_a_collectors_file_is_ingested_and_queried(tmp_path: Path) -> None:
    (tmp_path / "traces.jsonl").write_text(json.dumps(REQUEST) + "\n")
    lake = tmp_path / "lake"
    assert answered("ingest", tmp_path / "traces.jsonl", "--lake", lake)["spans"] == 1
    sql = "select service_name, kind, duration_ns from spans"
    rows = answered("lake", "query", sql, "--lake", lake)
    assert rows == [{"service_name": "cart", "kind": "server", "duration_ns": 5_000_000}]


@pytest.mark.parametrize("as_json", [True, False])
def test_what_was_refused_is_told_and_what_was_good_is_added(
        tmp_path: Path, as_json: bool) -> None:
    (tmp_path / "traces.jsonl").write_text(json.dumps(REQUEST) + "\n{torn\n")
    lake = tmp_path / "lake"
    answer = run("ingest", tmp_path / "traces.jsonl", "--lake", lake, *["--json"] * as_json)
    assert answer.returncode == 1
    assert "traces.jsonl, line 2: " in answer.stderr
    assert "1 refused" in answer.stderr
    if as_json:
        counts = json.loads(answer.stdout)
        assert (counts["refused"], counts["requests"], counts["spans"]) == (1, 1, 1)
    assert answered("lake", "query", "select name from spans", "--lake", lake) == [{"name": "GET"}]


@pytest.mark.parametrize(("path", "code", "said"), [
    ("nothing", 2, "There is no file or folder nothing."),
    ("empty", 1, "empty holds no OTLP files. Expected names such as traces.otlp"),
])
def test_nothing_to_read_leaves_no_lake(
        tmp_path: Path, path: str, code: int, said: str) -> None:
    (tmp_path / "empty").mkdir()
    answer = run("ingest", path, "--json", cwd=tmp_path)
    assert (answer.returncode, answer.stdout) == (code, "")
    assert said in answer.stderr
    assert list(tmp_path.iterdir()) == [tmp_path / "empty"]


def test_receive_stores_what_is_sent_and_ends_on_sigterm(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    words = ["receive", "--lake", lake, "--grpc-port", 0, "--http-port", 0, "--json"]
    process = subprocess.Popen([sys.executable, "-m", "aiops", *map(str, words)], text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env={**os.environ, "PYTHONUNBUFFERED": "1"})
    try:
        port = process.stderr.readline().split("OTLP/HTTP on 127.0.0.1:")[1].split(",")[0]
        answer = httpx.post(f"http://127.0.0.1:{port}/v1/traces", json=REQUEST)
        assert answer.status_code == 200
    finally:
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=20)
    assert json.loads(out)["traces"] == 1
    assert answered("lake", "query", "select name from spans", "--lake", lake) == [{"name": "GET"}]


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_receive_tells_of_a_taken_port_and_leaves_no_lake(tmp_path: Path, protocol: str) -> None:
    ports = {"grpc": 0, "http": 0}
    with socket.create_server(("127.0.0.1", 0)) as other:
        ports[protocol] = port = other.getsockname()[1]
        answer = run("receive", "--grpc-port", ports["grpc"], "--http-port", ports["http"],
                     cwd=tmp_path)
    assert answer.returncode == 1
    assert answer.stdout == ""
    assert answer.stderr.startswith(f"aiops: Port {port} of 127.0.0.1 is taken")
    assert answer.stderr.endswith(f"choose another port with --{protocol}-port.\n")
    assert len(answer.stderr.splitlines()) == 1, "log lines of gRPC"
    assert list(tmp_path.iterdir()) == []


def test_bench_prints_the_figures_alone(aiops_data: Path) -> None:
    found = answered("bench", "rca", aiops_data / "rca" / "rcd-sockshop", "--ranker", "baro")
    figures = {(f["slice"], f["metric"]): f["value"] for f in found}
    assert figures["fault=cpu", "avg@5"] >= 0.98
    assert figures["fault=mem", "avg@5"] >= 0.98


@pytest.mark.parametrize(("number", "told"), [("ENOSPC", True), ("EIO", False)])
def test_a_full_disk_is_told_and_another_fault_keeps_its_traceback(
        number: str, told: bool, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> None:
    from aiops import cli

    code = getattr(errno, number)

    def full(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code), "/full/lake")

    monkeypatch.setattr(cli, "app", full)
    with pytest.raises(SystemExit if told else OSError):
        cli.main(["ingest", "x"])
    assert ("No space left on device (/full/lake)" in capsys.readouterr().err) == told


def test_a_lake_that_one_may_not_write_to_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "traces.jsonl").write_text(json.dumps(REQUEST) + "\n")
    lake = tmp_path / "lake"
    answered("ingest", tmp_path / "traces.jsonl", "--lake", lake)
    for folder in (lake, *(path for path in lake.rglob("*") if path.is_dir())):
        folder.chmod(0o555)
    (lake / ".lock").chmod(0o444)
    words = ["-m", "aiops", "lake", "query", "select name from spans", "--json", "--lake", lake]
    as_anybody = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
    try:
        answer = subprocess.run([*as_anybody, sys.executable, *map(str, words)], timeout=120,
                                capture_output=True, text=True)
    finally:
        for folder in (lake, *(path for path in lake.rglob("*") if path.is_dir())):
            folder.chmod(0o755)
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout) == [{"name": "GET"}]
