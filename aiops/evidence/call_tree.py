"""The tree that calls make of spans: whose child each is, what no child covers, who calls whom.

Arrays have one entry a span; a span is named by its position in the table, -1 is none.
"""

from __future__ import annotations

import numpy as np
import pandas as pd


def parents(spans: pd.DataFrame) -> np.ndarray:
    """Position of each span's parent within its trace, int (n_spans,).

    A span id alone is not unique. Of spans that share trace and id the first is the parent.

    Args:
        spans: trace_id, span_id, parent_span_id (null for a root).
    """
    n = len(spans)
    trace = pd.factorize(spans["trace_id"])[0].astype(np.int64)
    ids = pd.concat([spans["span_id"], spans["parent_span_id"]], ignore_index=True)
    number = pd.factorize(ids)[0]  # -1 where null
    width = number.max(initial=0) + 1
    key, first = np.unique(trace * width + number[:n], return_index=True)
    wanted = trace * width + number[n:]
    at = np.minimum(np.searchsorted(key, wanted), len(key) - 1)
    return np.where((number[n:] >= 0) & (key[at] == wanted), first[at], -1)


def crossing(parent: np.ndarray, service: np.ndarray) -> np.ndarray:
    """Positions of the spans whose parent is of another service, ascending."""
    child = np.flatnonzero(parent >= 0)
    found: np.ndarray = child[service[child] != service[parent[child]]]
    return found


def covered(parent: np.ndarray, start: np.ndarray, duration: np.ndarray) -> np.ndarray:
    """Nanoseconds of each span that the union of its children covers, int64 (n_spans,).

    Args:
        start, duration: int64 nanoseconds.
    """
    child = np.flatnonzero(parent >= 0)
    up = parent[child]
    begin = np.clip(start[child] - start[up], 0, duration[up])
    end = np.clip(start[child] - start[up] + duration[child], 0, duration[up])
    order = np.lexsort((begin, up))
    up, begin, end = up[order], begin[order], end[order]
    seen = pd.Series(end).groupby(up).cummax().to_numpy()
    same = up[1:] == up[:-1]
    begin[1:][same] = np.maximum(begin[1:], seen[:-1])[same]  # what an earlier child covers
    added = np.clip(end - begin, 0, None)
    return np.bincount(up, weights=added, minlength=len(parent)).astype(np.int64)


def edges(spans: pd.DataFrame) -> pd.DataFrame:
    """Who calls whom, by Case traces: see ``edges_of``."""
    peer = spans["peer_service"] if "peer_service" in spans else pd.Series(None, spans.index)
    return edges_of(spans["service"].to_numpy(dtype=object), parents(spans),
                    peer.to_numpy(dtype=object))


def edges_of(service: np.ndarray, parent: np.ndarray, peer: np.ndarray) -> pd.DataFrame:
    """Who calls whom, a row a pair: caller, callee.

    A call is seen by who answered it, else by whom the span that makes it names.

    Args:
        service: names (n_spans,).
        peer: the service that each span names as the one it calls, null where it names none.
    """
    answer = crossing(parent, service)
    told = pd.notna(peer)
    told[parent[answer]] = False
    return pd.DataFrame({"caller": np.r_[service[parent[answer]], service[told]],
                         "callee": np.r_[service[answer], peer[told]]}
                        ).drop_duplicates(ignore_index=True)
