"""The causal answers about one incident, read from its files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from aiops.causal.model import Regime
from aiops.causal.questions import Answers, ask
from aiops.causal.resampling import RESAMPLES
from aiops.workflows import root_cause


def of(case: Path | None, incident: str | None, dataset: str | None,
       if_usual: Sequence[str] = (), learn_from: Regime = "both",
       resamples: int = RESAMPLES) -> tuple[str, Answers]:
    """Name of the incident, and what the causal model says of it.

    Raises:
        UsageError, CaseError: no such incident, or see ``causal.questions.ask``.
    """
    found = root_cause.from_folder(case) if case else \
        root_cause.from_dataset(str(incident), dataset or "shop")
    return found.name, ask(found.case, if_usual, learn_from, resamples)
