"""Columns side by side in time, and the column that the symptom is told by."""

from __future__ import annotations

import numpy as np
import pandas as pd

from aiops.case import Case
from aiops.errors import CaseError
from aiops.rca.graph import entries
from aiops.rca.series import Columns, shift

# What an alert on requests states, in the columns that spans become.
_OF_REQUESTS = {"latency": "span_latency_p95", "errors": "span_error_rate"}


def symptom(case: Case, made: Columns) -> tuple[int, pd.Index]:
    """The symptom's column, and the columns of other services that are compared with it.

    A stated symptom is the column of its metric (``latency`` and ``errors``, where no column
    is called so, are those of the service's spans), compared with columns of the same name.
    Where none is stated it is how the entry service answers (latency of its spans; where there
    are none, whichever of its columns lies furthest off normal), compared with all columns. Of
    several that fit, as of instances, it is the one furthest off normal.

    Raises:
        CaseError: no symptom is stated and there is no entry, or neither has columns.
    """
    told = case.symptom
    services = [told["service"]] if told else entries(case)
    off = shift(made).abs()
    own = made.about.loc[off.index][lambda about: about["service"].isin(services)]
    fitting = own[own["name"].isin(_names(own, told["metric"]))] if told else _answers(own)
    if fitting.empty:
        raise CaseError(f"A symptom needs a column seen on both sides, of {', '.join(services)}"
                        + (f" and {told['metric']!r}. " if told else ". ")
                        + f"Got {', '.join(sorted(own['name'].unique())) or 'none'}.")
    target = off[fitting.index].sort_values(ascending=False, kind="stable").index[0]
    others = made.about[made.about["service"] != made.about.loc[target, "service"]]
    if told:
        others = others[others["name"] == made.about.loc[target, "name"]]
    return target, others.index


def _names(own: pd.DataFrame, metric: str) -> list[str]:
    return [metric] if own["name"].eq(metric).any() else [_OF_REQUESTS.get(metric, metric)]


def _answers(own: pd.DataFrame) -> pd.DataFrame:
    latency = own[own["name"] == _OF_REQUESTS["latency"]]
    return own if latency.empty else latency


def wide(side: pd.DataFrame) -> pd.DataFrame:
    """One side of ``Columns``: a row a time, a column a column; empty where there is no value."""
    return side.groupby(["time", "column"])["value"].mean().unstack()


def beside(side: pd.DataFrame, column: int, others: pd.Index) -> pd.DataFrame:
    """One column and others, in its steps: the others are averaged over each of them."""
    side = side[side["column"].isin([column, *others])]
    times = np.sort(side.loc[side["column"] == column, "time"].unique())
    if len(times) == 0:
        return pd.DataFrame(columns=[column, *others], dtype=float)
    step = np.median(np.diff(times)) if len(times) > 1 else np.timedelta64(1, "s")
    at = side["time"].to_numpy()
    number = np.searchsorted(times, at, side="right") - 1
    kept = (number >= 0) & (at - times[number] < step)
    return wide(side.assign(time=times[number])[kept]).reindex(columns=[column, *others])


def pearson(frame: pd.DataFrame, column: int) -> tuple[pd.Series, pd.Series]:
    """Correlation of every column with one, over the rows both have; and how many these are.

    It is empty for fewer than two rows and for a column that does not move over them.
    """
    x, y = frame.to_numpy(), frame[column].to_numpy()[:, None]
    both = ~np.isnan(x) & ~np.isnan(y)
    n = both.sum(axis=0)
    a, b = (_centred(np.where(both, each, 0.0), both, n) for each in (x, y))
    with np.errstate(invalid="ignore", divide="ignore"):
        r = (a * b).sum(axis=0) / np.sqrt((a * a).sum(axis=0) * (b * b).sum(axis=0))
    r = np.clip(np.round(r, 12), -1, 1)  # beyond 12 digits the order of sums would show
    return pd.Series(r, index=frame.columns), pd.Series(n, index=frame.columns)


def _centred(values: np.ndarray, both: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Deviations from the mean, scaled to at most 1; a spread of rounding errors is none."""
    mean = values.sum(axis=0) / np.maximum(n, 1)
    off = np.where(both, values - mean, 0.0)
    most = np.abs(off).max(axis=0, initial=0.0)
    return off / np.where(most > 1e-12 * np.abs(mean), most, np.inf)
