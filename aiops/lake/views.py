"""DuckDB views, one a table of ``schema.LAKE``: ids as hex, enumerations as words.

``span_peers`` beside them is the one rule for whom a span calls, for Cases and features alike.
"""

from __future__ import annotations

from pathlib import Path

from opentelemetry.proto.trace.v1 import trace_pb2

from aiops.schema import LAKE

_IDS = ("trace_id", "span_id", "parent_span_id")
_FIRST_SEEN = {  # a resource is written with every batch that names it
    "resources": ("resource_id", "first_seen"), "scopes": ("scope_id", "first_seen"),
    "resource_attributes": (None, "time"), "scope_attributes": (None, "time"),
}

# Who a call is made to, as the span itself tells. A bare address (10.0.0.7) tells less than
# the system that answers there; brokers of one messaging system are one peer.
SPAN_PEERS = """
CREATE VIEW span_peers AS
WITH told AS (
    SELECT row_id,
           max(string) FILTER (WHERE key = 'peer.service') AS service,
           max(string) FILTER (WHERE key = 'messaging.system') AS messaging,
           coalesce(max(string) FILTER (WHERE key = 'server.address'),
                    max(string) FILTER (WHERE key = 'net.peer.name')) AS address,
           coalesce(max(string) FILTER (WHERE key = 'db.system.name'),
                    max(string) FILTER (WHERE key = 'db.system')) AS db
    FROM span_attributes
    WHERE key IN ('peer.service', 'messaging.system', 'server.address', 'net.peer.name',
                  'db.system.name', 'db.system')
    GROUP BY row_id
), named AS (
    SELECT row_id, coalesce(
        service, messaging,
        CASE WHEN NOT regexp_matches(address, '^[0-9.]+$|:|^localhost$') THEN address END,
        db, address) AS peer
    FROM told
)
SELECT row_id, peer FROM named JOIN spans USING (row_id)
WHERE peer IS NOT NULL AND kind IN ('client', 'producer')
"""


def view(path: Path, table: str) -> str:
    """The statement that makes one view; files are looked up anew by every query."""
    files = str(path / table / "*" / "*" / "*.parquet").replace("'", "''")
    source = f"read_parquet('{files}', hive_partitioning = false)"
    columns = [_column(name) for name in LAKE[table].names]
    if table in _FIRST_SEEN:
        return f"CREATE VIEW {table} AS {_distinct(table, source)}"
    return f"CREATE VIEW {table} AS SELECT {', '.join(columns)} FROM {source}"


def _column(name: str) -> str:
    if name in _IDS:
        return f"lower(hex({name})) AS {name}"
    if name == "kind":
        return f"{_words(name, 'SPAN_KIND_', trace_pb2.Span.SpanKind)} AS kind"
    if name == "status_code":
        codes = _words("coalesce(status_code, 0)", "STATUS_CODE_", trace_pb2.Status.StatusCode)
        return f"{codes} AS status_code"
    return f'"{name}"'


def _words(value: str, prefix: str, numbers: object) -> str:
    cases = " ".join(
        f"WHEN {number} THEN '{name.removeprefix(prefix).lower()}'"
        for name, number in numbers.items()  # type: ignore[attr-defined]
    )
    return f"CASE {value} {cases} ELSE CAST({value} AS VARCHAR) END"


def _distinct(table: str, source: str) -> str:
    _, seen = _FIRST_SEEN[table]
    columns = ", ".join(
        f'min("{name}") AS "{name}"' if name == seen else f'"{name}"'
        for name in LAKE[table].names
    )
    return f"SELECT {columns} FROM {source} GROUP BY ALL"
