"""What there is to draw of an incident: who calls whom, series, the telling request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import networkx as nx
import pandas as pd

from aiops.case import Case
from aiops.explained.explanation import SPANS
from aiops.rca.paths import call_graph
from aiops.rca.series import BUCKET_S, edge_series, edge_suspects, span_series
from aiops.rca.telling import telling_trace
from aiops.rca.view import View

_BOTH_WAYS = 0.5  # share of edges listed in both directions from which nobody knows who calls


@dataclass(frozen=True, eq=False)
class Shown:
    """The ``Exhibits`` of a View."""

    view: View

    def calls(self) -> pd.DataFrame | None:
        edges = self.view.arrays.edges
        graph = call_graph(edges)
        known = len(graph) and nx.overall_reciprocity(graph) <= _BOTH_WAYS
        return edges if known else None

    def series(self, suspects: Sequence[str]) -> pd.DataFrame | None:
        frames = list(_frames(self.view.case, suspects))
        return pd.concat(frames, ignore_index=True) if frames else None

    def request(self, suspect: str, failing: bool) -> pd.DataFrame | None:
        return telling_trace(self.view, suspect, failing)


def _frames(case: Case, suspects: Sequence[str]) -> Iterator[pd.DataFrame]:
    """Series by suspect, in the place of the service: metrics, and what spans and edges show."""
    if case.metrics is not None:
        own = case.metrics
        if "peer_service" in own:
            own = own[own["peer_service"].isna()]
        if "instance" in own:
            known = own["instance"].isin(case.suspects)
            own = own.assign(service=own["instance"].where(known, own["service"]))
        yield own[own["service"].isin(suspects)]
    if case.traces is not None:
        yield from _of_spans(case, suspects)


def _of_spans(case: Case, suspects: Sequence[str]) -> Iterator[pd.DataFrame]:
    for which, windows in (("normal", list(case.normal)), ("abnormal", [case.abnormal])):
        spans = case.select("traces", which)  # type: ignore[arg-type]
        made = [span_series(spans, windows, BUCKET_S)]
        if edges := [name for name in edge_suspects(case) if name in suspects]:
            made.append(edge_series(spans, edges, windows, BUCKET_S))
        rows = pd.concat(made, ignore_index=True)
        rows = rows[rows["service"].isin(suspects) & rows["name"].isin(SPANS)]
        yield rows.assign(unit=rows["name"].map(lambda name: "ms" if "latency" in name else "1"))
