"""The command line: documented, tells its exit codes apart, keeps JSON alone on standard output."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SPEC = importlib.util.spec_from_file_location("cli_docs", ROOT / "scripts" / "cli_docs.py")
cli_docs = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(cli_docs)


def aiops(*words, **options):
    return subprocess.run([sys.executable, "-m", "aiops", *map(str, words)], text=True,
                          capture_output=True, **options)


def test_the_documented_commands_are_those_there_are():
    assert (ROOT / "docs" / "cli.md").read_text() == cli_docs.page()


@pytest.mark.parametrize(("words", "command"), list(cli_docs.commands()))
def test_every_command_and_parameter_says_what_it_does(words, command):
    assert command.help, words
    for parameter in command.params:
        assert getattr(parameter, "help", ""), f"{words} {parameter.name}"


def test_wrong_usage_is_2_and_failure_is_1(tmp_path):
    assert aiops("lake", "query").returncode == 2
    failed = aiops("lake", "query", "select 1", "--lake", tmp_path / "none", "--json")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert "is no lake" in failed.stderr


REQUEST = {"resourceSpans": [{
    "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "cart"}}]},
    "scopeSpans": [{"spans": [{
        "traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331", "name": "GET",
        "kind": 2, "startTimeUnixNano": "1700000000000000000",
        "endTimeUnixNano": "1700000000005000000"}]}]}]}


def test_a_collectors_file_is_ingested_and_queried(tmp_path):
    (tmp_path / "traces.jsonl").write_text(json.dumps(REQUEST) + "\n")
    lake = tmp_path / "lake"
    counts = json.loads(aiops("ingest", tmp_path / "traces.jsonl", "--lake", lake, "--json").stdout)
    assert counts["spans"] == 1
    sql = "select service_name, kind, duration_ns from spans"
    rows = json.loads(aiops("lake", "query", sql, "--lake", lake, "--json").stdout)
    assert rows == [{"service_name": "cart", "kind": "server", "duration_ns": 5_000_000}]


def test_receive_stores_what_is_sent_and_ends_on_sigterm(tmp_path):
    import httpx

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
    rows = json.loads(aiops("lake", "query", "select name from spans", "--lake", lake,
                            "--json").stdout)
    assert rows == [{"name": "GET"}]


def test_bench_prints_the_figures_alone(aiops_data):
    run = aiops("bench", "rca", aiops_data / "rca" / "rcd-sockshop", "--ranker", "baro", "--json")
    figures = {(f["slice"], f["metric"]): f["value"] for f in json.loads(run.stdout)}
    assert figures["fault=cpu", "avg@5"] >= 0.98
    assert figures["fault=mem", "avg@5"] >= 0.98
