"""Requests of one session are alike: how far a number varies where sessions are what is drawn.

What a mean moves by when one cluster is left out, squared and summed over the clusters, is its
variance: the jackknife, CR3 of Bell and McCaffrey (Survey Methodology 28, 2002). It errs on the
wide side where clusters are few or of unlike size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Spread:
    """How far the old and the new version's number vary.

    Attributes:
        old, new: variance. both: covariance, of clusters that both versions served.
        n_old, n_new: clusters, those of equal size that would tell as much (Kish 1965).
    """

    old: float
    new: float
    both: float
    n_old: float
    n_new: float

    @property
    def difference(self) -> float:
        """Variance of new less old."""
        return max(self.old + self.new - 2 * self.both, 0.0)

    @property
    def df(self) -> float:
        """Degrees of freedom of it (Satterthwaite 1946); at least 1."""
        parts = np.array([self.old, self.new])
        n = np.array([self.n_old, self.n_new])
        if not parts.sum() > 0:
            return max(1.0, float(n.min()) - 1)
        return max(1.0, float(parts.sum()**2 / (parts**2 / np.maximum(n - 1, 1e-9)).sum()))


def spread(value: np.ndarray, new: np.ndarray, cell: np.ndarray, cluster: np.ndarray,
           weight: np.ndarray) -> Spread:
    """How far the weighted mean over cells of each version's mean varies.

    Args:
        value, new, cell, cluster: of each request (n,); every cell has two clusters or more of
            either version. weight: of each cell.
    """
    moved, sizes = _moves(value, new, cell, cluster, weight)
    there = [size > 0 for size in sizes]
    g = [int(each.sum()) for each in there]
    shrink = [(k - 1) / k for k in g]
    old, fresh = (float(shrink[a] * (moved[a]**2).sum()) for a in (0, 1))
    both = float(min(shrink) * (moved[0] * moved[1]).sum())
    worth = [float(size.sum()**2 / (size**2).sum()) for size in sizes]
    return Spread(old, fresh, both, *worth)


def _moves(value: np.ndarray, new: np.ndarray, cell: np.ndarray, cluster: np.ndarray,
           weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """By version and cluster: what its number moves by without the cluster, and its requests."""
    cells, clusters = len(weight), int(cluster.max()) + 1
    at = new.astype(int) * cells + cell
    n = np.bincount(at, minlength=2 * cells).astype(float)
    middle = np.bincount(at, value, 2 * cells) / np.maximum(n, 1)
    part, inverse = np.unique(at * clusters + cluster, return_inverse=True)
    size = np.bincount(inverse).astype(float)
    off = np.bincount(inverse, value - middle[at])
    of, which = part // clusters, part % clusters
    moved, sizes = np.zeros((2, clusters)), np.zeros((2, clusters))
    np.add.at(moved, (of // cells, which), weight[of % cells] * off / (n[of] - size))
    np.add.at(sizes, (of // cells, which), size)
    return moved, sizes
