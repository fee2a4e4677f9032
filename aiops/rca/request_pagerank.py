"""MicroRank's PageRank: operations are as suspicious as the requests they are in, and back."""

from __future__ import annotations

import numpy as np
from scipy import sparse

_DAMPING, _CALLS, _ROUNDS = 0.85, 0.01, 25


def ones(rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]) -> sparse.csr_matrix:
    """A sparse matrix with 1 wherever (row, column) is listed, however often."""
    made = sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=shape)
    made.data[:] = 1.0
    return made


def preference(inside: sparse.csr_matrix, spans: np.ndarray, slow: bool) -> np.ndarray:
    """By request: how much it counts; the rarer its kind (and the fewer its spans) the more.

    Args:
        inside: operations x requests, 1 where the request has the operation.
        spans: number of spans by request.
        slow: the requests are the slow ones, of which few spans count too.
    """
    packed = np.packbits(inside.T.toarray().astype(bool), axis=1)
    kind, size = np.unique(packed, axis=0, return_inverse=True, return_counts=True)[1:]
    alike = size[kind.ravel()].astype(float)
    if not slow:
        return 1 / alike / (1 / alike).sum()
    return 0.5 / (alike * 0.5 / (1 / alike).sum() + 1 / spans) / (1 / spans).sum()


def pagerank(calls: sparse.csr_matrix, inside: sparse.csr_matrix,
              prefer: np.ndarray) -> np.ndarray:
    """Weight of each operation, the largest 1.

    Args:
        calls: operations x operations, 1 where the column's calls the row's.
        inside: as in ``preference``. prefer: weight of each request, summing to about 1.
    """
    to_child, to_operation, to_request = (_shares(each) for each in (calls, inside, inside.T))
    operations, requests = np.ones(inside.shape[0]), np.ones(inside.shape[1])
    for _ in range(_ROUNDS):
        new = _DAMPING * (to_operation @ requests + _CALLS * (to_child @ operations))
        requests = _DAMPING * (to_request @ operations) + (1 - _DAMPING) * prefer
        operations, requests = new / new.max(), requests / requests.max()
    return np.round(operations, 12)


def _shares(ones: sparse.csr_matrix) -> sparse.csr_matrix:
    """Columns that add up to 1."""
    total = np.asarray(ones.sum(axis=0)).ravel()
    return sparse.csr_matrix(ones @ sparse.diags(1 / np.maximum(total, 1)))
