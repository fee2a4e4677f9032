"""The variables of an incident: a row a time step, a column a quantity of a service; its causes.

Frames in, frames out. From a Case they are made by ``aiops.causal.incident``; a system that is
known otherwise is written down by hand with ``Variables.of``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

import networkx as nx
import numpy as np
import pandas as pd

from aiops.errors import CaseError, UsageError

LOAD, ANSWER, RESOURCE = "load", "answer", "resource"
KINDS = (LOAD, ANSWER, RESOURCE)
DEMAND = "(demand)"  # whose doing load is: nobody's fault
FEWEST_NORMAL, FEWEST_ABNORMAL = 8, 2


@dataclass(frozen=True, eq=False)
class Variables:
    """Measured quantities in normal operation and during the incident, and the causal graph.

    Args:
        normal, abnormal: (n_rows, n_variables), the same columns, each in any unit; NaN where
            nothing was measured.
        graph: cause -> effect over the columns, without circles. An edge may carry ``slope``, units
            of the effect a unit of the cause, where that is known and need not be learned.
        target: the column of the symptom; None where nobody knows what the symptom is.
        about: a row a column: owner (the service, instance, or edge that it tells about), name,
            and kind: "load" (demand, nobody's fault), "answer" (latency, errors: handed on to
            callers) or "resource".

    Raises:
        UsageError: columns, graph or kinds do not fit together, or the graph has a circle.
        CaseError: too few rows to learn from.
    """

    normal: pd.DataFrame
    abnormal: pd.DataFrame
    graph: nx.DiGraph
    target: str | None
    about: pd.DataFrame = field(default_factory=pd.DataFrame)

    def __post_init__(self) -> None:
        _check_columns(self)
        _check_graph(self.graph)
        for what, side, least in (("normal", self.normal, FEWEST_NORMAL),
                                  ("abnormal", self.abnormal, FEWEST_ABNORMAL)):
            if len(side) < least:
                raise CaseError(f"A causal model needs at least {least} rows of {what} operation. "
                                f"Got {len(side)}. Take a longer window or shorter steps.")

    @classmethod
    def of(cls, normal: pd.DataFrame, abnormal: pd.DataFrame, edges: Iterable[tuple[str, str]],
           target: str | None, load: Collection[str] = (),
           owner: Mapping[str, str] | None = None) -> Variables:
        """Variables written down by hand: each column is a service of its own, unless told.

        Args:
            edges: (cause, effect) pairs of columns.
            load: the columns that are demand.
            owner: service by column, of those that are not called as their service.
        """
        graph = nx.DiGraph(list(edges))
        graph.add_nodes_from(normal)
        names = list(normal)
        about = pd.DataFrame({
            "owner": [(owner or {}).get(name, name) for name in names], "name": names,
            "kind": [LOAD if name in load else ANSWER for name in names]}, index=names)
        return cls(normal, abnormal, graph, target, about)

    @property
    def names(self) -> list[str]:
        return list(self.normal)

    def pruned(self) -> Variables:
        """Only the target and its ancestors: nothing else can have moved it."""
        if self.target is None:
            return self
        keep = nx.ancestors(self.graph, self.target) | {self.target}
        names = [name for name in self.names if name in keep]
        return replace(self, normal=self.normal[names], abnormal=self.abnormal[names],
                       graph=self.graph.subgraph(names).copy(), about=self.about.loc[names])

    @property
    def owners(self) -> pd.Series:
        """Whose doing each column is: its service, instance or edge; of all load ``DEMAND``."""
        return self.about["owner"].where(self.about["kind"] != LOAD, DEMAND)

    def owned_by(self, owner: str) -> list[str]:
        """The columns that are a service's doing: how often it is called is not.

        Args:
            owner: a service, instance or edge, or ``DEMAND``.

        Raises:
            UsageError: there are none.
        """
        mine = list(self.about.index[self.owners == owner])
        if not mine:
            known = ", ".join(sorted(self.owners.unique())[:20])
            raise UsageError(f"The owner parameter must have a variable in the model. Got "
                             f"{owner!r} instead. Known: {known}. What cannot move the symptom "
                             "is pruned.")
        return mine


def _check_columns(made: Variables) -> None:
    names = list(made.normal)
    other = set(made.abnormal) ^ set(names) | set(made.graph) ^ set(names)
    other |= set(made.about.index) ^ set(names)
    if other or len(set(names)) < len(names) or not names:
        raise UsageError("normal, abnormal, graph and about must have the same variables, each "
                         f"once, at least one. Not in all of them: {sorted(other)[:10]}.")
    if made.target is not None and made.target not in names:
        raise UsageError(f"The target parameter must be one of the variables "
                         f"{', '.join(sorted(names)[:20])}. Got {made.target!r} instead.")
    if strange := set(made.about["kind"]) - set(KINDS):
        raise UsageError(f"A variable's kind must be one of {', '.join(KINDS)}. "
                         f"Got {', '.join(map(str, strange))} instead.")
    for side in (made.normal, made.abnormal):
        if np.isinf(side.to_numpy(dtype=float)).any():
            raise UsageError("Variables must be finite or NaN. Got infinity: leave it out.")


def _check_graph(graph: nx.DiGraph) -> None:
    if not nx.is_directed_acyclic_graph(graph):
        circle = [cause for cause, _ in nx.find_cycle(graph)]
        raise UsageError("A causal graph must have no circle. Got "
                         f"{' -> '.join([*circle, circle[0]])}: leave out one of these edges.")
