"""What a message carries and no column holds, kept as a partial message of its type.

Unknown fields, fields newer than the tables, times that Arrow cannot hold: parsing a
leftover with the message's own type gives them back. What the request itself carries has
no row: it becomes a resource of its own, which nothing names, in a field of number
``OF_REQUEST``.
"""

from __future__ import annotations

from typing import Any

from aiops.otlp.wire import field

OF_REQUEST = 2**29 - 2  # field number; the one above holds unknown JSON keys
# Known to protobuf, but without a column of their own.
_NO_COLUMN = {"entity_refs", "key_strindex"}
# Rows of their own, with leftovers of their own.
_OWN_ROWS = {
    "resource_spans", "resource_logs", "resource_metrics",
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


def keep_own(request: Any, groups: str) -> None:
    """Add what an export request carries beside its resources as one more resource group."""
    if rest := leftover(request):
        getattr(request, groups).add().MergeFromString(field(OF_REQUEST, rest))


def _strip(message: Any) -> None:
    """Clear every field that has a column, but for what in it has none."""
    for about, value in message.ListFields():
        if about.name in _NO_COLUMN or (about.name in _TIMES and value >> 63):
            continue
        if about.message_type is None or about.name in _OWN_ROWS:
            message.ClearField(about.name)
        elif about.is_repeated:
            kept = [item for item in value if leftover(item)]  # whole, so that keys stay
            copies = [item.SerializeToString() for item in kept]
            message.ClearField(about.name)
            for copy in copies:
                getattr(message, about.name).add().ParseFromString(copy)
        else:
            _strip(value)
            if not value.ByteSize():
                message.ClearField(about.name)
