"""Attributes: one typed row each."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable
from typing import Any

import orjson

from aiops.otlp.tables import Row

_TYPES = {"string_value": "string", "int_value": "int", "double_value": "double",
          "bool_value": "bool", "bytes_value": "bytes", "array_value": "array",
          "kvlist_value": "kvlist"}


def add(rows: list[Row], owner: int, time: int | None, attributes: Iterable[Any]) -> bool:
    """Append (owner, time, key, type, string, int, double, bool, bytes) for each attribute.

    True when one of them carries what these columns do not hold.
    """
    more = False
    for attribute in attributes:
        rows.append((owner, time, attribute.key, *typed(attribute.value)))
        more = more or attribute.key_strindex != 0
    return more


def typed(value: Any) -> Row:
    """(type, string, int, double, bool, bytes) of an AnyValue; one of the five is set."""
    kind = value.WhichOneof("value")
    if kind == "string_value":
        return ("string", value.string_value, None, None, None, None)
    if kind == "int_value":
        return ("int", None, value.int_value, None, None, None)
    if kind == "double_value":
        return ("double", None, None, value.double_value, None, None)
    if kind == "bool_value":
        return ("bool", None, None, None, value.bool_value, None)
    if kind == "bytes_value":
        return ("bytes", None, None, None, None, value.bytes_value)
    if kind in ("array_value", "kvlist_value"):
        return (_TYPES[kind], as_json(value), None, None, None, value.SerializeToString())
    # No value, or one of a kind that the protocol has since learned: as it came.
    return ("empty", None, None, None, None, value.SerializeToString() or None)


def as_json(value: Any) -> str:
    return orjson.dumps(_plain(value)).decode()


def _plain(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_plain(item) for item in value.array_value.values]
    if kind == "kvlist_value":  # a doubled key shows its last value; the bytes keep both
        return {item.key: _plain(item.value) for item in value.kvlist_value.values}
    if kind == "bytes_value":
        return base64.b64encode(value.bytes_value).decode()
    if kind == "double_value" and not math.isfinite(value.double_value):
        return {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value.double_value, "NaN")
    return getattr(value, kind) if kind in _TYPES else None


def text(attributes: Iterable[Any], key: str) -> str | None:
    """The text of one attribute, where it is there and text."""
    for attribute in attributes:
        if attribute.key == key and attribute.value.WhichOneof("value") == "string_value":
            return attribute.value.string_value
    return None
