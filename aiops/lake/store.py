"""Parquet files of a lake: ``<table>/date=YYYY-MM-DD/hour=HH/<batch>.parquet``, UTC.

A batch is written whole into ``.staging/<batch>``, marked committed there, then moved
into place file by file. Whoever takes the lock next finishes a committed move that a
crash broke off, and removes what was not committed: after that all tables of a batch are
there, or none. Rows without a time lie under 1970-01-01.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from aiops.errors import InputError, SchemaError
from aiops.schema import LAKE

COMMITTED = "COMMITTED"
_HOUR_NS = 3600 * 10**9
_TIME = {"resources": "first_seen", "scopes": "first_seen", "spans": "start_time"}
_ROW_IDS = ("row_id", "span_row_id", "metric_row_id")
# Owners last, so that a reader during a move sees no span without its attributes.
_ORDER = sorted(LAKE, key=lambda table: table in ("spans", "logs", "metrics"))


class Store:
    """The folder of a lake; any number of processes may append."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.staging = path / ".staging"
        self._counter = path / "row_ids"

    def create(self) -> None:
        """Make the folder, with one empty file a table so that every view exists."""
        self.staging.mkdir(parents=True, exist_ok=True)
        with self.locked():
            for name, schema in LAKE.items():
                target = self.path / name / "date=1970-01-01" / "hour=00" / "empty.parquet"
                if not target.exists():
                    target.parent.mkdir(parents=True, exist_ok=True)
                    staged = self.staging / f"{name}.empty"
                    _write(schema.empty_table(), staged)
                    staged.replace(target)

    def append(self, tables: dict[str, pa.Table]) -> int:
        """Add a batch; the first of its row ids. Nothing is there when it raises."""
        tables = {name: _checked(name, table) for name, table in tables.items()}
        with self.locked():
            first = self._next_row_id()
            tables = {name: _shift(table, first) for name, table in tables.items()}
            self._reserve(max([first, *(_last_row_id(t) + 1 for t in tables.values())]))
            batch = self.staging / uuid.uuid4().hex
            try:
                self._stage(batch, tables)
            except BaseException:
                shutil.rmtree(batch, ignore_errors=True)
                raise
            self._publish(batch)
        return first

    @contextmanager
    def locked(self) -> Iterator[None]:
        with open(self.path / ".lock", "a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            self._recover()
            yield

    def _recover(self) -> None:
        for batch in self.staging.iterdir():
            if (batch / COMMITTED).exists():
                self._publish(batch)
            elif batch.is_dir():
                shutil.rmtree(batch)

    def _stage(self, batch: Path, tables: dict[str, pa.Table]) -> None:
        batch.mkdir()
        for name, table in tables.items():
            for hour, part in _hours(name, table):
                path = batch / name / hour / f"{batch.name}.parquet"
                path.parent.mkdir(parents=True)
                _write(part, path)
        (batch / COMMITTED).touch()
        _sync(batch)

    def _publish(self, batch: Path) -> None:
        for name in _ORDER:
            for file in sorted((batch / name).rglob("*.parquet")):
                target = self.path / file.relative_to(batch)
                target.parent.mkdir(parents=True, exist_ok=True)
                file.replace(target)
                _sync(target.parent)
        shutil.rmtree(batch)

    def _next_row_id(self) -> int:
        if not self._counter.exists():
            return 0
        text = self._counter.read_text()
        if not text.isdigit():
            raise InputError(f"{self._counter} must hold a whole number. Got {text[:40]!r}.")
        return int(text)

    def _reserve(self, next_row_id: int) -> None:
        staged = self._counter.with_suffix(".tmp")
        with open(staged, "w") as file:
            file.write(str(next_row_id))
            file.flush()
            os.fsync(file.fileno())
        staged.replace(self._counter)
        _sync(self.path)


def _checked(name: str, table: pa.Table) -> pa.Table:
    if name not in LAKE:
        raise SchemaError(f"A lake has no table {name!r}. Its tables are {', '.join(LAKE)}.")
    if table.schema != LAKE[name]:
        raise SchemaError(
            f"Table {name!r} must have the columns of schema.LAKE[{name!r}]. "
            f"Got {table.schema.names}; expected {LAKE[name].names} with their types."
        )
    return table


def _shift(table: pa.Table, by: int) -> pa.Table:
    for name in _ROW_IDS:
        if name in table.schema.names:
            i = table.schema.get_field_index(name)
            table = table.set_column(i, table.schema.field(i), pc.add(table[name], by))
    return table


def _last_row_id(table: pa.Table) -> int:
    if "row_id" not in table.schema.names or not len(table):
        return -1
    return int(pc.max(table["row_id"]).as_py())


def _hours(name: str, table: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """(folder, rows) of each hour."""
    times = table[_TIME.get(name, "time")].cast(pa.int64()).fill_null(0)
    hours = pc.divide(times, _HOUR_NS)
    for hour in pc.unique(hours).to_pylist():
        start = pa.scalar(hour * _HOUR_NS, pa.timestamp("ns", "UTC"))
        folder = pc.strftime(start, "date=%Y-%m-%d/hour=%H").as_py()
        yield folder, table.filter(pc.equal(hours, hour))


def _write(table: pa.Table, path: Path) -> None:
    words = [f.name for f in table.schema if pa.types.is_dictionary(f.type)]
    pq.write_table(table, path, compression="zstd", use_dictionary=words)
    with open(path, "rb") as file:
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
