"""Requests drawn from the protocol's own descriptors: any field, any value, any nesting."""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import strategies as st

F = FieldDescriptor
NUMBERS: dict[int, st.SearchStrategy[Any]] = {
    F.TYPE_INT32: st.integers(-(2**31), 2**31 - 1), F.TYPE_SINT32: st.integers(-(2**31), 2**31 - 1),
    F.TYPE_UINT32: st.integers(0, 2**32 - 1), F.TYPE_FIXED32: st.integers(0, 2**32 - 1),
    F.TYPE_INT64: st.integers(-(2**63), 2**63 - 1),
    F.TYPE_SFIXED64: st.integers(-(2**63), 2**63 - 1),
    F.TYPE_UINT64: st.integers(0, 2**64 - 1), F.TYPE_FIXED64: st.integers(0, 2**64 - 1),
    # NaN is equal to nothing, so that a test of equal tables leaves it out.
    F.TYPE_DOUBLE: st.floats(allow_nan=False), F.TYPE_BOOL: st.booleans(),
    F.TYPE_STRING: st.text(max_size=5), F.TYPE_BYTES: st.binary(max_size=20),
}
MAX_NESTING = 2  # of an attribute's value in another


def requests(kind: type[Message]) -> st.SearchStrategy[Any]:
    """Messages of a type, each field set or not."""
    return st.deferred(lambda: _message(kind.DESCRIPTOR, 0))


@st.composite
def _message(draw: Any, kind: Descriptor, nested: int) -> Message:
    made = GetMessageClass(kind)()
    for field in _chosen(draw, kind, nested):
        if field.is_repeated:
            for value in draw(st.lists(_value(field, nested), max_size=2)):
                _add(made, field, value)
        elif field.message_type:
            getattr(made, field.name).CopyFrom(draw(_value(field, nested)))
        else:
            setattr(made, field.name, draw(_value(field, nested)))
    return made


def _chosen(draw: Any, kind: Descriptor, nested: int) -> list[FieldDescriptor]:
    """At most one field of a oneof; of the others each."""
    left = [f for f in kind.fields if nested < MAX_NESTING or f.message_type is None]
    either = [[f for f in one.fields if f in left] for one in kind.oneofs if len(one.fields) > 1]
    grouped = {f.name for fields in either for f in fields}
    picked = [draw(st.sampled_from([*fields, None])) for fields in either]
    return [f for f in left if f.name not in grouped and draw(st.booleans())] + [
        f for f in picked if f]


def _value(field: FieldDescriptor, nested: int) -> st.SearchStrategy[Any]:
    if field.message_type:
        return _message(field.message_type, nested + (field.message_type.name == "AnyValue"))
    if field.enum_type:
        return st.sampled_from([*(v.number for v in field.enum_type.values), 99])
    return NUMBERS[field.type]


def _add(made: Message, field: FieldDescriptor, value: Any) -> None:
    target = getattr(made, field.name)
    if field.message_type:
        target.add().CopyFrom(value)
    else:
        target.append(value)
