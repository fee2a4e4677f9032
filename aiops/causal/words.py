"""Answers in words: tables that fit 80 columns, and JSON's own types."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from aiops.causal.questions import Answers
from aiops.causal.refutation import Refutations

NO_SYMPTOM = ("This Case tells neither calls nor traces: nobody knows whose answers\n"
              "are the symptom. Give it a topology to ask who made it.")


def to_text(told: Answers) -> str:
    """All answers, each with its refutations below, as lines of at most 80 characters."""
    return "\n\n".join(f"{title}\n\n{answer}" for title, answer in _sections(told))


def to_dict(told: Answers) -> dict[str, Any]:
    """The same for machines."""
    made, changed = told.made, told.changed
    return {
        "symptom": None if made is None else {
            "variable": made.target, "before": made.before, "during": made.during},
        "attribution": None if made is None else {
            "parts": made.parts.rename_axis("owner").reset_index().to_dict(orient="records"),
            "level": made.level, "refutations": _refuted(made.refutations)},
        "distribution_change": {
            "mechanisms": changed.mechanisms.rename_axis("variable").reset_index().to_dict(
                orient="records"),
            "refutations": _refuted(changed.refutations)},
        "if_usual": [{"owner": who, "was": each.was, "would_be": each.would_be, "low": each.low,
                      "high": each.high, "level": each.level, "usual": list(each.usual),
                      "was_there": each.was_there, "there": each.there,
                      "refutations": _refuted(each.refutations)}
                     for who, each in told.if_usual.items()]}


def _sections(told: Answers) -> Iterator[tuple[str, object]]:
    yield "WHOSE OWN DOING EXPLAINS THE SYMPTOM?", NO_SYMPTOM if told.made is None else told.made
    yield "WHICH MECHANISM CHANGED?", told.changed
    for who, outcome in told.if_usual.items():
        yield f"WOULD THE SYMPTOM BE THERE IF {who[:36]} WERE AS USUAL?", outcome


def _refuted(by: Refutations) -> dict[str, Any]:
    return asdict(by) | {"graph": asdict(by.graph) | {"verdict": by.graph.verdict},
                         "passed": by.passed}
