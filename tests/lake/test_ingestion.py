"""Files into the lake: once each, whole or not at all, whatever breaks off and who else writes."""

from __future__ import annotations

import gzip
import json
import shutil
import signal
import subprocess
import sys

import pytest

import aiops.lake
from aiops.errors import InputError
from aiops.lake import ingestion
from aiops.lake.store import COMMITTED, Batch, Store
from aiops.otlp import decode, files
from tests import sent

NOTHING = dict.fromkeys(ingestion.COUNTS, 0)


def request(name):
    """Two spans of a service, one with an attribute."""
    return sent.traces([sent.span("cart", 1_790_000_000_000_000_000, name=name),
                        sent.span("cart", 0, name=name, told={"k": 1})])


def write(folder, *names):
    """A file of one request a name."""
    writer = files.Writer(folder)
    for name in names:
        writer("traces", request(name))
    [path] = writer.close()
    return path


@pytest.fixture
def lake(tmp_path, monkeypatch):
    monkeypatch.setattr(ingestion, "BATCH_BYTES", 1)  # a part a request
    return aiops.lake.open(tmp_path / "lake")


def names(lake):
    return lake.sql("SELECT name FROM spans ORDER BY row_id")["name"].tolist()


def test_counts_what_it_took_and_what_it_refused(lake, tmp_path):
    path = write(tmp_path / "raw", "a", "b")
    path.write_bytes(path.read_bytes()[:-3])
    assert lake.ingest(tmp_path / "raw") == {**NOTHING, "requests": 1, "spans": 2, "refused": 1}
    assert names(lake) == ["a", "a"]
    with pytest.raises(InputError, match="no OTLP files"):
        lake.ingest(tmp_path / "lake" / "spans")


def test_the_same_bytes_are_added_once_whatever_the_file_is_called(lake, tmp_path):
    path = write(tmp_path / "raw", "a", "b")
    assert lake.ingest(path)["spans"] == 4
    assert lake.ingest(path) == {**NOTHING, "already_there": 1}
    shutil.copy(path, path.with_name("more-traces.otlp"))
    assert lake.ingest(tmp_path / "raw") == {**NOTHING, "already_there": 2}
    assert aiops.lake.open(lake.path).ingest(path)["already_there"] == 1
    assert names(lake) == ["a", "a", "b", "b"]


def test_other_bytes_are_another_file(lake, tmp_path):
    path = write(tmp_path / "raw", "a")
    packed = path.with_suffix(".otlp.gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert lake.ingest(tmp_path / "raw")["spans"] == 4


def test_a_file_that_gave_nothing_is_tried_again(lake, tmp_path):
    path = tmp_path / "traces.jsonl"
    path.write_text("{bad\n")
    for _ in range(2):
        assert lake.ingest(path) == {**NOTHING, "refused": 1}
    assert list((lake.path / ".staging").iterdir()) == []


def _fail(*args):
    raise OSError("crash")


@pytest.mark.parametrize("where", ["second part", "commit", "publish"])
def test_a_failure_leaves_all_or_none_and_the_next_run_makes_it_all(
        lake, tmp_path, monkeypatch, where):
    path, add = write(tmp_path / "raw", "a", "b", "c"), Batch.add

    def add_one(batch, tables):
        return _fail() if batch.parts else add(batch, tables)

    with monkeypatch.context() as patch:
        if where == "second part":
            patch.setattr(Batch, "add", add_one)
        else:
            patch.setattr(*{"commit": (Batch, "commit"), "publish": (Store, "_publish")}[where],
                          _fail)
        with pytest.raises(OSError, match="crash"):
            lake.ingest(path)
        assert names(lake) == []
    committed = where == "publish"
    assert lake.ingest(path)["already_there"] == committed
    assert names(lake) == ["a", "a", "b", "b", "c", "c"]
    assert lake.sql("FROM spans")["row_id"].is_unique
    assert len(lake.sql("FROM span_attributes JOIN spans USING (row_id)")) == 3
    assert list((lake.path / ".staging").iterdir()) == []


KILLED = """
import os, pathlib, signal, sys
import aiops.lake
from aiops.lake import ingestion, store
ingestion.BATCH_BYTES = 1
add, moves = store.Batch.add, []

def die():
    os.kill(os.getpid(), signal.SIGKILL)

if sys.argv[3] == "writing":
    store.Batch.add = lambda batch, tables: die() if batch.parts else add(batch, tables)
else:  # the second file has been moved into place
    sync = store._sync
    def count(folder):
        moves.append(folder.parts)
        if sum(".staging" not in parts and "files" not in parts for parts in moves) > 6:
            die()
        sync(folder)
    store._sync = count
aiops.lake.open(sys.argv[1]).ingest(sys.argv[2])
"""


@pytest.mark.parametrize("when", ["writing", "moving"])
def test_a_kill_leaves_all_or_none_and_the_next_run_makes_it_all(lake, tmp_path, when):
    path = write(tmp_path / "raw", "a", "b", "c")
    command = [sys.executable, "-c", KILLED, str(lake.path), str(path), when]
    assert subprocess.run(command, timeout=60).returncode == -signal.SIGKILL
    [left] = (lake.path / ".staging").iterdir()
    assert (left / COMMITTED).exists() == (when == "moving")
    assert lake.ingest(path)["already_there"] == (when == "moving")
    assert names(lake) == ["a", "a", "b", "b", "c", "c"]
    assert lake.sql("FROM spans")["row_id"].is_unique
    assert list((lake.path / ".staging").iterdir()) == []


def test_others_append_while_a_batch_is_written_and_neither_is_lost(lake):
    with lake._store.batch() as batch:
        batch.add(decode("traces", request("slow")))
        aiops.lake.open(lake.path).append(decode("traces", request("quick")))
        assert names(lake) == ["quick", "quick"]
        batch.add(decode("traces", request("slow")))
    assert sorted(names(lake)) == ["quick"] * 2 + ["slow"] * 4
    assert lake.sql("FROM spans")["row_id"].is_unique


INGEST = "import json, sys, aiops.lake\nfrom aiops.lake import ingestion\n" \
         "ingestion.BATCH_BYTES = 1\n" \
         "print(json.dumps(aiops.lake.open(sys.argv[1]).ingest(sys.argv[2])))"


def ingest_at_once(lake, *paths):
    command = [sys.executable, "-c", INGEST, str(lake.path)]
    running = [subprocess.Popen([*command, str(path)], stdout=subprocess.PIPE, text=True)
               for path in paths]
    answers = [process.communicate(timeout=120)[0] for process in running]
    assert [process.returncode for process in running] == [0] * len(paths)
    return [json.loads(answer) for answer in answers]


def test_two_processes_that_ingest_at_once_lose_nothing(lake, tmp_path):
    paths = [write(tmp_path / name, *[f"{name}{i}" for i in range(20)]) for name in "xy"]
    counts = ingest_at_once(lake, *paths)
    assert [c["spans"] for c in counts] == [40, 40]
    assert sorted(names(lake)) == sorted(2 * [f"{name}{i}" for name in "xy" for i in range(20)])
    assert lake.sql("FROM spans")["row_id"].is_unique
    joined = lake.sql("SELECT name FROM spans JOIN span_attributes USING (row_id)")
    assert joined["name"].is_unique
    assert len(joined) == 40


def test_two_processes_with_the_same_files_add_each_once(lake, tmp_path):
    for i in range(6):
        write(tmp_path / "raw" / str(i), *[f"{i}-{j}" for j in range(4)])
    counts = ingest_at_once(lake, tmp_path / "raw", tmp_path / "raw")
    assert sum(c["spans"] for c in counts) == 48 == len(names(lake))
    assert sum(c["already_there"] for c in counts) == 6
    assert list((lake.path / ".staging").iterdir()) == []


def test_a_file_that_another_was_quicker_with_is_left_out(lake, tmp_path, monkeypatch):
    path = write(tmp_path / "raw", "a")
    monkeypatch.setattr(Store, "has", lambda store, file: False)  # asked just before
    assert lake.ingest(path)["spans"] == 2
    assert lake.ingest(path) == {**NOTHING, "already_there": 1}
    assert names(lake) == ["a", "a"]


def test_a_file_in_which_signals_alternate_becomes_few_parts(tmp_path):
    lines = [{"resourceSpans": [{"scopeSpans": [{"spans": [{"name": "a"}]}]}]},
             {"resourceLogs": [{"scopeLogs": [{"logRecords": [{}]}]}]}]
    (tmp_path / "all.otlp.jsonl").write_text("".join(json.dumps(x) + "\n" for x in lines * 50))
    lake = aiops.lake.open(tmp_path / "lake")
    counts = lake.ingest(tmp_path / "all.otlp.jsonl")
    assert (counts["requests"], counts["spans"], counts["logs"]) == (100, 50, 50)
    assert (len(lake.sql("FROM spans")), len(lake.sql("FROM logs"))) == (50, 50)
    assert len(list((lake.path / "spans").rglob("*.parquet"))) == 2  # with the empty one


@pytest.mark.parametrize(("name", "taken"), [
    ("traces.otlp", True), ("logs.jsonl.gz", True), ("my-metrics.json.zst", True),
    ("all.otlp.jsonl", True), ("telemetry.otlp", True), ("recording.json", False),
    ("load.parquet", False), ("traces.txt", False), ("notes.otlp.md", False)])
def test_a_folders_otlp_is_told_by_its_name(tmp_path, name, taken):
    (tmp_path / name).touch()
    if taken:
        assert ingestion.files_of(tmp_path) == [tmp_path / name]
    else:
        with pytest.raises(InputError, match=r"all\.otlp\.jsonl"):
            ingestion.files_of(tmp_path)
