"""DuckDB views, one a table of ``schema.LAKE``: ids as hex, enumerations as words.

Beside them ``span_peers``, whom a span says that it calls, and ``span_calls``, who called whom:
the one rule for Cases and features alike.
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

# One row a call from one service to another, or to a database or external that sends no
# telemetry. Joined on (trace id, span id): a span id alone is not unique. A call is measured
# at the caller's client or producer span (``client``), which sees the network and a callee that
# never answered; where the caller made none, at the callee's span. Who answered is the callee,
# whatever the caller's span calls it.
_CALLS = """
WITH told AS (
    SELECT row_id,
           max(string) FILTER (WHERE key IN ('db.system.name', 'db.system')) AS db,
           max(string) FILTER (WHERE key IN ('rpc.system.name', 'rpc.system')) AS rpc,
           max(string) FILTER (WHERE key = 'messaging.system') AS messaging,
           bool_or(key IN ('http.request.method', 'http.method')) AS http
    FROM span_attributes
    WHERE key IN ('db.system.name', 'db.system', 'rpc.system.name', 'rpc.system',
                  'messaging.system', 'http.request.method', 'http.method')
    GROUP BY row_id
), described AS (
    SELECT s.*, peer, coalesce(db, rpc, messaging, CASE WHEN http THEN 'http' END) AS protocol
    FROM {spans} AS s LEFT JOIN told USING (row_id) LEFT JOIN span_peers USING (row_id)
    WHERE service_name IS NOT NULL
), pairs AS (
    SELECT p.row_id AS caller_row, c.row_id AS callee_row,
           p.kind IN ('client', 'producer') AS outgoing,
           p.service_name AS caller, c.service_name AS callee, c.kind AS callee_kind
    FROM described AS p JOIN described AS c
      ON c.trace_id = p.trace_id AND c.parent_span_id = p.span_id
), answers AS (
    SELECT DISTINCT caller_row, callee FROM pairs
    WHERE outgoing AND (callee <> caller OR callee_kind IN ('server', 'consumer'))
), wrappers AS (  -- a client span round another one is no call of its own
    SELECT DISTINCT caller_row FROM pairs
    WHERE outgoing AND callee = caller AND callee_kind IN ('client', 'producer')
), every AS (
    SELECT s.row_id, true AS client, s.service_name AS caller, coalesce(a.callee, s.peer) AS callee,
           s.protocol, s.start_time, s.duration_ns, s.status_code
    FROM described AS s LEFT JOIN answers AS a ON a.caller_row = s.row_id
    WHERE s.kind IN ('client', 'producer')
      AND (a.callee IS NOT NULL OR s.row_id NOT IN (SELECT caller_row FROM wrappers))
    UNION ALL
    SELECT s.row_id, false, caller, callee, s.protocol, s.start_time, s.duration_ns, s.status_code
    FROM pairs JOIN described AS s ON s.row_id = callee_row
    WHERE NOT outgoing AND callee <> caller
)
SELECT * FROM every WHERE callee <> caller
"""


def calls(spans: str = "spans") -> str:
    """The query for the calls among the spans of a view, or of some rows of it."""
    return _CALLS.format(spans=spans)


CALLS = (SPAN_PEERS, f"CREATE VIEW span_calls AS {calls()}")


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
