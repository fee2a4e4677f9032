"""From a frame to a matrix: the checks that every detector makes of its X."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from aiops.errors import InputError


def matrix(X: pd.DataFrame, columns: Sequence[str] | None = None) -> np.ndarray:
    """X as float64 (n_windows, n_columns) in the order of ``columns``; nulls become NaN.

    Raises:
        InputError: X is no frame, or a column is missing, unknown, no number or infinite.
    """
    if not isinstance(X, pd.DataFrame):
        raise InputError(f"X must be a pandas DataFrame, one row a window. Got {type(X).__name__}.")
    columns = list(X.columns) if columns is None else list(columns)
    _same_columns(list(X.columns), columns)
    no_numbers = [c for c in columns if not pd.api.types.is_numeric_dtype(X[c])]
    if no_numbers:
        raise InputError(
            f"Columns of X must be numeric. Got {no_numbers} of types "
            f"{[str(X[c].dtype) for c in no_numbers]}. Convert or leave them out.")
    values = X[columns].to_numpy(dtype=np.float64, na_value=np.nan)
    if np.isinf(values).any():
        infinite = [c for c, bad in zip(columns, np.isinf(values).any(axis=0), strict=True) if bad]
        raise InputError(f"X must be finite or null. Got infinite values in {infinite}.")
    return values


def _same_columns(got: list[str], wanted: list[str]) -> None:
    if len(set(got)) != len(got):
        raise InputError(f"Columns of X must be distinct. Got {got}.")
    missing = sorted(set(wanted) - set(got), key=str)
    unknown = sorted(set(got) - set(wanted), key=str)
    if missing or unknown:
        raise InputError(
            f"X must have the columns that the detector was fitted on, {wanted}. "
            f"Missing: {missing}; unknown: {unknown}.")
