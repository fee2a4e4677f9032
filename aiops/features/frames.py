"""Feature rows as the numeric frames that a Detector takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from aiops import schema
from aiops.errors import InputError, SchemaError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def model_frame(features: pa.Table, service: str) -> pd.DataFrame:
    """``schema.MODEL_FEATURES`` of one service, float64, index window_start.

    Null is nan. Windows in which nobody's telemetry arrived are left out.
    """
    frame = model_rows(features)
    if service not in (known := set(frame["service"])):
        raise InputError(f"service must be one of {sorted(known)}, got {service!r}.")
    one = frame[frame["service"] == service].set_index("window_start").drop(columns="service")
    return one.sort_index()


def system_frame(features: pa.Table) -> pd.DataFrame:
    """All services side by side, columns ``service:feature``, one row a window.

    Columns that are null throughout are left out, and so are windows in which nobody's
    telemetry arrived. Columns are sorted; their order means nothing.
    """
    frame = model_rows(features)
    wide = frame.pivot(index="window_start", columns="service",
                       values=list(schema.MODEL_FEATURES))
    wide.columns = [f"{service}:{feature}" for feature, service in wide.columns]
    return wide.dropna(axis=1, how="all").sort_index(axis=1).sort_index()


def model_rows(features: pa.Table) -> pd.DataFrame:
    """All services below each other: service, window_start, ``schema.MODEL_FEATURES``.

    Neither the calendar nor a label is among them. Null is nan; windows in which nobody's
    telemetry arrived are left out.
    """
    names = ["service", "window_start", *schema.MODEL_FEATURES]
    if missing := set(names) - set(features.column_names):
        raise SchemaError(f"features lack {sorted(missing)}: hand over a table of "
                          "schema.FEATURES, as aiops.features.windows makes it.")
    frame = features.select(names).to_pandas()
    numbers = list(schema.MODEL_FEATURES)
    frame[numbers] = frame[numbers].astype(np.float64)
    heard = frame[numbers].notna().any(axis=1).groupby(frame["window_start"]).transform("any")
    return frame[heard]
