"""A detector as MLflow serves it: rows of features in, one score a row out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.pyfunc import PythonModel, PythonModelContext

from aiops.errors import InputError
from aiops.features.invariants import NEVER_NEGATIVE
from aiops.schema import MODEL_FEATURES
from aiops.serving import times
from aiops.tracking import load_file
from aiops.tracking.registry import ARTIFACT, KEYS


class ServedDetector(PythonModel):
    """Scores rows of service, window_start (RFC 3339) and the model features.

    The rows of one request are one stretch of telemetry, in any order. A service that was
    not seen in training is scored by the pooled detector.
    """

    def load_context(self, context: PythonModelContext) -> None:
        """Open the detector's file; anything but skops of our own types is refused."""
        self.detector = load_file(context.artifacts[ARTIFACT])

    def predict(self, context: PythonModelContext, model_input: pd.DataFrame,
                params: dict[str, Any] | None = None) -> pd.DataFrame:
        """One ``score`` a row, float64, higher is more anomalous; bad rows raise status 400."""
        try:
            return pd.DataFrame({"score": _finite(self.detector.score(rows(model_input)))})
        except InputError as error:
            raise MlflowException.invalid_parameter_value(str(error)) from error


def rows(given: pd.DataFrame) -> pd.DataFrame:
    """The rows as a detector takes them: window_start in UTC, absent features null.

    Raises:
        InputError: says which rows and columns cannot be scored, and what is allowed.
    """
    if not set(MODEL_FEATURES) & set(given.columns):
        raise InputError(f"the rows have no feature. Give one or more of {[*MODEL_FEATURES]}.")
    wanted = given.reindex(columns=[*KEYS, *MODEL_FEATURES]).reset_index(drop=True)
    return pd.DataFrame({
        "service": _services(wanted["service"]), "window_start": _times(wanted["window_start"]),
        **{name: _numbers(wanted[name]) for name in MODEL_FEATURES}})


def _services(given: pd.Series) -> pd.Series:
    nameless = given.map(lambda name: not isinstance(name, str) or not name.strip())
    _refuse(nameless, "service is null or empty", "Give the name of the service.")
    return given


def _times(given: pd.Series) -> pd.Series:
    found = times.parsed(given)
    _refuse(found.isna(), "window_start is no time of RFC 3339",
            f"Give one with its offset, like {times.EXAMPLE}.")
    return found


def _numbers(given: pd.Series) -> pd.Series:
    numbers = given.astype(np.float64)
    _refuse(np.isinf(numbers), f"{given.name} is infinite", "Give a finite number, or null.")
    if given.name in NEVER_NEGATIVE:
        _refuse(numbers < 0, f"{given.name} is negative", "Give 0 or more, or null.")
    if given.name == "error_rate":
        _refuse((numbers < 0) | (numbers > 1), "error_rate is no share", "Give 0 to 1, or null.")
    return numbers


def _finite(scores: np.ndarray) -> np.ndarray:
    """JSON has no infinity, and a score that overflowed says nothing."""
    _refuse(pd.Series(~np.isfinite(scores)), "a feature is too large to be scored",
            "Give it in the unit that its name tells.")
    return scores


def _refuse(bad: pd.Series, fault: str, allowed: str) -> None:
    if bad.any():
        where = ", ".join(map(str, np.flatnonzero(bad)[:5])) + (", …" if bad.sum() > 5 else "")
        raise InputError(
            f"{fault} in {int(bad.sum())} of {len(bad)} rows (from 0: {where}). {allowed}")
