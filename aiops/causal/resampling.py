"""Rows drawn anew, in blocks, so that neighbours in time stay together."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import stats

from aiops.causal.model import StructuralModel
from aiops.errors import UsageError

RESAMPLES = 100


def resampled(model: StructuralModel, times: int, seed: int) -> Iterator[StructuralModel]:
    """The model learned anew from rows of both sides drawn with replacement.

    Blocks of n^(1/3) rows, round the end (circular block bootstrap: Politis and Romano, 1992).

    Raises:
        UsageError: times < 2.
    """
    if times < 2:
        raise UsageError("The resamples parameter must be at least 2: an interval is of what comes "
                         f"out of drawing anew. Got {times} instead.")
    rng = np.random.default_rng(seed)
    for _ in range(times):
        yield model.on(*(side[_blocks(rng, len(side))] for side in (
            model.normal, model.abnormal)))


def interval(draws: np.ndarray, value: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Bounds by column that hold at ``level``, around the value by the draws' standard deviation.

    Args:
        draws: (n_draws, n_columns). level: 0 to 1, exclusive.

    Raises:
        UsageError: level is no share.
    """
    if not 0 < level < 1:
        raise UsageError("The level parameter of an interval must be a share between 0 and 1, "
                         f"as 0.95. Got {level!r} instead.")
    half = draws.std(axis=0, ddof=1) * stats.norm.ppf(0.5 + level / 2)
    return value - half, value + half


def _blocks(rng: np.random.Generator, n: int) -> np.ndarray:
    length = max(1, round(n ** (1 / 3)))
    start = rng.integers(0, n, -(-n // length))
    made: np.ndarray = ((start[:, None] + np.arange(length)) % n).ravel()[:n]
    return made
