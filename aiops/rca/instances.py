"""Suspects that are instances of a service: what tells about them, and what is their service's."""

from __future__ import annotations

from collections.abc import Collection

import networkx as nx
import pandas as pd

from aiops.case import Case


def owner(rows: pd.DataFrame, suspects: Collection[str]) -> pd.Series:
    """The suspect that each row tells about: its instance where that is one, else its service.

    Args:
        rows: service and instance, which may be null.
    """
    return rows["instance"].where(rows["instance"].isin(list(suspects)), rows["service"])


def services(case: Case) -> pd.Series:
    """Service by instance, of the instances that are suspects; the Case's tables say whose."""
    told = [table[["instance", "service"]][table["instance"].isin(case.suspects)]
            for table in (case.metrics, case.alerts) if table is not None and "instance" in table]
    both = pd.concat([pd.DataFrame({"instance": [], "service": []}, dtype=object), *told])
    both = both.astype(object).sort_values(["instance", "service"]).drop_duplicates("instance")
    return both[both["instance"] != both["service"]].set_index("instance")["service"]


def with_instances(graph: nx.DiGraph, case: Case) -> nx.DiGraph:
    """The calls of services (caller -> callee), and the same calls between their instances.

    Nobody tells which instance of a callee was called, so that all of them are. Who has no
    instances among the suspects stands for itself.
    """
    of = services(case)
    run = {service: list(group.index) for service, group in of.groupby(of)}
    made = graph.copy()
    made.add_edges_from((a, b) for caller, callee in graph.edges
                        for a in run.get(caller, [caller]) for b in run.get(callee, [callee]))
    return made


def alike(by_service: pd.Series, case: Case) -> pd.Series:
    """Blame of services as that of their instances too, where nothing tells these apart."""
    of = services(case)
    return pd.concat([by_service, by_service.reindex(of).set_axis(of.index)])
