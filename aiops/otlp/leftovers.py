"""What a message carries and no column holds, kept as a partial message of its type.

Unknown fields, fields newer than the tables, times that Arrow cannot hold: parsing a
leftover with the message's own type gives them back.
"""

from __future__ import annotations

from typing import Any

# Known to protobuf, but without a column of their own.
_NO_COLUMN = {"entity_refs", "key_strindex"}
# Rows of their own, with leftovers of their own.
_OWN_ROWS = {
    "scope_spans", "scope_logs", "scope_metrics", "spans", "log_records", "metrics",
    "events", "links", "exemplars",
}
_TIMES = {"time_unix_nano", "start_time_unix_nano", "end_time_unix_nano",
          "observed_time_unix_nano"}


def leftover(message: Any) -> bytes | None:
    """The serialised remainder of a message, or None when columns hold all of it."""
    rest = type(message)()
    rest.CopyFrom(message)
    _strip(rest)
    return rest.SerializeToString() or None


def _strip(message: Any) -> None:
    """Clear every field that has a column, but for what in it has none."""
    for field, value in message.ListFields():
        if field.name in _NO_COLUMN or (field.name in _TIMES and value >> 63):
            continue
        if field.message_type is None or field.name in _OWN_ROWS:
            message.ClearField(field.name)
        elif field.is_repeated:
            kept = [item for item in value if leftover(item)]  # whole, so that keys stay
            copies = [item.SerializeToString() for item in kept]
            message.ClearField(field.name)
            for copy in copies:
                getattr(message, field.name).add().ParseFromString(copy)
        else:
            _strip(value)
            if not value.ByteSize():
                message.ClearField(field.name)
