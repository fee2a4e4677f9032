"""OTLP/JSON to protobuf.

Protobuf's own JSON mapping would read ids as base64; OTLP writes them in hex. Otherwise
the mapping's freedoms hold: camelCase or original names, 64-bit integers as text or
numbers, enumerations as numbers or names, null for unset. Keys that the protocol does
not know are kept, as JSON text in an unknown field of number ``UNKNOWN_KEYS``.

Source: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
"""

from __future__ import annotations

import base64
import binascii
from functools import cache
from typing import Any, cast

import orjson
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message

from aiops.errors import DecodeError
from aiops.otlp import wire
from aiops.otlp.messages import REQUESTS, check_signal

UNKNOWN_KEYS = 2**29 - 1  # the highest field number there is
MAX_DEPTH = 100  # protobuf's own limit
_IDS = {"trace_id", "span_id", "parent_span_id"}
_INTEGERS = {
    FieldDescriptor.CPPTYPE_INT32, FieldDescriptor.CPPTYPE_INT64,
    FieldDescriptor.CPPTYPE_UINT32, FieldDescriptor.CPPTYPE_UINT64,
}
_FLOATS = {FieldDescriptor.CPPTYPE_FLOAT, FieldDescriptor.CPPTYPE_DOUBLE}


def to_protobuf(signal: str, data: bytes | str) -> bytes:
    """The same request as serialised protobuf; DecodeError says which key is wrong."""
    request = REQUESTS[check_signal(signal)]()
    try:
        content = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise DecodeError(f"The OTLP/JSON {signal} request is no JSON: {error}.") from error
    _fill(request, content, signal, 0)
    return request.SerializeToString()


def _fill(message: Message, content: Any, where: str, depth: int) -> None:
    if not isinstance(content, dict):
        raise _wrong(where, "an object", content)
    if depth > MAX_DEPTH:
        raise DecodeError(f"OTLP/JSON is nested deeper than {MAX_DEPTH} levels.")
    fields, unknown = _fields(message.DESCRIPTOR), {}
    for key, value in content.items():
        field = fields.get(key)
        if field is None:
            unknown[key] = value
        elif value is not None:
            _set(message, field, value, f"{where}.{key}", depth)
    if unknown:
        message.MergeFromString(wire.field(UNKNOWN_KEYS, _text(unknown)))


def _text(unknown: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(unknown)
    except orjson.JSONEncodeError as error:  # it reads deeper than it writes
        raise DecodeError(f"OTLP/JSON cannot keep unknown keys: {error}.") from error


@cache
def _fields(descriptor: Descriptor) -> dict[str, FieldDescriptor]:
    names = {field.name: field for field in descriptor.fields}
    return names | {field.camelcase_name: field for field in descriptor.fields}


def _set(message: Message, field: FieldDescriptor, value: Any, where: str, depth: int) -> None:
    target = getattr(message, field.name)
    nested = field.message_type is not None
    if field.is_repeated:
        if not isinstance(value, list):
            raise _wrong(where, "a list", value)
        for i, item in enumerate(value):
            if nested:
                _fill(target.add(), item, f"{where}[{i}]", depth + 1)
            else:
                target.append(_scalar(field, item, f"{where}[{i}]"))
    elif nested:
        target.SetInParent()
        _fill(target, value, where, depth + 1)
    else:
        try:
            setattr(message, field.name, _scalar(field, value, where))
        except ValueError as error:
            if isinstance(error, DecodeError):
                raise
            raise _wrong(where, f"within {field.name}'s range", value) from error


def _scalar(field: FieldDescriptor, value: Any, where: str) -> Any:
    kind = field.cpp_type
    if kind == FieldDescriptor.CPPTYPE_ENUM:
        return _enumeration(field, value, where)
    if kind in _INTEGERS:
        return _integer(value, where)
    if kind in _FLOATS:
        return _float(value, where)
    if kind == FieldDescriptor.CPPTYPE_BOOL:
        if not isinstance(value, bool):
            raise _wrong(where, "true or false", value)
        return value
    if not isinstance(value, str):
        raise _wrong(where, "text", value)
    return _bytes(field, value, where) if field.type == FieldDescriptor.TYPE_BYTES else value


def _enumeration(field: FieldDescriptor, value: Any, where: str) -> int:
    known = cast("EnumDescriptor", field.enum_type).values_by_name
    if isinstance(value, str) and value in known:
        return known[value].number
    if isinstance(value, int) and not isinstance(value, bool) and -(2**31) <= value < 2**31:
        return value
    names = ", ".join(known)
    raise _wrong(where, f"a number or one of {names}", value)


def _integer(value: Any, where: str) -> int:
    try:
        whole = int(value)
        if isinstance(value, bool) or "_" in str(value) or (
                isinstance(value, float) and whole != value):
            raise ValueError
    except (TypeError, ValueError, OverflowError) as error:
        raise _wrong(where, "a whole number, as a number or text", value) from error
    if not -(2**63) <= whole < 2**64:
        raise _wrong(where, "a 64-bit integer", value)
    return whole


def _float(value: Any, where: str) -> float:
    if isinstance(value, (int, float, str)) and not isinstance(value, bool) and (
            "_" not in str(value)):
        try:
            return float(value)
        except ValueError:
            pass  # the error below says what was expected
    raise _wrong(where, 'a number, "NaN", "Infinity" or "-Infinity"', value)


def _bytes(field: FieldDescriptor, value: str, where: str) -> bytes:
    if field.name in _IDS:
        try:
            return bytes.fromhex(value)
        except ValueError as error:
            raise _wrong(where, "hex digits", value) from error
    try:
        standard = value.replace("-", "+").replace("_", "/")
        return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except binascii.Error as error:
        raise _wrong(where, "base64", value) from error


def _wrong(where: str, allowed: str, value: Any) -> DecodeError:
    got = repr(value)
    return DecodeError(
        f"OTLP/JSON {where} must be {allowed}. "
        f"Got {got if len(got) < 80 else got[:80] + '…'} instead."
    )
