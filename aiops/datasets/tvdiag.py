"""The layout of TVDiag: ``label.csv`` and ``raw/{nodes,edges,metrics,traces,logs}.json``.

Published at WHU-AISE/TVDiag (TVDiag, arXiv 2407.19711, 2024; MIT); each system (``sockshop``,
``hotel``) is a data set of its own. Its raw telemetry is not published, only the alerts that
its extractor drew from it, so a Case has alerts and a topology and nothing else:

- metric alerts: a metric of an instance left mean ± 3 standard deviations, ``up`` or ``down``;
  those of a host (``node_cpu_usage`` and the like) have it in ``host`` too.
- trace alerts [caller, callee, operation, type]: instance = callee, peer = caller (null for a
  root, published as -1), name = operation and type. The publisher's trace_event_extractor.py
  runs isolation forests on windows of 30 s of a call: ``PD`` (not spelt out there: performance
  degradation) is an outlier in the mean duration, either way, so no direction is stated;
  ``500`` and ``400`` are outliers in the number of spans with that status. Alerts without a
  callee are left out.
- log alerts: an instance wrote a rare template or one that says error, fail or exception;
  name = the template's number, which all instances share (published as <instance>-<number>).

**There are no times**: alerts carry none, and every Case has the same placeholder windows.
Suspects are that case's nodes, which are instances: ``service`` is the instance less its number.
Edges are published both ways round, calls and instances that share a host alike: so is
the topology (each pair once, an instance's edge to itself left out). Wherever a trace alert
tells which end calls, that way round is published first, and rows keep their order.

Test cases are scored, train cases are history: unlabelled in ``Dataset.history``, their truth
in ``Dataset.history_truth``. Cases without a line in label.csv are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from aiops.case import Case
from aiops.datasets.dataset import Dataset, Truth
from aiops.datasets.folder import read_json
from aiops.errors import CaseError

LAYOUT = "tvdiag"
_LABELS = ["index", "instance", "anomaly_type", "data_type"]
_SPLITS = ("train", "test")
_T0, _T1, _T2 = pd.date_range("1970-01-01", periods=3, freq="10min", tz="UTC")
_METRIC = (("instance", "name", "direction"), ("instance", "host", "name", "direction"))
_TRACE = ("peer", "instance", "operation", "type")
_LOG = ("instance", "name")
_NO_CALLER = ("-1", "")
_EDGE = ("caller", "callee")


class _Raw(NamedTuple):
    """All cases of a system, by case; read once."""

    nodes: Mapping[str, tuple[str, ...]]
    alerts: Mapping[str, pd.DataFrame]
    topology: Mapping[str, pd.DataFrame]


def recognise(root: Path) -> bool:
    """Whether the folder has this layout."""
    return all((root / path).is_file() for path in ("label.csv", "raw/nodes.json"))


def open_dataset(root: Path) -> Dataset:
    """The data set in a folder of this layout, one system.

    Raises:
        CaseError: ``label.csv`` is damaged; the alerts are read with the first Case.
    """
    labels = _labels(root / "label.csv")
    load = cache(partial(_raw, root / "raw", tuple(labels["index"])))  # once, with the first
    train, test = (_truth(labels[labels["data_type"] == split]) for split in _SPLITS)
    return Dataset(root.name, root, test, lambda: _readers(test, load),
                   lambda: ((name, read()) for name, read in _readers(train, load).items()),
                   train, (__doc__ or "").strip())


def _readers(names: Truth, load: Callable[[], _Raw]) -> dict[str, Callable[[], Case]]:
    return {name: partial(read_case, name, load) for name in names}


def read_case(name: str, load: Callable[[], _Raw]) -> Case:
    """One case of the system that ``load`` returns."""
    raw = load()
    return Case(normal=((_T0, _T1),), abnormal=(_T1, _T2), alerts=raw.alerts[name],
                topology=raw.topology[name], suspects=raw.nodes[name])


def _labels(path: Path) -> pd.DataFrame:
    try:
        labels = pd.read_csv(path, dtype=str, usecols=_LABELS)
    except (OSError, ValueError) as error:
        raise CaseError(f"{path} must be a CSV table with {', '.join(_LABELS)}. "
                        f"{error}") from error
    if labels.isna().any(axis=None) or not labels["data_type"].isin(_SPLITS).all():
        raise CaseError(f"{path} must have no empty cell, and train or test as data_type. Got "
                        f"{int(labels.isna().sum().sum())} empty cells and "
                        f"{', '.join(map(str, labels['data_type'].unique()))}.")
    if twice := labels.loc[labels["index"].duplicated(), "index"].tolist():
        raise CaseError(f"{path} must have each index once. Got {', '.join(twice)} twice.")
    return labels


def _truth(labels: pd.DataFrame) -> Truth:
    """id -> truth; one line a case, so the loop is over cases."""
    return {name: {"culprits": [instance], "kind": "service", "fault": fault}
            for name, instance, fault in labels[_LABELS[:3]].itertuples(index=False)}


def _raw(folder: Path, cases: Sequence[str]) -> _Raw:
    nodes = _frame(folder / "nodes.json", cases, ("instance",))
    known = set(nodes["instance"])
    alerts = pd.concat([
        _metric_alerts(_frame(folder / "metrics.json", cases, *_METRIC), known),
        _trace_alerts(_frame(folder / "traces.json", cases, _TRACE)),
        _log_alerts(_frame(folder / "logs.json", cases, _LOG))], ignore_index=True)
    service = alerts["instance"].str.replace(r"-\d+$", "", regex=True)
    alerts["service"] = service.where(alerts["instance"].isin(known), alerts["instance"])
    topology = _topology(folder / "edges.json", cases, nodes)
    return _Raw({case: tuple(found["instance"]) for case, found in _split(nodes, cases).items()},
                _split(alerts, cases), _split(topology, cases))


def _frame(path: Path, cases: Sequence[str], *forms: tuple[str, ...]) -> pd.DataFrame:
    """Rows of all cases below each other, with a column case; cells are text.

    Args:
        forms: which columns rows may have, told apart by their number; a row of one column
            is published bare, not as a list.
    """
    rows, case = _rows(path, cases)
    by_width = {len(form): form for form in forms}
    bare = 1 in by_width
    widths = {len(row) if isinstance(row, list) else 1 for row in rows}
    if len(widths) > 1 or not widths <= set(by_width):
        raise CaseError(f"{path} must have rows of {' or '.join(map(str, by_width))} cells. "
                        f"Got rows of {', '.join(map(str, sorted(widths)))}.")
    columns = by_width[widths.pop()] if widths else forms[0]
    made = pd.DataFrame([[row] for row in rows] if bare else rows, columns=list(columns))
    if made.isna().any(axis=None):
        raise CaseError(f"{path} must have no empty cell. Got null.")
    return made.astype(str).assign(case=case)


def _rows(path: Path, cases: Sequence[str]) -> tuple[list[Any], pd.Index]:
    by_case = read_json(path)
    lacks = [case for case in cases if not isinstance(by_case.get(case), list)]
    if lacks:
        raise CaseError(f"{path} must have a list for every case of label.csv. "
                        f"Got none for {', '.join(lacks[:5])}.")
    counts = [len(by_case[case]) for case in cases]
    return (list(chain.from_iterable(by_case[case] for case in cases)),
            pd.Index(cases, dtype=object).repeat(counts))


def _metric_alerts(alerts: pd.DataFrame, known: set[str]) -> pd.DataFrame:
    """A host's own alerts name it as the host; pods state theirs in the longer form only."""
    pod = alerts["instance"].isin(known)
    return alerts.assign(kind="metric", host=alerts["instance"].where(~pod, alerts.get("host")))


def _trace_alerts(calls: pd.DataFrame) -> pd.DataFrame:
    calls = calls[calls["instance"] != ""]
    return pd.DataFrame({
        "case": calls["case"], "kind": "trace", "instance": calls["instance"],
        "name": calls["operation"] + " " + calls["type"],
        "peer": calls["peer"].where(~calls["peer"].isin(_NO_CALLER))})


def _log_alerts(alerts: pd.DataFrame) -> pd.DataFrame:
    number = alerts.groupby("instance")["name"].transform(
        lambda names: names.str.removeprefix(f"{names.name}-"))
    return alerts.assign(kind="log", name=number)


def _topology(path: Path, cases: Sequence[str], nodes: pd.DataFrame) -> pd.DataFrame:
    """Edges between instances; published as positions in the list of the case's nodes."""
    edges = _frame(path, cases, _EDGE)
    at = nodes.groupby("case").cumcount().astype(str)
    instance = pd.Series(nodes["instance"].to_numpy(), [nodes["case"], at])
    for end in _EDGE:
        edges[end] = instance.reindex([edges["case"], edges[end]]).to_numpy()
    if edges.isna().any(axis=None):
        raise CaseError(f"{path} must have positions in nodes.json. Got one beyond the last node "
                        f"of case {edges.loc[edges.isna().any(axis=1), 'case'].iloc[0]}.")
    return edges[edges["caller"] != edges["callee"]].drop_duplicates()


def _split(frame: pd.DataFrame, cases: Sequence[str]) -> dict[str, pd.DataFrame]:
    at = frame.groupby("case").indices
    rows = frame.drop(columns="case")
    return {case: rows.take(at.get(case, [])) for case in cases}
