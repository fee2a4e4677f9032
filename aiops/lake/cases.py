"""A Case, cut out of the lake by SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb
import pandas as pd

from aiops.case import Case, timestamp
from aiops.lake.frames import to_frame
from aiops.lake.views import calls

# A trace is in a window when its first span is; its other spans come with it.
_TRACES = """
WITH first AS (
    SELECT trace_id FROM spans WHERE trace_id IS NOT NULL
    GROUP BY trace_id HAVING {within_first}
), cut AS (SELECT spans.* FROM spans SEMI JOIN first USING (trace_id)),
calls AS ({calls}),
called AS (  -- by the span that measured it: whom it calls, or who calls it
    SELECT row_id, list(DISTINCT callee ORDER BY callee) FILTER (WHERE client) AS callees,
           any_value(caller) FILTER (WHERE NOT client) AS caller
    FROM calls GROUP BY row_id
), attributes AS (
    SELECT row_id, map_from_entries(list(struct_pack(k := key, v := value))) AS attributes
    FROM (SELECT row_id, key, any_value({text}) AS value FROM span_attributes
          SEMI JOIN cut USING (row_id) GROUP BY row_id, key ORDER BY row_id, key)
    WHERE value IS NOT NULL GROUP BY row_id
)
SELECT trace_id, span_id, parent_span_id, service_name AS service, name AS operation,
       start_time AS start, duration_ns, kind, status_code,
       callees[1] AS peer_service, attributes, callees, caller
FROM cut LEFT JOIN attributes USING (row_id) LEFT JOIN called USING (row_id)
WHERE service_name IS NOT NULL AND start_time IS NOT NULL AND duration_ns IS NOT NULL
ORDER BY start_time, row_id
"""
_LOGS = """
SELECT time, service_name AS service, coalesce(severity_number, 0) AS severity_number,
       coalesce(body, '') AS body, trace_id, span_id
FROM logs WHERE service_name IS NOT NULL AND {within} ORDER BY time, row_id
"""
# One series a service, metric and set of attributes: name{key=value,...}. Points that
# hold a distribution become <name>.count and <name>.mean; a metric about calls keeps its peer.
_METRICS = """
WITH cut AS (SELECT * FROM metrics WHERE service_name IS NOT NULL AND {within}),
labels AS (
    SELECT row_id, '{{' || string_agg(key || '=' || {text}, ',' ORDER BY key) || '}}' AS label,
           coalesce(any_value(string) FILTER (key = 'peer.service'),
                    any_value(string) FILTER (key = 'server.address')) AS peer
    FROM metric_attributes SEMI JOIN cut USING (row_id) WHERE type NOT IN ('bytes', 'empty')
    GROUP BY row_id
), named AS (
    SELECT cut.*, coalesce(label, '') AS label, r.service_instance_id AS instance,
           nullif(peer, cut.service_name) AS peer_service
    FROM cut LEFT JOIN labels USING (row_id) LEFT JOIN resources r USING (resource_id)
), long AS (
    SELECT time, service_name AS service, name || label AS name,
           coalesce(value_double, value_int::DOUBLE) AS value, unit, instance, peer_service
    FROM named
    UNION ALL SELECT time, service_name, name || '.count' || label, count::DOUBLE, '1', instance,
                     peer_service FROM named
    UNION ALL SELECT time, service_name, name || '.mean' || label, sum / count, unit, instance,
                     peer_service FROM named WHERE count > 0
)
SELECT * FROM long WHERE value IS NOT NULL AND isfinite(value) ORDER BY time, service, name
"""

_TABLES = {"traces": _TRACES, "logs": _LOGS, "metrics": _METRICS}
_TEXT = 'coalesce(string, "int"::VARCHAR, "double"::VARCHAR, "bool"::VARCHAR)'


def cut(connection: duckdb.DuckDBPyConnection, normal: Sequence[tuple[Any, Any]],
        abnormal: tuple[Any, Any], **about: Any) -> Case:
    """The Case of these half-open windows; see ``Lake.case``."""
    normal = [_window(w, f"normal[{i}]") for i, w in enumerate(normal)]
    abnormal = _window(abnormal, "abnormal")
    windows = [*normal, abnormal]
    asked = {"within_first": _within("min(start_time)", windows),
             "within": _within("time", windows), "calls": calls("cut"), "text": _TEXT}
    tables = {name: to_frame(connection, query.format(**asked))
              for name, query in _TABLES.items()}
    tables["topology"] = _edges(tables["traces"])
    tables["metrics"] = _with_known_peers(tables)
    about = {key: value for key, value in about.items() if value is not None}
    # what nobody sent is not there: a table without rows would read as "nothing happened"
    about |= {name: frame for name, frame in tables.items() if not frame.empty}
    return Case(tuple(normal), abnormal, **about)


def _edges(traces: pd.DataFrame) -> pd.DataFrame:
    """Who calls whom, of spans with ``callees`` and ``caller``."""
    sent = traces.loc[traces["callees"].notna(), ["service", "callees"]].explode("callees")
    met = traces.loc[traces["caller"].notna(), ["caller", "service"]]
    edges = pd.concat([pair.set_axis(["caller", "callee"], axis=1) for pair in (sent, met)])
    return edges.drop_duplicates().sort_values(["caller", "callee"], ignore_index=True)


def _with_known_peers(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Metrics whose peer is one that the traces or metrics know; an address is no service."""
    metrics, edges = tables["metrics"], tables["topology"]
    known = {*edges["caller"], *edges["callee"], *metrics["service"]}
    return metrics.assign(peer_service=metrics["peer_service"].where(
        metrics["peer_service"].isin(known)))


def _window(window: tuple[Any, Any], what: str) -> tuple[pd.Timestamp, pd.Timestamp]:
    start, end = window
    return timestamp(start, f"The start of {what}"), timestamp(end, f"The end of {what}")


def _within(column: str, windows: list[tuple[pd.Timestamp, pd.Timestamp]]) -> str:
    """A SQL condition, in whole nanoseconds."""
    return "(" + " OR ".join(
        f"epoch_ns({column}) >= {start.as_unit('ns').value} "
        f"AND epoch_ns({column}) < {end.as_unit('ns').value}" for start, end in windows) + ")"
