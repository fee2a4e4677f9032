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


def interval(model: StructuralModel, draws: np.ndarray, value: np.ndarray, level: float
             ) -> tuple[np.ndarray, np.ndarray]:
    """Bounds by column that hold at ``level``, around the value by its standard error.

    By Student's t, for blocks are few: see ``errors``.

    Args:
        draws: (n_draws, n_columns), of the model resampled. level: 0 to 1, exclusive.

    Raises:
        UsageError: level is no share.
    """
    if not 0 < level < 1:
        raise UsageError("The level parameter of an interval must be a share between 0 and 1, "
                         f"as 0.95. Got {level!r} instead.")
    error, freedom = errors(model, draws)
    half = error * stats.t.ppf(0.5 + level / 2, freedom)
    return value - half, value + half


def errors(model: StructuralModel, draws: np.ndarray) -> tuple[np.ndarray, float]:
    """Standard errors by column, and their degrees of freedom.

    Of b blocks the draws show (b - 1) / b of the variance: the shorter side's count, which decides.

    Args:
        draws: (n_draws, n_columns), of the model resampled.
    """
    least = min(blocks(len(side)) for side in (model.normal, model.abnormal))
    made: np.ndarray = draws.std(axis=0, ddof=1) * np.sqrt(least / (least - 1))
    return made, least - 1


def blocks(n: int) -> float:
    """How many blocks n rows are."""
    return n / _length(n)


def _blocks(rng: np.random.Generator, n: int) -> np.ndarray:
    length = _length(n)
    start = rng.integers(0, n, -(-n // length))
    made: np.ndarray = ((start[:, None] + np.arange(length)) % n).ravel()[:n]
    return made


def _length(n: int) -> int:
    """Rows of a block, of n."""
    return max(1, round(n ** (1 / 3)))
