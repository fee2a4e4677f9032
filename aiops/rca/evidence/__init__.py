"""What speaks against whom: one file an evidence, each by itself.

An evidence is a module with two functions of a ``View``: ``blame(view)``, suspect -> effect,
float >= 0, all in one unit (log(1 + normal scales beyond chance)), None where the Case has
nothing that it could look at; and ``signals(view)``, the reasons, a row a signal: suspect, signal
(a metric, a span operation, a log template), effect, before, during. One that learns from past
incidents, unlabelled, has ``learn(cases)``, and finds the result in the view's ``memory``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from aiops.case import Case
from aiops.rca.evidence import (
    alerts,
    errors,
    latency,
    metrics,
    peers,
    sequence,
    symptom,
    templates,
)

EVIDENCE: dict[str, ModuleType] = {
    "metrics": metrics, "peers": peers, "symptom": symptom, "latency": latency,
    "sequence": sequence, "errors": errors, "templates": templates, "alerts": alerts,
}
LEARN: dict[str, Callable[[Sequence[Case]], Any]] = {"alerts": alerts.learn}
REQUESTS = ("sequence", "errors", "templates")  # look at the same requests
SIGNALS = ["suspect", "signal", "effect", "before", "during"]
