"""A lake: append tables or OTLP files, ask SQL, cut a Case."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pandas as pd
import pyarrow as pa

from aiops.errors import DecodeError, InputError
from aiops.lake import cases, views
from aiops.lake.frames import to_frame
from aiops.lake.store import Store
from aiops.otlp import decode, files
from aiops.schema import LAKE

if TYPE_CHECKING:
    from aiops.case import Case

log = logging.getLogger(__name__)
BATCH_BYTES = 8 * 2**20
Window = tuple[Any, Any]


def open(path: str | os.PathLike[str], create: bool = True) -> Lake:
    """The lake at a folder; made when it is not there, unless ``create`` is false."""
    folder = Path(path)
    if not create and not (folder / "spans").is_dir():
        raise InputError(
            f"{folder} is no lake: it has no 'spans' folder. Give the folder that "
            f"`aiops ingest` wrote, or open it with create=True."
        )
    return Lake(folder)


class Lake:
    """Tables of ``schema.LAKE`` in one folder; ``connection`` holds a DuckDB view of each.

    In the views ids are lower-case hex text, ``kind`` and ``status_code`` words, times
    ``TIMESTAMPTZ_NS``. Any number of processes may append and read at once.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._store = Store(path)
        self._store.create()
        self.connection = duckdb.connect()
        for table in LAKE:
            self.connection.execute(views.view(path, table))

    def append(self, tables: dict[str, pa.Table]) -> int:
        """Add decoded tables, all or none; the first row id given to them."""
        return self._store.append(tables)

    def ingest(self, path: str | os.PathLike[str]) -> dict[str, int]:
        """Decode and append an OTLP file, or every file of a folder.

        Counts what was added (spans, logs, metrics: data points), ``requests``, and those
        ``refused``, which are logged with the reason. Ingesting a file again adds it again.
        """
        counts: Counter[str] = Counter(dict.fromkeys(
            ("requests", "spans", "logs", "metrics", "refused"), 0))

        def refuse(error: DecodeError) -> None:
            counts["refused"] += 1
            log.warning("refused: %s", error)

        for file in _files(Path(path)):
            for signal, requests in _batches(files.read(file, on_error=refuse)):
                tables = decode(signal, requests)
                self.append(tables)
                counts["requests"] += len(requests)
                counts.update({t: len(tables[t]) for t in ("spans", "logs", "metrics")})
        return dict(counts)

    def sql(self, query: str) -> pd.DataFrame:
        """The answer as a frame; times are tz-aware, to the nanosecond."""
        try:
            return to_frame(self.connection, query)
        except duckdb.Error as error:
            raise InputError(
                f"The query failed: {error}. The lake's views are {', '.join(LAKE)}."
            ) from error

    def info(self) -> dict[str, Any]:
        """Rows a table, the span of time, services, and bytes on disk."""
        rows = {t: int(self.sql(f"SELECT count(*) AS n FROM {t}")["n"][0]) for t in LAKE}
        seen = self.sql(
            "SELECT min(t) AS first, max(t) AS last FROM (SELECT start_time AS t FROM spans "
            "UNION ALL SELECT time FROM logs UNION ALL SELECT time FROM metrics)")
        services = self.sql("SELECT DISTINCT service_name AS s FROM resources "
                            "WHERE service_name IS NOT NULL ORDER BY s")
        return {
            "path": str(self.path), "rows": rows,
            "start": _text(seen["first"][0]), "end": _text(seen["last"][0]),
            "services": services["s"].tolist(),
            "bytes": sum(f.stat().st_size for f in self.path.glob("*/date=*/*/*.parquet")),
        }

    def case(self, normal: Sequence[Window], abnormal: Window, detected_at: Any = None,
             entry_service: str | None = None, symptom: Any = None,
             suspects: Sequence[str] | None = None) -> Case:
        """Cut an incident: spans, logs, metrics and topology within the windows."""
        return cases.cut(self.connection, normal, abnormal, detected_at=detected_at,
                         entry_service=entry_service, symptom=symptom, suspects=suspects)


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    found = [f for f in sorted(path.rglob("*")) if f.is_file() and _is_otlp(f.name)]
    if not found:
        raise InputError(
            f"{path} holds no OTLP files. Expected names such as traces.otlp, logs.jsonl, "
            f"metrics.json, with .gz or .zst if compressed."
        )
    return found


def _is_otlp(name: str) -> bool:
    stem = name.removesuffix(".gz").removesuffix(".zst")
    signals = ("trace", "log", "metric")
    return stem.endswith((".otlp", ".jsonl", ".json", ".proto", ".pb")) and any(
        signal in stem for signal in signals)


def _batches(requests: Iterator[tuple[str, bytes]]) -> Iterator[tuple[str, list[bytes]]]:
    """Requests of one signal together, some megabytes at a time."""
    signal, size = "", 0
    batch: list[bytes] = []
    for found, data in requests:
        if batch and (found != signal or size + len(data) > BATCH_BYTES):
            yield signal, batch
            batch, size = [], 0
        signal = found
        batch.append(data)
        size += len(data)
    if batch:
        yield signal, batch


def _text(time: Any) -> str | None:
    return None if pd.isna(time) else str(time)
