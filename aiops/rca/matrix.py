"""Metrics of a Case as a matrix: a row a time step, a column a series."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from aiops.case import Case
from aiops.rca.instances import owner
from aiops.rca.shifts import ALLOWANCE

BLOCKS, BLOCK_ROWS = 8, 8
_KEY = ("service", "name", "instance", "peer_service")
_LEAST_SHARE, _LEAST_ROWS = 0.2, 4  # of normal rows: a column that was hardly there says nothing


class Matrix:
    """Values (n_times, n_columns), NaN where nothing was measured.

    Attributes:
        about: a row a column: service, name, instance, peer_service, and owner, the suspect
            that it tells about (the instance where instances are the suspects).
        times: start of each row in ns; ``step`` ns long, the usual distance of a column's points.
    """

    def __init__(self, case: Case) -> None:
        assert case.metrics is not None
        table = case.metrics
        column, self.about = _columns(table, set(case.suspects))
        time = table["time"].dt.as_unit("ns").astype("int64").to_numpy()
        self.step = _step(column, time)
        bucket = (time - time.min()) // self.step if len(time) else time
        rows, row = np.unique(bucket, return_inverse=True)
        self.times = rows * self.step + (time.min() if len(time) else 0)
        shape = (len(rows), len(self.about))
        cell = row * shape[1] + column
        n = np.bincount(cell, minlength=shape[0] * shape[1])
        total = np.bincount(cell, weights=table["value"].to_numpy(), minlength=len(n))
        with np.errstate(invalid="ignore"):
            self.values = np.where(n > 0, total / np.maximum(n, 1), np.nan).reshape(shape)

    @property
    def begun(self) -> np.ndarray:
        """The middle of each row, which decides the window that it is in."""
        made: np.ndarray = self.times + self.step // 2
        return made


def shift(values: np.ndarray, normal: np.ndarray, abnormal: np.ndarray) -> np.ndarray:
    """By column: scales that the abnormal mean lies off normal, beyond its sampling error, signed.

    A column that was 0 throughout and moved gets ten times the share of rows that moved: the
    mean of a flag, which has no unit.

    Args:
        values: (n_times, n_columns); ``normal`` and ``abnormal`` choose rows.
    """
    calm, now = values[normal], values[abnormal]
    n, m = (~np.isnan(calm)).sum(axis=0), (~np.isnan(now)).sum(axis=0)
    centre, scale = robust(calm)
    mean = np.nansum(now, axis=0) / np.maximum(m, 1)
    off = mean - centre
    flag = 10 * np.sign(off) * (np.nan_to_num(now) != 0).sum(axis=0) / np.maximum(m, 1)
    z = np.where(scale > 0, off / np.where(scale > 0, scale, 1), flag)
    few = stats.t.ppf(0.995, np.maximum(n - 1, 1)) / stats.norm.ppf(0.995)
    allowed = ALLOWANCE * few * np.sqrt(1 / np.maximum(n, 1) + 1 / np.maximum(m, 1))
    there = (n >= _LEAST_SHARE * len(calm)) & (n >= _LEAST_ROWS) & (m > 0)
    return np.where(there, np.sign(z) * np.maximum(np.abs(z) - allowed, 0), 0.0)


def robust(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centre and unit-free scale by column; they stand two fifths of foreign rows.

    Medians over eight blocks in time of each block's quartiles, so that an incident at the end
    of the normal window moves neither. The scale is IQR/1.35, else the 5-95 % range/3.29, and
    never below 1 % of the centre nor below half the smallest step between values (a counter's
    resolution); a column that never moved takes a tenth of its largest value.
    """
    if not len(values):
        return np.zeros(values.shape[1]), np.zeros(values.shape[1])
    blocks = BLOCKS if len(values) >= BLOCKS * BLOCK_ROWS else 1
    quartiles = np.array([quantiles(np.sort(part, axis=0), (0.25, 0.5, 0.75))
                          for part in np.array_split(values, blocks)])
    low, centre, high = _nanmedian(quartiles)
    ascending = np.sort(values, axis=0)
    p5, p95 = quantiles(ascending, (0.05, 0.95))
    scale = np.where(high > low, (high - low) / 1.35, np.nan_to_num(p95 - p5) / 3.29)
    largest = np.nanmax(np.abs(np.nan_to_num(values)), axis=0)
    scale = np.where(scale > 0, scale, largest / 10)
    return np.nan_to_num(centre), np.maximum.reduce(
        [scale, 0.01 * np.abs(np.nan_to_num(centre)), _resolution(ascending) / 2])


def quantiles(ascending: np.ndarray, levels: Sequence[float]) -> np.ndarray:
    """Quantiles (n_levels, n_columns) of sorted columns, NaN last; NaN where a column is empty."""
    n, column = (~np.isnan(ascending)).sum(axis=0), np.arange(ascending.shape[1])
    at = np.maximum(n - 1, 0) * np.asarray(levels)[:, None]
    low = np.floor(at).astype(int)
    high = np.minimum(low + 1, np.maximum(n - 1, 0))
    below, above = ascending[low, column], ascending[high, column]
    made: np.ndarray = below + (above - below) * (at - low)
    return made


def _nanmedian(stack: np.ndarray) -> np.ndarray:
    """Median over the first axis, blocks without values left out."""
    if len(stack) == 1:
        return stack[0]
    ascending = np.sort(stack, axis=0)
    n = (~np.isnan(stack)).sum(axis=0)
    low, high = np.maximum(n - 1, 0) // 2, np.maximum(n - 1, 0) - np.maximum(n - 1, 0) // 2
    pick = [np.take_along_axis(ascending, at[None], axis=0)[0] for at in (low, high)]
    made: np.ndarray = (pick[0] + pick[1]) / 2
    return made


def _resolution(ascending: np.ndarray) -> np.ndarray:
    steps = np.diff(ascending, axis=0)
    steps = np.where(steps > 0, steps, np.inf)
    least = steps.min(axis=0, initial=np.inf)
    return np.where(np.isfinite(least), least, 0.0)


def _columns(table: pd.DataFrame, suspects: set[str]) -> tuple[np.ndarray, pd.DataFrame]:
    """The column's number of each row, and what each column is."""
    code = np.zeros(len(table), dtype=np.int64)
    for key in _KEY:
        if key in table:
            part, names = pd.factorize(table[key], sort=True, use_na_sentinel=True)
            code = pd.factorize(code * (len(names) + 1) + part + 1, sort=True)[0]
    _, first = np.unique(code, return_index=True)
    about = table.iloc[first].reindex(columns=list(_KEY)).reset_index(drop=True).astype(object)
    return code, about.assign(owner=owner(about, suspects))


def _step(column: np.ndarray, time: np.ndarray) -> int:
    order = np.lexsort((time, column))
    apart = np.diff(time[order])[np.diff(column[order]) == 0]
    apart = apart[apart > 0]
    return int(np.median(apart)) if len(apart) else 1
