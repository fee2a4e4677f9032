"""``aiops featurize`` writes both tables of a lake, whole."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from aiops import lake, schema

NS = 1_767_225_600_000_000_000  # 2026-01-01


def row(table: str, **values: object) -> pa.Table:
    kind = schema.LAKE[table]
    return pa.Table.from_pylist([{name: values.get(name) for name in kind.names}], schema=kind)


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "aiops", "featurize", *words, "--json"],
                          capture_output=True, text=True, timeout=120)


def test_features_of_one_request(tmp_path: Path) -> None:
    tables = {name: kind.empty_table() for name, kind in schema.LAKE.items()}
    tables["spans"] = row("spans", row_id=0, service_name="cart", trace_id=b"t" * 16,
                          span_id=b"s" * 8, parent_span_id=b"", name="GET /", kind=2,
                          start_time=NS, end_time=NS + 5, duration_ns=5, status_code=0)
    lake.open(tmp_path / "lake").append(tables)
    answer = run("--lake", str(tmp_path / "lake"), "--out", str(tmp_path), "--window", "5")
    assert answer.returncode == 0, answer.stderr
    assert [made["rows"] for made in json.loads(answer.stdout)] == [1, 0]
    features = pq.read_table(tmp_path / "features.parquet")
    assert features["request_count"].to_pylist() == [1]
    assert features["window_s"].to_pylist() == [5.0]
    assert not list(tmp_path.glob("*.part"))


def test_no_lake_is_wrong_usage(tmp_path: Path) -> None:
    answer = run("--lake", str(tmp_path / "none"))
    assert answer.returncode == 2
    assert "is no lake" in answer.stderr
