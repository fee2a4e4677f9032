"""Which incidents are judged apart: silent ones, and by the kind of their culprit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def group(kind: str | None, silent: bool) -> str:
    """``silent``, else ``culprit=service`` or ``culprit=other`` (database, cache, host, edge)."""
    if silent:
        return "silent"
    return "culprit=service" if (kind or "service") == "service" else "culprit=other"


def is_silent(truth: Mapping[str, Any]) -> bool:
    """Whether the truth says that no entry route showed the fault."""
    visible = truth.get("visible")
    return visible is not None and not any(
        route.get("latency") or route.get("errors") for route in visible.values())
