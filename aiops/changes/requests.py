"""The requests that a change touches: the units on which its effect is measured."""

from __future__ import annotations

from collections.abc import Sequence

import networkx as nx
import numpy as np
import pandas as pd

from aiops.case import Case
from aiops.changes.treatments import Change, attributes_of, tagged
from aiops.errors import UsageError
from aiops.evidence import call_tree

SEGMENTS = ("region", "cloud.region", "tenant", "tenant.id")  # beside the route
OUTCOMES = ("latency_ms", "failed", "entry_latency_ms", "entry_failed")


def requests(case: Case, change: Change, segments: Sequence[str] = SEGMENTS,
             cluster: str | None = None) -> pd.DataFrame:
    """The requests that the changed service served, a row a trace, by start.

    Where a request calls the service several times the first call tells its version: a retry that
    the other one serves is a consequence. How many both served stands in ``attrs["mixed"]``.

    Args:
        segments: attributes of the first span that tell requests apart.
        cluster: attribute, as ``session.id``, of any span of a request: those that tell the same
            are alike, and those that tell none stand for themselves.

    Returns:
        index trace_id; start (UTC); new (bool: the new version served it); latency_ms: mean of
        the calls that the service answered in it; failed: whether one of them did; calls: how
        many; entry_latency_ms, entry_failed: of the whole request; route: its operation at the
        entry; those of ``segments`` that its first span tells; cluster, where one was named.

    Raises:
        UsageError: no span tells the cluster.
    """
    spans = _spans(case)
    served = _version(case, change)
    own = _at_service(spans[spans["trace_id"].isin(served.index)], change.service)
    entry = _entry(spans, segments)
    made = own.join(entry, how="inner").join(served[["new", "mixed"]], how="inner")
    out = made.drop(columns="mixed").sort_values("start", kind="stable")
    if cluster is not None:
        out["cluster"] = _clusters(spans, cluster).reindex(out.index).fillna(
            pd.Series(out.index, out.index))
    out.attrs["mixed"] = int(made["mixed"].sum())
    return out


def side_by_side(table: pd.DataFrame) -> pd.DataFrame:
    """The requests from the first on the new version until either served its last."""
    new, start = table["new"], table["start"]
    if not new.any():
        return table.head(0)
    until = min(start[new].max(), start[~new].max()) if (~new).any() else start[new].min()
    return table[(start >= start[new].min()) & (start <= until)]


def before(table: pd.DataFrame) -> pd.DataFrame:
    """The requests that the old version served before the first on the new one."""
    first = table.loc[table["new"], "start"].min()
    return table[~table["new"] & ~(table["start"] >= first)]


def own_time(case: Case, service: str) -> pd.DataFrame:
    """What the services off its way spend themselves on each request, milliseconds.

    Who calls it, or is called by it, directly or through others, may well spend otherwise.

    Returns:
        index trace_id, a column a service, NaN where it is not in the request. Time that a span
        waits for its children is theirs; a service's time is that of its server spans' own.
    """
    spans = _spans(case)
    parent = call_tree.parents(spans)
    start = spans["start"].dt.as_unit("ns").astype("int64").to_numpy()
    duration = spans["duration_ns"].to_numpy()
    work = ~spans.get("kind", pd.Series("", spans.index)).isin(["client", "producer"])
    own = (duration - call_tree.covered(parent, start, duration)) / 1e6
    keep = (work & ~spans["service"].isin(_on_the_way(spans, service))).to_numpy()
    table = pd.DataFrame({"trace": spans["trace_id"], "service": spans["service"], "ms": own})[keep]
    return table.groupby(["trace", "service"])["ms"].sum().unstack()


def _on_the_way(spans: pd.DataFrame, service: str) -> set[str]:
    graph = nx.from_pandas_edgelist(call_tree.edges(spans), "caller", "callee",
                                    create_using=nx.DiGraph)
    if service not in graph:
        return {service}
    return {service} | nx.ancestors(graph, service) | nx.descendants(graph, service)


def _spans(case: Case) -> pd.DataFrame:
    return pd.concat([case.select("traces", "normal"), case.select("traces", "abnormal")],
                     ignore_index=True)


def _version(case: Case, change: Change) -> pd.DataFrame:
    """By trace: whether the new version served its first call, and whether both served some."""
    attribute = change.attribute.split("[")[0]
    told = tagged(case, [attribute])
    mine = told[(told["service"] == change.service) & (told["attribute"] == change.attribute)
                & told["value"].isin([change.old, change.new])]
    by = mine.assign(new=mine["value"] == change.new).groupby("trace_id")["new"]
    return pd.DataFrame({"new": by.first(), "mixed": by.any() & ~by.all()})


def _at_service(spans: pd.DataFrame, service: str) -> pd.DataFrame:
    """By trace: time of the calls that the service answered, and whether one of them failed."""
    parent = call_tree.parents(spans)
    names = spans["service"].to_numpy(dtype=object)
    called = (names == service) & ((parent < 0) | (names[parent] != service))
    answered = spans[called]
    by = answered.assign(ms=answered["duration_ns"] / 1e6, wrong=_failed(answered)).groupby(
        "trace_id")
    return pd.DataFrame({"latency_ms": by["ms"].mean(), "failed": by["wrong"].any(),
                         "calls": by.size()})


def _entry(spans: pd.DataFrame, segments: Sequence[str]) -> pd.DataFrame:
    """By trace: its first span's start, time, failure, operation, and segments."""
    first = spans.sort_values("start", kind="stable").drop_duplicates("trace_id")
    table = pd.DataFrame({
        "start": first["start"], "entry_latency_ms": first["duration_ns"] / 1e6,
        "entry_failed": _failed(first), "route": first["operation"]})
    held = [attributes_of(each) for each in first["attributes"]]
    for name in segments:
        told = [each.get(name) for each in held]
        if any(value is not None for value in told):
            table[name] = told
    return table.set_index(first["trace_id"].to_numpy())


def _clusters(spans: pd.DataFrame, name: str) -> pd.Series:
    """By trace: what its first span that has the attribute tells."""
    first = spans.sort_values("start", kind="stable")
    told = pd.Series([attributes_of(held).get(name) for held in first["attributes"]],
                     index=first["trace_id"], dtype=object).dropna()
    if told.empty:
        raise UsageError(f"Requests that are alike are told by {name!r}. Got no span with this "
                         "attribute. Name one that spans have, as session.id or enduser.id.")
    return name + "=" + told[~told.index.duplicated()].astype(str)


def _failed(spans: pd.DataFrame) -> np.ndarray:
    status = spans.get("status_code", pd.Series("", spans.index))
    failed: np.ndarray = (status == "error").to_numpy(dtype=bool)
    return failed
