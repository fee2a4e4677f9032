"""An explanation drawn: the graph with blame, the strongest series, a telling request."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import networkx as nx
import pandas as pd

from aiops import plots
from aiops.case import Case
from aiops.evidence.moves import labels
from aiops.plots.tables import to_html as table
from aiops.rca.paths import call_graph
from aiops.rca.series import BUCKET_S, edge_series, edge_suspects, span_series
from aiops.rca.telling import telling_trace
from aiops.rca.told import headline, ranked, spoken, way
from aiops.windows import Window, within

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from aiops.rca.explain import Explanation

_ROWS, _COLUMNS = 3, 4  # suspects and series of each that are drawn
_BLAMED = 0.1  # share of the first's blame from which a suspect's series are drawn
_NORMAL = 12  # times the incident: normal time that is drawn
_BOTH_WAYS = 0.5  # share of edges listed in both directions from which nobody knows who calls
_SPANS = ["span_latency_p95", "span_error_rate", "edge_latency_p95", "edge_error_rate"]
_FAILURES = ("errors", "templates", "sequence")


def figures(told: Explanation) -> dict[str, Figure]:
    """The pictures that this Case allows: graph, series, request."""
    if told.ranks.empty or told.ranks.iloc[0] <= 0:
        return {}
    made = {"graph": _graph(told), "series": _series(told), "request": _request(told)}
    return {name: figure for name, figure in made.items() if figure is not None}


def _graph(told: Explanation) -> Figure | None:
    edges = told.view.arrays.edges
    graph = call_graph(edges)
    if not len(graph) or nx.overall_reciprocity(graph) > _BOTH_WAYS:
        return None
    return plots.blame_graph(edges, told.ranks, [step.place for step in told.path])


def _request(told: Explanation) -> Figure | None:
    first = str(told.ranks.index[0])
    terms = told.terms.iloc[0]
    failing = terms.reindex(_FAILURES).sum() > terms.get("latency", 0.0)
    trace = telling_trace(told.view, first, bool(failing))
    if trace is None:
        return None
    seen = pd.concat([trace["service"], trace.get("peer_service", pd.Series(dtype=object))])
    end = first.split("->")[-1]
    return plots.waterfall(trace, end if (seen == end).any() else None)


# --- series ------------------------------------------------------------------------------
def _series(told: Explanation) -> Figure | None:
    """The strongest metrics, and what spans show, of the first suspects and of the symptom."""
    case, ranks = told.case, told.ranks
    first = [str(name) for name in ranks.index[:_ROWS] if ranks[name] >= _BLAMED * ranks.iloc[0]]
    first += [step.place for step in told.path[:1] if step.place not in first]
    frames = list(_frames(case, first))
    if not frames:
        return None
    shown = pd.concat(frames, ignore_index=True)
    names = {name: _strongest(told, shown, name) for name in first}
    first = [name for name in first if names[name]]
    if not first:
        return None
    near = _near(case.normal, case.abnormal)
    shown = shown[within(shown["time"], [*near, case.abnormal])].reset_index(drop=True)
    return plots.evidence(shown, near, case.abnormal, first, names, ranks,
                          "Normal time is that nearest to the incident." * (near != [*case.normal]))


def _near(normal: Sequence[Window], abnormal: Window) -> list[Window]:
    """So much of the normal time that the incident can still be seen beside it; the nearest."""
    left, near = _NORMAL * (abnormal[1] - abnormal[0]), []
    for start, end in sorted(normal, key=lambda w: abs(w[0] - abnormal[0])):
        if left <= pd.Timedelta(0):
            break
        part = (max(start, end - left), end) if end <= abnormal[0] else \
            (start, min(end, start + left))
        near.append(part)
        left -= part[1] - part[0]
    return sorted(near)


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
        rows = rows[rows["service"].isin(suspects) & rows["name"].isin(_SPANS)]
        yield rows.assign(unit=rows["name"].map(lambda name: "ms" if "latency" in name else "1"))


def _strongest(told: Explanation, shown: pd.DataFrame, suspect: str) -> list[str]:
    """Names of a suspect's series: its strongest metrics, of each metric one first, then spans."""
    mine = told.signals[told.signals["suspect"] == suspect]
    values = shown[shown["service"] == suspect].groupby("name", sort=False)["value"]
    seen = list(values.size().index[values.agg(lambda v: (v != 0).any())])  # 0 throughout: nothing
    moved = mine.loc[mine["evidence"] == "metrics", "signal"].drop_duplicates()
    moved = moved[moved.isin(seen)]
    stated = told.case.symptom["metric"] if told.case.symptom else None
    moved = pd.concat([pd.Series([stated] if stated in seen else [], dtype=object), moved],
                      ignore_index=True).drop_duplicates()
    again = moved.map({name: metric for name, (metric, _) in labels(moved, moved).items()})
    metrics = [*moved[~again.duplicated()], *moved[again.duplicated()]]
    spans = [name for name in _SPANS if name in seen]
    room = _COLUMNS - (1 if spans and "latency" in set(mine["evidence"]) else 0)
    return [*metrics[:room], *spans][:_COLUMNS]


# --- HTML --------------------------------------------------------------------------------
def to_html(told: Explanation, rows: int = 5) -> str:
    """A fragment of HTML: who is blamed and why, the way there, pictures as PNG within."""
    parts = [f"<p><b>{html.escape(headline(told))}</b></p>", table(ranked(told, rows))]
    if len(told.path):
        parts += ["<p>The way from where it was felt to the first suspect, with the strongest "
                  "signal of each step:</p>", table(way(told))]
    named = list(told.culprits or told.ranks.index[:1])
    against = spoken(told.reasons[told.reasons["suspect"].isin(named)])
    if len(against):
        parts += [f"<p>What speaks against {html.escape(' and '.join(named))}:</p>",
                  table(against if len(named) > 1 else against.drop(columns="suspect"))]
    parts += [_image(figure) for figure in figures(told).values()]
    return f"<div class='explanation'>{''.join(parts)}</div>"


def _image(figure: Figure) -> str:
    data = base64.b64encode(plots.to_png(figure, dpi=160)).decode()
    title = html.escape(str(figure.get_label()), quote=True)
    return (f'<p class="output_png"><img alt="{title}" style="width:100%;max-width:800px" '
            f'src="data:image/png;base64,{data}"></p>')
