"""A Case as JSON: what a served ranker is sent, and the signature that states it.

A record has the fields of a Case and a table by name where the Case has it: its columns as lists
of one length, as ``frame.to_dict("list")`` gives them. Times are text, RFC 3339.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema
from mlflow.types.schema import AnyType, Array, Object, Property

from aiops import schema
from aiops.case import TABLES, Case, Window

_TEXT = DataType.string


def _table(name: str) -> Object:
    """Its columns. Their cells are checked by us: MLflow makes "n" of a null, "c" of a text."""
    return Object([Property(column, AnyType(), column not in schema.CASE_OPTIONAL[name])
                   for column in schema.CASE[name].names])


SIGNATURE = ModelSignature(
    inputs=Schema([
        ColSpec(Array(Array(_TEXT)), "normal"), ColSpec(Array(_TEXT), "abnormal"),
        ColSpec(_TEXT, "detected_at", required=False),
        ColSpec(_TEXT, "entry_service", required=False),
        ColSpec(Object([Property("service", _TEXT), Property("metric", _TEXT),
                        Property("direction", _TEXT, required=False)]), "symptom", required=False),
        ColSpec(Array(AnyType()), "suspects", required=False),
        *(ColSpec(_table(name), name, required=False) for name in TABLES)]),
    outputs=Schema([
        ColSpec("string", "suspect"), ColSpec("double", "blame"), ColSpec("double", "rank"),
        ColSpec("double", "confidence", required=False),
        ColSpec("boolean", "abstains", required=False)]))
FIELDS = tuple(SIGNATURE.inputs.input_names())


def as_sent(case: Case) -> dict[str, Any]:
    """A Case as the record of a request: ``{"dataframe_records": [as_sent(case)]}``."""
    about = {"normal": [_times(each) for each in case.normal], "abnormal": _times(case.abnormal),
             "detected_at": pd.Timestamp(case.detected_at).isoformat(),
             "entry_service": case.entry_service, "symptom": case.symptom,
             "suspects": list(case.suspects)}
    tables = {name: {column: _list(frame[column], schema.CASE[name].field(column).type)
                     for column in frame} for name, frame in case.tables.items()}
    return {key: value for key, value in about.items() if value is not None} | tables


def _times(window: Window) -> list[str]:
    return [stamp.isoformat() for stamp in window]


def _list(values: pd.Series, kind: pa.DataType) -> list[Any]:
    """A column in JSON's own types, null where a cell is empty."""
    if pa.types.is_timestamp(kind):
        text = np.datetime_as_string(values.dt.tz_convert(None).to_numpy("datetime64[ns]"))
        return [None if each == "NaT" else f"{each}Z" for each in text.tolist()]
    empty = values.isna()
    if pa.types.is_map(kind):
        values = values.where(~empty, None).map(lambda cell: None if cell is None else dict(cell))
    return values.astype(object).where(~empty, None).tolist()
