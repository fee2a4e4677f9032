"""From a Case to the variables of its incident and what causes what among them."""

from __future__ import annotations

import re

import networkx as nx
import numpy as np
import pandas as pd

from aiops.case import Case
from aiops.causal.graph import causes
from aiops.causal.grid import Grid, Part
from aiops.causal.requests import ERRORS, LATENCY
from aiops.causal.requests import LOAD as SPAN_LOAD
from aiops.causal.scales import means, robust
from aiops.causal.variables import ANSWER, LOAD, RESOURCE, Variables
from aiops.errors import CaseError
from aiops.evidence import call_tree

MOST_ROWS = 1000  # of normal operation; beyond, rows are taken evenly
LEAST_SHARE = 0.2  # of normal rows: a column that was hardly there says nothing
_ANSWER = re.compile(r"latenc|^lat|duration|response.?time|error|fail|availab|success", re.I)
_LOAD = re.compile(r"^lo?a?d\b|requests?(?:$|_sum|_count|_rate|_per)|workload|throughput|[rqt]ps$",
                   re.I)
_GOOD = re.compile(r"availab|success", re.I)
_OF_SPANS = {"latency": LATENCY, "errors": ERRORS}


def variables(case: Case) -> Variables:
    """The incident of a Case as variables, and the symptom as their target.

    Spans become latency, errors and load of each service and of what lies on each call; metrics
    are resources, but for those whose name tells latency, errors or load. What causes what is said
    in ``graph.causes``.

    The target is the stated symptom; where none is stated, the latency or errors of the entry
    (where none is told, of those whom nobody calls), whichever moved further off normal. It is None
    where nobody knows who calls whom.

    Raises:
        CaseError: neither metrics nor traces, too few rows, or no column of the stated symptom.
    """
    calls = _call_graph(case)
    (normal, abnormal), about, slope = _measured(case, calls)
    about = about.assign(kind=_kinds(about, case))
    target = _target(case, calls, normal, abnormal, about)
    graph = causes(about, calls, None if target is None else about.loc[target, "owner"])
    for cause, effect in graph.edges:
        known = slope.get((cause, effect))
        if known is not None:
            graph.edges[cause, effect]["slope"] = known
    return Variables(normal, abnormal, graph, target, about)


def answers(made: Variables) -> list[str]:
    """The target, and how else its owner answers: both latency and errors of its spans."""
    if made.target is None:
        return []
    own = made.about["owner"] == made.about.loc[made.target, "owner"]
    spans = made.about.index[own & made.about["name"].isin([LATENCY, ERRORS])]
    return [made.target, *(name for name in spans if name != made.target)]


def _measured(case: Case, calls: nx.DiGraph) -> tuple[
        tuple[pd.DataFrame, pd.DataFrame], pd.DataFrame, dict[tuple[str, str], float]]:
    """Both sides as frames, what their columns are, and the slopes that traces tell."""
    if not any(case.tables.get(name) is not None and len(case.tables[name])
               for name in ("metrics", "traces")):
        raise CaseError("A causal model needs metrics or traces with rows in them. "
                        f"This Case has {', '.join(case.tables) or 'no tables'}.")
    grid, parts = Grid.of(case), []
    slope: dict[tuple[str, str], float] = {}
    if case.metrics is not None and len(case.metrics):
        parts.append(grid.of_metrics(case, calls))
    if case.traces is not None and len(case.traces):
        made, slope = grid.of_spans(case)
        parts.append(made)
    values = np.hstack([part.values for part in parts])
    about = pd.concat([part.about for part in parts])
    normal, abnormal = values[grid.normal], values[~grid.normal]
    normal, abnormal = _upright(about, normal, abnormal)
    there = np.concatenate([_there(side, of) for side, of in zip(
        _cut(normal, parts), _cut(abnormal, parts), strict=True)])
    step = max(1, -(-len(normal) // MOST_ROWS))
    names = about.index[there]
    frames = tuple(pd.DataFrame(side[:, there], columns=names)
                   for side in (normal[::step], abnormal))
    return (frames[0], frames[1]), about[there], slope


def _cut(values: np.ndarray, parts: list[Part]) -> list[np.ndarray]:
    """Columns by the table that they are from."""
    return np.split(values, np.cumsum([len(part.about) for part in parts])[:-1], axis=1)


def _there(normal: np.ndarray, abnormal: np.ndarray) -> np.ndarray:
    """Which columns say something: seen on both sides, and in enough rows that its table has."""
    seen = ~np.isnan(normal)
    rows = max(int(seen.any(axis=1).sum()), 1)
    made: np.ndarray = (seen.sum(axis=0) >= LEAST_SHARE * rows) & (~np.isnan(abnormal)).any(axis=0)
    return made


def _upright(about: pd.DataFrame, normal: np.ndarray, abnormal: np.ndarray
             ) -> tuple[np.ndarray, np.ndarray]:
    """Availability and success as what they lack of their best: then more is worse throughout."""
    down = about["name"].str.contains(_GOOD).to_numpy()
    best = np.nanmax(np.vstack([normal, abnormal])[:, down], axis=0, initial=-np.inf)
    for side in (normal, abnormal):
        side[:, down] = best - side[:, down]
    return normal, abnormal


def _call_graph(case: Case) -> nx.DiGraph:
    """Caller -> callee; without edges where the Case tells none."""
    if case.topology is not None:
        edges = case.topology
    elif case.traces is not None:
        edges = call_tree.edges(case.traces)
    else:
        edges = pd.DataFrame({"caller": [], "callee": []})
    edges = edges[edges["caller"] != edges["callee"]]
    return nx.DiGraph(list(zip(edges["caller"], edges["callee"], strict=True)))


def _kinds(about: pd.DataFrame, case: Case) -> pd.Series:
    """Of each column; a metric called as the stated symptom is an answer, whatever its name."""
    name = about["name"]
    kind = pd.Series(RESOURCE, index=about.index)
    kind[name.str.contains(_LOAD)] = LOAD
    kind[name.str.contains(_ANSWER)] = ANSWER
    kind[name.isin([LATENCY, ERRORS])] = ANSWER
    if case.symptom:
        kind[name == case.symptom["metric"]] = ANSWER
    if (name == SPAN_LOAD).any():  # then metrics of load are what load causes
        kind[kind == LOAD] = RESOURCE
        kind[name == SPAN_LOAD] = LOAD
    return kind


def _target(case: Case, calls: nx.DiGraph, normal: pd.DataFrame, abnormal: pd.DataFrame,
            about: pd.DataFrame) -> str | None:
    told = case.symptom
    at = [told["service"]] if told else _entries(case, calls)
    own = about[about["service"].isin(at) | about["owner"].isin(at)]
    fitting = own[own["name"].isin(_stated(own, told["metric"]))] if told else _answers(own)
    if fitting.empty and told:
        raise CaseError(f"The symptom's service and metric must have values on both sides. Got "
                        f"{told['service']!r} and {told['metric']!r}; {told['service']} has "
                        f"{', '.join(sorted(own['name'].unique())[:12]) or 'nothing'}. Leave the "
                        "symptom out and how the entry answers is looked at.")
    if fitting.empty:
        return None
    before, during = (side[fitting.index].to_numpy() for side in (normal, abnormal))
    centre, scale = robust(before, during)
    off = np.round(np.abs(means(during) - centre) / scale, 9)
    return str(fitting.index[off.argmax()])


def _entries(case: Case, calls: nx.DiGraph) -> list[str]:
    if case.entry_service:
        return [case.entry_service]
    return sorted(node for node in calls if not calls.in_degree(node))


def _stated(own: pd.DataFrame, metric: str) -> list[str]:
    return [metric] if own["name"].eq(metric).any() else [_OF_SPANS.get(metric, metric)]


def _answers(own: pd.DataFrame) -> pd.DataFrame:
    """How it answers: by its spans, where there are any."""
    spans = own[own["name"].isin([LATENCY, ERRORS])]
    return spans if len(spans) else own[own["kind"] == ANSWER]
