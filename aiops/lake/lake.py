"""A lake: append tables or OTLP files, ask SQL, cut a Case."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pandas as pd
import pyarrow as pa

from aiops.errors import InputError, UsageError
from aiops.lake import cases, ingestion, views
from aiops.lake.frames import to_frame
from aiops.lake.store import Store
from aiops.schema import LAKE

if TYPE_CHECKING:
    from aiops.case import Case

Window = tuple[Any, Any]
_MISSPELT = (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException)


def open(path: str | os.PathLike[str], create: bool = True) -> Lake:
    """The lake at a folder; made when it is not there, unless ``create`` is false."""
    folder = Path(path)
    if not create and not (folder / "spans").is_dir():
        raise UsageError(
            f"{folder} is no lake: it has no 'spans' folder. Give the folder that "
            f"`aiops ingest` wrote, or open it with create=True."
        )
    return Lake(folder)


class Lake:
    """Tables of ``schema.LAKE`` in one folder; ``connection`` holds a DuckDB view of each.

    Beside these the views ``span_peers`` (row_id, peer), whom a client or producer span says
    that it calls, and ``span_calls``, a row a call: row_id of the span that measured it, client
    (it is the caller's), caller, callee, protocol, start_time, duration_ns, status_code.

    In the views ids are lower-case hex text, ``kind`` and ``status_code`` words, times
    ``TIMESTAMPTZ_NS``. Any number of processes may append and read at once. One that may not
    write there reads what lies there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._store = Store(path)
        if os.access(path, os.W_OK) or not path.exists():
            self._store.create()
        self.connection = duckdb.connect()
        for table in LAKE:
            self.connection.execute(views.view(path, table))
        for statement in views.CALLS:
            self.connection.execute(statement)

    def append(self, tables: dict[str, pa.Table]) -> int:
        """Add decoded tables, all or none; the first row id given to them."""
        return self._store.append(tables)

    def ingest(self, path: str | os.PathLike[str]) -> dict[str, int]:
        """Decode and append an OTLP file, or every file of a folder, each whole or not at all.

        Counts what was added (spans, logs, metrics: data points), ``requests``, those
        ``refused``, which are logged with the reason, and the files that were
        ``already_there``: a file of the same bytes is added once. A file that grew since is
        another file.
        """
        counts: Counter[str] = Counter(dict.fromkeys(ingestion.COUNTS, 0))
        for file in ingestion.files_of(Path(path)):
            counts.update(ingestion.ingest(self._store, file))
        return dict(counts)

    def sql(self, query: str) -> pd.DataFrame:
        """The answer as a frame; times are tz-aware, to the nanosecond.

        Raises:
            UsageError: the query is no SQL, or names what there is not. InputError: it failed.
        """
        try:
            return to_frame(self.connection, query)
        except duckdb.Error as error:
            kind = UsageError if isinstance(error, _MISSPELT) else InputError
            raise kind(
                f"The query failed: {error}. The lake's views are {', '.join(LAKE)}, "
                "span_peers, span_calls."
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
        """Cut an incident: spans, logs, metrics and topology within the windows.

        Raises:
            CaseError: a time is none, or has no zone.
        """
        return cases.cut(self.connection, normal, abnormal, detected_at=detected_at,
                         entry_service=entry_service, symptom=symptom, suspects=suspects)


def _text(time: Any) -> str | None:
    return None if pd.isna(time) else str(time)
