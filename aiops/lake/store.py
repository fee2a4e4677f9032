"""Parquet files of a lake: ``<table>/date=YYYY-MM-DD/hour=HH/<batch>.parquet``, UTC.

A batch is written whole into ``.staging/<batch>``, marked committed there, then moved
into place file by file. Whoever takes the lock next finishes a committed move that a
crash broke off, and removes what nobody is writing any more: after that all tables of a
batch are there, or none. With them comes, when the batch is one of a file, the record
``files/<hash>`` that the file is there. Rows without a time lie under 1970-01-01.

The lake's lock is held to begin and to commit a batch, not while it is written; a batch
being written is told from one that a crash left by a lock on its own folder.
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
FILES = "files"  # folder of the records which files are there
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
        """Add tables; the first of their row ids. Nothing is there when it raises."""
        with self.batch() as batch:
            return batch.add(tables)

    @contextmanager
    def batch(self, file: str | None = None) -> Iterator[Batch]:
        """Tables that appear together when the block ends, or not at all when it raises.

        ``file`` is the hash of the file they are of: where the lake has it by then, they
        are left out, and ``batch.committed`` is False.
        """
        folder = self.staging / uuid.uuid4().hex
        with self.locked():
            folder.mkdir()
            writing = _lock(folder)
        batch = Batch(self, folder)
        try:
            yield batch
            with self.locked():
                if batch.parts and not (file and self._record(file).exists()):
                    batch.commit(file)
                    self._publish(folder)
        finally:
            if not batch.committed:
                shutil.rmtree(folder, ignore_errors=True)
            os.close(writing)

    def has(self, file: str) -> bool:
        """Whether the file of this hash is there."""
        with self.locked():
            return self._record(file).exists()

    def _record(self, file: str) -> Path:
        return self.path / FILES / file

    def reserve(self, tables: dict[str, pa.Table]) -> int:
        """Take the row ids of tables that count from 0; the first."""
        with self.locked():
            first = self._next_row_id()
            self._reserve(first + max([0, *(_last_row_id(t) + 1 for t in tables.values())]))
        return first

    @contextmanager
    def locked(self) -> Iterator[None]:
        with open(self.path / ".lock", "a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            self._recover()
            yield

    def _recover(self) -> None:
        for batch in filter(Path.is_dir, self.staging.iterdir()):
            try:
                handle = _lock(batch)
            except BlockingIOError:  # being written
                continue
            if (batch / COMMITTED).exists():
                self._publish(batch)
            else:
                shutil.rmtree(batch)
            os.close(handle)

    def _publish(self, batch: Path) -> None:
        for name in [*_ORDER, FILES]:
            for file in sorted(f for f in (batch / name).rglob("*") if f.is_file()):
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


class Batch:
    """Parts written into a folder of the staging area, to be published together."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.folder, self.parts, self.committed = folder, 0, False
        self._store = store

    def add(self, tables: dict[str, pa.Table]) -> int:
        """Write tables whose row ids count from 0; the first of those they were given."""
        tables = {name: _checked(name, table) for name, table in tables.items()}
        first = self._store.reserve(tables)
        for name, table in tables.items():
            for hour, part in _hours(name, _shift(table, first)):
                path = self.folder / name / hour / f"{self.folder.name}-{self.parts}.parquet"
                path.parent.mkdir(parents=True, exist_ok=True)
                _write(part, path)
        self.parts += 1
        return first

    def commit(self, file: str | None) -> None:
        """From here on the batch is in the lake, whatever happens."""
        if file:
            (self.folder / FILES).mkdir()
            (self.folder / FILES / file).touch()
        (self.folder / COMMITTED).touch()
        _sync(self.folder)
        self.committed = True


def _lock(folder: Path) -> int:
    """A handle that holds the folder's lock until closed; BlockingIOError where another does."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise
    return handle


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
