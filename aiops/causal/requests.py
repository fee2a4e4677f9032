"""What spans say as variables: how a service answers, what lies on a call, and who calls how often.

Mean latencies are used, not percentiles: only means add up along calls, so that a caller's mean
latency is its own time plus, for each callee, calls a request times the callee's mean latency.
These slopes are counted in the traces and need no fit.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from aiops.evidence import call_tree

LATENCY, ERRORS, LOAD = "span_latency", "span_errors", "span_load"
_LEAVING = ("client", "producer")


class Seen(NamedTuple):
    """One row an answer: who answered (a service, or an edge ``a->b``), how long, failed or not.

    ``begun`` is when its trace began, in ns: all of a request counts to one step.
    """

    owner: np.ndarray
    begun: np.ndarray
    ms: np.ndarray
    failed: np.ndarray


class Requests(NamedTuple):
    """Answers of services and of edges, and the calls between services.

    ``calls`` has a row a call: caller, callee, begun, and ``waited``, the share of the call's time
    that its caller waited for (0 for a message that is handled later).
    """

    services: Seen
    edges: Seen
    calls: pd.DataFrame


def requests(spans: pd.DataFrame) -> Requests:
    """Case traces as answers and calls.

    A service answers by its entering spans: those whose parent is of another service, or missing.
    Who sends no spans (a database) answers by its callers' client spans. An edge is what a client
    span takes beyond the answer; it fails where nobody answered who else does.
    """
    service = spans["service"].to_numpy(dtype=object)
    parent = call_tree.parents(spans)
    start = spans["start"].dt.as_unit("ns").astype("int64").to_numpy()
    begun = pd.Series(start).groupby(spans["trace_id"].to_numpy()).transform("min").to_numpy()
    duration = spans["duration_ns"].to_numpy()
    failed = _column(spans, "status_code") == "error"
    leaving = np.isin(_column(spans, "kind").astype(str), _LEAVING)
    peer, speaks = _column(spans, "peer_service"), set(service)
    answer = np.full(len(spans), -1)
    crossing = call_tree.crossing(parent, service)
    answer[parent[crossing]] = crossing
    told = leaving & (answer < 0) & pd.notna(peer)
    silent = told & ~np.isin(peer.astype(str), list(speaks))
    entering = (parent < 0) | (service != service[parent])
    own, mute = np.flatnonzero(entering), np.flatnonzero(silent)
    rows = np.r_[own, mute]
    services = Seen(np.r_[service[own], peer[mute]], begun[rows], duration[rows] / 1e6,
                    failed[rows])
    via = np.flatnonzero((leaving & (answer >= 0)) | (told & ~silent))
    lost = answer[via] < 0
    callee = np.where(lost, peer[via], service[answer[via]])
    edges = Seen(_named(service[via], callee), begun[via],
                 (duration[via] - np.where(lost, 0, duration[answer[via]])) / 1e6, lost)
    made = np.r_[crossing, mute, via[lost]]
    calls = _calls(service, peer, parent, start, duration, made)
    return Requests(services, edges, calls.assign(begun=begun[made]))


def _calls(service: np.ndarray, peer: np.ndarray, parent: np.ndarray, start: np.ndarray,
           duration: np.ndarray, made: np.ndarray) -> pd.DataFrame:
    """A row a call that an answer, or else the client's span, shows."""
    up = parent[made]
    apart = (up >= 0) & (service[made] != service[up])
    caller = np.where(apart, service[up], service[made])
    callee = np.where(apart, service[made], peer[made])
    begin = np.maximum(start[made], start[up])
    end = np.minimum(start[made] + duration[made], start[up] + duration[up])
    inside = np.clip(end - begin, 0, None) / np.maximum(duration[made], 1)
    return pd.DataFrame({"caller": caller, "callee": callee,
                         "waited": np.where(up >= 0, np.minimum(inside, 1.0), 1.0)})


def slopes(seen: Requests, calls: np.ndarray, answers: np.ndarray) -> pd.DataFrame:
    """By edge: ``calls``, calls a request of the caller, and ``waited``, those that it waits for.

    Args:
        calls, answers: which count, bool (n_calls,) and (n_answers,): those of normal operation.
    """
    of = pd.Series(seen.services.owner[answers]).value_counts()
    by_edge = seen.calls[calls].groupby(["caller", "callee"])["waited"].agg(
        calls="size", waited="sum")
    per = of.reindex(by_edge.index.get_level_values("caller")).to_numpy()
    return by_edge.div(per, axis=0).dropna()


def _named(caller: np.ndarray, callee: np.ndarray) -> np.ndarray:
    made: np.ndarray = caller.astype(object) + "->" + callee.astype(object)
    return made


def _column(spans: pd.DataFrame, name: str) -> np.ndarray:
    if name not in spans:
        return np.full(len(spans), None, dtype=object)
    made: np.ndarray = spans[name].to_numpy(dtype=object)
    return made
