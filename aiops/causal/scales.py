"""Centre and unit-free scale of columns, so that no unit decides anything."""

from __future__ import annotations

import numpy as np

_IQR, _RANGE = 1.35, 3.29  # of a normal distribution, in standard deviations
_LEAST = 0.01  # of |median|
_ROUNDING = 1e-9  # of the largest quantile: a spread within it is none


def robust(values: np.ndarray, also: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Median and scale by column, float (n_columns,).

    The scale is IQR / 1.35, where that is 0 the 5-95 % range / 3.29, then the standard deviation,
    each 0 where it is of rounding errors alone (of counters taken from each other, whose steps are
    never quite the same), and never below 1 % of |median|. A column that never moved has a tenth
    of its largest value, of ``also`` too: one that was always 0 then moves by at most ten scales.
    Without any value the scale is 1.

    Args:
        values: (n_rows, n_columns), NaN where nothing was measured.
        also: values of the incident, which only decide where ``values`` are all 0.
    """
    low, quarter, centre, upper, high = quantiles(values, (0.05, 0.25, 0.5, 0.75, 0.95))
    size = np.maximum(np.abs(low), np.abs(high))
    scale = np.zeros_like(centre)
    for spread in ((upper - quarter) / _IQR, (high - low) / _RANGE, _deviation(values)):
        scale = np.where(scale > 0, scale, np.where(spread > _ROUNDING * size, spread, 0.0))
    for side in (values, also):
        largest = np.abs(np.nan_to_num(side)).max(axis=0, initial=0.0)
        scale = np.where(scale > 0, scale, largest / 10)
    scale = np.maximum(scale, _LEAST * np.abs(centre))
    return centre, np.where(scale > 0, scale, 1.0)


def quantiles(values: np.ndarray, levels: tuple[float, ...]) -> np.ndarray:
    """Quantiles (n_levels, n_columns) over rows, NaN left out; 0 where a column has none."""
    ascending = np.sort(values, axis=0)  # NaN last
    n, column = (~np.isnan(values)).sum(axis=0), np.arange(values.shape[1])
    at = np.maximum(n - 1, 0) * np.asarray(levels)[:, None]
    low = np.floor(at).astype(int)
    below, above = (ascending[i, column] for i in (low, np.minimum(low + 1, np.maximum(n - 1, 0))))
    made: np.ndarray = np.nan_to_num(below + (above - below) * (at - low))
    return made


def _deviation(values: np.ndarray) -> np.ndarray:
    """Standard deviation by column."""
    centre = means(values)
    made: np.ndarray = np.sqrt(means((values - centre) ** 2))
    return made


def means(values: np.ndarray) -> np.ndarray:
    """Mean by column, NaN left out; 0 where a column has none."""
    n = (~np.isnan(values)).sum(axis=0)
    made: np.ndarray = np.nansum(values, axis=0) / np.maximum(n, 1)
    return made


def filled(values: np.ndarray) -> np.ndarray:
    """Missing values as the column's mean, which moves neither a slope's sign nor a mean."""
    made: np.ndarray = np.where(np.isnan(values), means(values), values)
    return made
