"""An incident as a graph of numbers: suspects with their evidence, and what joins them.

Nothing in it is a name, and nothing depends on units or on the order of rows: renaming or
shuffling the services permutes its rows. Evidence is that of the default ranker; beside it stand
finer views of spans and metrics that a sum has no use for. All effects are log(1 + normal scales
beyond chance), as everywhere in this room.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from aiops.rca import shifts
from aiops.rca.confidence import abstains, confidence, harmed
from aiops.rca.evidence import EVIDENCE
from aiops.rca.fusion import Fusion
from aiops.rca.matrix import shift
from aiops.rca.series import ordered
from aiops.rca.spans import Spans
from aiops.rca.view import View

KINDS = ("calls", "called_by", "edge_of_caller", "caller_of_edge", "edge_of_callee",
         "callee_of_edge", "same_host")
ON_CALLS = ("gap", "wait", "failed", "rate", "share")
LINKS = KINDS + ON_CALLS
_SPANS = ("own", "answer", "span_failed", "span_rate")
_METRICS = ("metric_up", "metric_down", "metric_beyond")
_LOGS = ("lines_rate", "error_lines")
_PLACE = ("is_edge", "is_entry", "is_symptom", "callers", "callees", "speaks", "measured")
_STANDING = ("total", "total_share", "total_over_callees", "first")
_CASE = ("suspects", "with_traces", "with_metrics", "with_logs", "with_alerts", "with_calls",
         "with_symptom", "with_past", "requests_before", "requests_during")
_VERDICT = ("confidence", "abstains", "harmed")
NODES = (*[f"term_{name}" for name in EVIDENCE], *[f"raw_{name}" for name in EVIDENCE],
         *_SPANS, *_METRICS, *_LOGS, *_PLACE, *_STANDING, *_CASE, *_VERDICT)
GROUPS: dict[str, tuple[str, ...]] = {
    **{name: (f"term_{name}", f"raw_{name}") for name in EVIDENCE},
    "spans": _SPANS, "series": _METRICS, "lines": _LOGS, "sum": _STANDING}
_ERROR = 17  # severity number of OpenTelemetry
_BEYOND = 1.5  # effect from which a metric counts as moved
_Part = tuple[np.ndarray, str, np.ndarray | None]  # from and to, kind, ON_CALLS
_HOSTS = ("host.name", "k8s.node.name")
_CROWD = 64  # services on a host, from where pairs of them would be most of all links
_SURE = 1.5  # standard errors that chance may take


@dataclass(frozen=True, eq=False)
class IncidentGraph:
    """One incident.

    Args:
        names: of the suspects (n). x: float32 (n, len(NODES)).
        links: from, to (2, m), numbers of suspects. about: float32 (m, len(LINKS)).
        total: the default ranker's blame (n).
    """

    names: tuple[str, ...]
    x: np.ndarray
    links: np.ndarray
    about: np.ndarray
    total: np.ndarray

    @classmethod
    def of(cls, view: View) -> IncidentGraph:
        """The graph of a Case under one choice of normal and abnormal time."""
        index = pd.Index(view.suspects, dtype=object)
        terms = Fusion().terms(view).reindex(index).fillna(0.0)
        links, about, calls = _links(view, index)
        columns = {**_evidence(view, index, terms), **_of_spans(view, index),
                   **_of_metrics(view, index), **_of_logs(view, index),
                   **_place(view, index, calls), **_standing(terms, index, calls),
                   **_case(view, index, calls), **_verdict(view, terms)}
        x = np.stack([np.broadcast_to(columns[name], len(index)) for name in NODES], axis=1)
        return cls(tuple(index), np.asarray(x, dtype=np.float32), links, about,
                   terms.sum(axis=1).to_numpy())


    @property
    def abstains(self) -> bool:
        """Whether the default ranker does."""
        return bool(self.x[:, NODES.index("abstains")].any())


# --- nodes -------------------------------------------------------------------------------
def _evidence(view: View, index: pd.Index, terms: pd.DataFrame) -> dict[str, np.ndarray]:
    zero = np.zeros(len(index))
    made = {f"term_{name}": terms[name].to_numpy() if name in terms else zero
            for name in EVIDENCE}
    for name, evidence in EVIDENCE.items():
        raw = evidence.blame(view) if name in terms else None
        made[f"raw_{name}"] = zero if raw is None else raw.reindex(index).fillna(0.0).to_numpy()
    return made


def _of_spans(view: View, index: pd.Index) -> dict[str, np.ndarray]:
    """By service, the largest change of own time and of whole answers, signed; failures; rate."""
    spans = view.arrays.spans
    if spans is None:
        return dict.fromkeys(_SPANS, np.zeros(len(index)))
    normal, abnormal = view.sides(spans)
    at = index.get_indexer(np.asarray(spans.services, dtype=object))[spans.service]
    inside = np.flatnonzero(~spans.client & (at >= 0))
    kind = at[inside] * len(spans.operations) + spans.operation[inside]
    group, keys = pd.factorize(kind)
    owner = keys // len(spans.operations)
    made = {}
    for name, value in (("own", spans.own), ("answer", spans.duration)):
        moved = _moved(spans, inside, group, value, normal, abnormal, len(keys))
        made[name] = _furthest(moved, owner, len(index))
    made["span_failed"] = _failing(spans.failed[inside], at[inside], normal[inside],
                                   abnormal[inside], len(index))
    made["span_rate"] = _rates(at[inside], normal[inside], abnormal[inside], len(index), view)
    return made


def _moved(spans: Spans, rows: np.ndarray, group: np.ndarray, value: np.ndarray,
           normal: np.ndarray, abnormal: np.ndarray, n: int) -> np.ndarray:
    """Signed effect of each group of these spans."""
    order = shifts.ascending(group, value[rows])
    rows, group = rows[order], group[order]
    return shifts.by_quantiles(group, value[rows], normal[rows], abnormal[rows], n,
                               shifts.first_of(group, spans.trace[rows]))


def _furthest(effect: np.ndarray, owner: np.ndarray, n: int) -> np.ndarray:
    """Of each owner the effect that is furthest from 0."""
    made = np.zeros(n)
    order = np.argsort(np.abs(effect), kind="stable")
    made[owner[order]] = effect[order]
    return made


def _failing(failed: np.ndarray, at: np.ndarray, normal: np.ndarray, abnormal: np.ndarray,
             n: int) -> np.ndarray:
    """log(1 + 2 z beyond chance) of shares that failed, as the evidence of errors has it."""
    (n0, k0), (n1, k1) = ((np.bincount(at[side], minlength=n),
                           np.bincount(at[side], weights=failed[side], minlength=n))
                          for side in (normal, abnormal))
    z = np.where(n1 > 0, shifts.proportions(k0, n0, k1, n1), 0.0)
    return np.asarray(np.log1p(2 * np.maximum(z - _SURE, 0.0)))


def _rates(at: np.ndarray, normal: np.ndarray, abnormal: np.ndarray, n: int, view: View
           ) -> np.ndarray:
    """Signed log(1 + z beyond chance) of counts by time, of a Poisson stream."""
    k0, k1 = (np.bincount(at[side], minlength=n).astype(float) for side in (normal, abnormal))
    t0, t1 = _seconds(view)
    expected = k0 * t1 / max(t0, 1e-9)
    z = (k1 - expected) / np.sqrt(np.maximum(expected * (1 + t1 / max(t0, 1e-9)), 1.0))
    beyond = np.maximum(np.abs(z) - shifts.ALLOWANCE, 0.0)
    return np.asarray(np.sign(z) * np.log1p(beyond))


def _seconds(view: View) -> tuple[float, float]:
    begin, end = view.abnormal
    return (sum((e - s).total_seconds() for s, e in view.normal), (end - begin).total_seconds())


def _of_metrics(view: View, index: pd.Index) -> dict[str, np.ndarray]:
    matrix = view.arrays.matrix
    if matrix is None:
        return dict.fromkeys(_METRICS, np.zeros(len(index)))
    own = matrix.about["peer_service"].isna().to_numpy()
    z = shift(matrix.values[:, own], *view.sides(matrix))
    owner = index.get_indexer(matrix.about.loc[own, "owner"].to_numpy(dtype=object))
    z, owner = z[owner >= 0], owner[owner >= 0]
    size = np.log1p(np.abs(z))
    moved = np.bincount(owner, size > _BEYOND, len(index))
    most = np.maximum(np.bincount(owner, minlength=len(index)), 1)
    return {"metric_up": _most(np.where(z > 0, size, 0.0), owner, len(index)),
            "metric_down": _most(np.where(z < 0, size, 0.0), owner, len(index)),
            "metric_beyond": moved / most}


def _most(value: np.ndarray, owner: np.ndarray, n: int) -> np.ndarray:
    made = np.zeros(n)
    np.maximum.at(made, owner, value)
    return made


def _of_logs(view: View, index: pd.Index) -> dict[str, np.ndarray]:
    logs = view.arrays.logs
    if logs is None:
        return dict.fromkeys(_LOGS, np.zeros(len(index)))
    at = index.get_indexer(logs.service)
    normal, abnormal = view.sides(logs)
    assert view.case.logs is not None
    bad = view.case.logs["severity_number"].to_numpy() >= _ERROR
    known = at >= 0
    return {"lines_rate": _rates(at[known], normal[known], abnormal[known], len(index), view),
            "error_lines": _rates(at[known & bad], normal[known & bad], abnormal[known & bad],
                                  len(index), view)}


def _place(view: View, index: pd.Index, calls: np.ndarray) -> dict[str, np.ndarray]:
    case, n = view.case, len(index)
    symptom = None if case.symptom is None else case.symptom["service"]
    speaks = [] if view.arrays.spans is None else list(view.arrays.spans.services)
    measured = [] if view.arrays.matrix is None else list(view.arrays.matrix.about["owner"])
    return {"is_edge": index.str.contains("->", regex=False).astype(float),
            "is_entry": np.asarray(index == case.entry_service, dtype=float),
            "is_symptom": np.asarray(index == symptom, dtype=float),
            "callers": np.log1p(np.bincount(calls[1], minlength=n)),
            "callees": np.log1p(np.bincount(calls[0], minlength=n)),
            "speaks": index.isin(speaks).astype(float),
            "measured": index.isin(measured).astype(float)}


def _standing(terms: pd.DataFrame, index: pd.Index, calls: np.ndarray) -> dict[str, np.ndarray]:
    """What the default ranker makes of it: the sum, against the largest, against callees'."""
    total = terms.sum(axis=1).to_numpy()
    below = np.zeros(len(index))
    np.maximum.at(below, calls[0], total[calls[1]])
    largest = max(float(total.max(initial=0.0)), 1e-9)
    return {"total": np.log1p(np.maximum(total, 0.0)), "total_share": total / largest,
            "total_over_callees": (total - below) / largest,
            "first": (total >= largest).astype(float)}


def _case(view: View, index: pd.Index, calls: np.ndarray) -> dict[str, np.ndarray]:
    case, spans = view.case, view.arrays.spans
    normal, abnormal = (np.zeros(1), np.zeros(1)) if spans is None else view.sides(spans)
    past = view.memory.get("alerts")
    told = {f"with_{name}": view.case.tables.get(name) is not None
            for name in ("traces", "metrics", "logs", "alerts")}
    told |= {"with_calls": bool(calls.size), "with_symptom": case.symptom is not None,
             "with_past": bool(past is not None and past.incidents)}
    numbers = {"suspects": np.log1p(len(index)), "requests_before": np.log1p(normal.sum()) / 3,
               "requests_during": np.log1p(abnormal.sum()) / 3}
    return {name: np.array(float(value)) for name, value in (told | numbers).items()}


def _verdict(view: View, terms: pd.DataFrame) -> dict[str, np.ndarray]:
    """How sure the default ranker is, whether it abstains, whether users felt anything."""
    blame = ordered(view.case, terms.sum(axis=1))
    return {"confidence": np.array(confidence(blame)),
            "abstains": np.array(float(abstains(blame, terms, view))),
            "harmed": np.array(float(harmed(view)))}


# --- links -------------------------------------------------------------------------------
def _links(view: View, index: pd.Index) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """from and to, what is known of them, and the calls alone (caller, callee)."""
    calls = _pairs(view.arrays.edges, index)
    on = _on_calls(view, index, calls)
    parts: list[_Part] = [(calls, "calls", on), (calls[::-1], "called_by", on)]
    parts += _of_edges(index, calls, on)
    parts += [(_same_host(view, index), "same_host", None)]
    links = np.concatenate([pair for pair, _, _ in parts], axis=1)
    about = [_labelled(kind, pair.shape[1], numbers) for pair, kind, numbers in parts]
    return links, np.concatenate(about).astype(np.float32), calls


def _pairs(edges: pd.DataFrame, index: pd.Index) -> np.ndarray:
    """Numbers of (caller, callee), int (2, m), each once, none to itself."""
    both = np.stack([index.get_indexer(edges[end].to_numpy(dtype=object))
                     for end in ("caller", "callee")])
    both = both[:, (both >= 0).all(axis=0) & (both[0] != both[1])]
    return np.unique(both, axis=1) if both.size else np.zeros((2, 0), dtype=int)


def _labelled(kind: str, n: int, numbers: np.ndarray | None) -> np.ndarray:
    made = np.zeros((n, len(LINKS)))
    made[:, KINDS.index(kind)] = 1.0
    if numbers is not None:
        made[:, len(KINDS):] = numbers
    return made


def _on_calls(view: View, index: pd.Index, calls: np.ndarray) -> np.ndarray:
    """What client spans say of each call (m, len(ON_CALLS)); zeros where there are none."""
    made, spans = np.zeros((calls.shape[1], len(ON_CALLS))), view.arrays.spans
    if spans is None or not calls.size:
        return made
    caller = index.get_indexer(np.asarray(spans.services, dtype=object))[spans.service]
    callee = index.get_indexer(spans.callee)
    number = pd.Series(np.arange(calls.shape[1]), calls[0] * len(index) + calls[1])
    edge = number.reindex(caller * len(index) + callee).fillna(-1).to_numpy(dtype=int)
    rows = np.flatnonzero(spans.client & (edge >= 0) & (caller >= 0) & (callee >= 0))
    sides = view.sides(spans)
    answered = rows[spans.answer[rows] >= 0]
    gap = spans.duration.copy()
    gap[answered] -= spans.duration[spans.answer[answered]]
    made[:, 0] = _by_operation(spans, answered, edge, gap, sides, calls.shape[1])
    made[:, 1] = _by_operation(spans, rows, edge, spans.duration, sides, calls.shape[1])
    at, (normal, abnormal) = edge[rows], (side[rows] for side in sides)
    made[:, 2] = _failing(spans.failed[rows], at, normal, abnormal, calls.shape[1])
    made[:, 3] = _rates(at, normal, abnormal, calls.shape[1], view)
    often = np.bincount(at[normal], minlength=calls.shape[1])
    whole = np.bincount(calls[0], often, len(index))[calls[0]]
    made[:, 4] = often / np.maximum(whole, 1)
    return made


def _by_operation(spans: Spans, rows: np.ndarray, edge: np.ndarray, value: np.ndarray,
                  sides: tuple[np.ndarray, np.ndarray], n: int) -> np.ndarray:
    group, keys = pd.factorize(edge[rows] * len(spans.operations) + spans.operation[rows])
    moved = _moved(spans, rows, group, value, *sides, len(keys))
    return _furthest(moved, keys // len(spans.operations), n)


def _of_edges(index: pd.Index, calls: np.ndarray, on: np.ndarray
              ) -> list[_Part]:
    """Suspects that are calls (``a->b``), joined with both of their ends, both ways."""
    names = index.to_numpy(dtype=object)
    told = [f"{names[a]}->{names[b]}" for a, b in calls.T]
    at = index.get_indexer(pd.Index(told, dtype=object))
    known = at >= 0
    edge, caller, callee, on = at[known], calls[0][known], calls[1][known], on[known]
    ends = ((edge, caller, "edge_of_caller"), (caller, edge, "caller_of_edge"),
            (edge, callee, "edge_of_callee"), (callee, edge, "callee_of_edge"))
    return [(np.stack([one, other]), kind, on) for one, other, kind in ends]


def _same_host(view: View, index: pd.Index) -> np.ndarray:
    """Services that say in their spans that they share a host, and the host where it is a
    suspect, in pairs both ways."""
    hosts = _hosts(view)
    hosts = hosts[hosts.index.isin(index)]
    hosts = pd.concat([hosts, pd.Series({name: name for name in hosts.unique()
                                         if name in index and name not in hosts.index},
                                        dtype=object)])
    frame = pd.DataFrame({"host": hosts.to_numpy(), "at": index.get_indexer(hosts.index)})
    crowd = frame.groupby("host")["at"].transform("size")  # where all are, it tells of nobody
    both = frame[crowd <= _CROWD].merge(frame, on="host")
    both = both[both["at_x"] != both["at_y"]]
    return both[["at_x", "at_y"]].to_numpy(dtype=int).T


def _hosts(view: View) -> pd.Series:
    """Host by service, of those whose spans name it: where its first span ran."""
    table = view.case.traces
    if table is None or "attributes" not in table:
        return pd.Series(dtype=object)
    told = table[table["attributes"].notna()].sort_values(["start", "trace_id", "span_id"])
    one = told.drop_duplicates("service").set_index("service")
    hosts = one["attributes"].map(lambda each: next(
        (value for key in _HOSTS for name, value in dict(each).items() if name == key), None))
    return hosts.dropna().astype(object)
