"""The graph of services: who called whom in a window, how often, how fast, with what errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from aiops import schema
from aiops.errors import SchemaError
from aiops.features.query import Range, run
from aiops.features.windows import with_window

if TYPE_CHECKING:
    import duckdb
    import networkx as nx
    import pandas as pd


def topology(connection: duckdb.DuckDBPyConnection, window_s: float,
             start: pd.Timestamp | None = None, end: pd.Timestamp | None = None) -> pa.Table:
    """One row (``schema.TOPOLOGY``) a window and edge, by window, caller and callee.

    A call belongs to the window in which it starts; a window without a call of the edge
    has no row. Arguments as of ``windows``.
    """
    span = Range.of(connection, window_s, start, end)
    table = with_window(run(connection, span, "calls", "edges"), span)
    order = [(name, "ascending") for name in ("window_start", "caller", "callee")]
    return table.select(schema.TOPOLOGY.names).cast(schema.TOPOLOGY).sort_by(order)


def graph(topology: pa.Table) -> nx.DiGraph:
    """The edges of all rows as one graph; filter the rows to ask for a past window.

    Nodes carry ``kind``: service, or external (a database or whatever sends no telemetry).
    Edges carry kind, protocol, call_count, error_count, error_rate, latency_mean_ms,
    first_seen and last_seen.
    """
    import networkx as nx

    if missing := set(schema.TOPOLOGY.names) - set(topology.column_names):
        raise SchemaError(f"graph needs the columns of schema.TOPOLOGY, lacks {sorted(missing)}.")
    made = nx.DiGraph()
    for row in _edges(topology):
        made.add_node(row["caller"], kind="service")
        if row["callee"] not in made:
            made.add_node(row["callee"], kind="external")
        if row["kind"] == "calls":
            made.nodes[row["callee"]]["kind"] = "service"
        made.add_edge(row.pop("caller"), row.pop("callee"), **row)
    return made


def _edges(topology: pa.Table) -> list[dict]:
    frame = topology.to_pandas()
    groups = frame.groupby(["caller", "callee"], sort=True)
    edges = groups.agg(kind=("kind", "max"), call_count=("call_count", "sum"),
                       error_count=("error_count", "sum"), total_ns=("latency_sum_ns", "sum"),
                       first_seen=("first_seen", "min"), last_seen=("last_seen", "max"))
    edges["protocol"] = groups["protocol"].agg(_protocols)
    edges["error_rate"] = edges["error_count"] / edges["call_count"]
    edges["latency_mean_ms"] = edges.pop("total_ns") / edges["call_count"] / 1e6
    return edges.reset_index().to_dict("records")


def _protocols(values: pd.Series) -> str:
    """Sorted and joined by a comma; empty where no call told."""
    return ",".join(sorted({one for value in values.dropna() for one in value.split(",")}))
