"""Which incidents are judged apart: silent ones, and by the kind of their culprit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def group(kind: str | None, visible: Sequence[str] | None) -> str:
    """``silent``, else ``culprit=service`` or ``culprit=other`` (database, cache, host, edge).

    Args:
        kind: of the culprit; None: a service.
        visible: entry routes that showed the fault. None: nobody looked, so it is not silent.
    """
    if visible is not None and not len(visible):
        return "silent"
    return "culprit=service" if (kind or "service") == "service" else "culprit=other"


def visible(truth: Mapping[str, Any]) -> list[str] | None:
    """Entry routes that an entry of truth.json says showed the fault; None: it says nothing."""
    routes = truth.get("visible")
    if routes is None:
        return None
    return [name for name, moved in routes.items() if moved.get("latency") or moved.get("errors")]
