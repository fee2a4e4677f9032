"""A detector as MLflow serves it: rows of features in, one score a row out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.pyfunc import PythonModel, PythonModelContext

from aiops.errors import InputError
from aiops.schema import MODEL_FEATURES
from aiops.tracking import load_file
from aiops.tracking.registry import ARTIFACT, KEYS


class ServedDetector(PythonModel):
    """Scores rows of service, window_start (UTC) and the model features.

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
            return pd.DataFrame({"score": self.detector.score(rows(model_input))})
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
    for key in KEYS:
        _refuse(wanted[key].isna(), key, "is null", "A row needs its service and window start")
    _refuse(wanted.service.map(lambda s: not isinstance(s, str) or not s.strip()), "service",
            "is no text", "Give the service's name")
    numbers = wanted[[*MODEL_FEATURES]].astype(np.float64)
    for name in MODEL_FEATURES:
        _refuse(np.isinf(numbers[name]), name, "is infinite", "Give a finite number or null")
    return wanted[[*KEYS]].assign(
        window_start=pd.to_datetime(wanted.window_start, utc=True), **numbers)


def _refuse(bad: pd.Series, column: str, fault: str, allowed: str) -> None:
    if bad.any():
        where = [int(i) for i in np.flatnonzero(bad)[:5]]
        raise InputError(f"{column} {fault} in {int(bad.sum())} of {len(bad)} rows "
                         f"(counted from 0: {where}{' …' if bad.sum() > 5 else ''}). {allowed}.")
