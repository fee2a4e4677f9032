"""A Figure: one number of a benchmark or an evaluation, always in the same tidy form."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass

DECIMALS = 4  # of tracked metrics: other processors differ in the last bits of a float


@dataclass(frozen=True)
class Figure:
    """One number, with what it was measured on and how sure it is.

    Args:
        benchmark: "rca", "detection", ...
        dataset, model: their names; model "default" is what a user gets without asking.
        slice: the subset or stress: "all", "fault=cpu", "delay_s=60".
        metric: "ac@1", "vus_pr", "seconds_p50", ...
        value, low, high: the figure and its 95 % interval (None: no interval).
        n: over how many cases, events or series.
        chance: what guessing scores (None: the metric has no such level).
        unit: "share", "s", "1/d", "count", ...
    """

    benchmark: str
    dataset: str
    model: str
    slice: str
    metric: str
    value: float
    low: float | None
    high: float | None
    n: int
    chance: float | None
    unit: str

    def __post_init__(self) -> None:
        for name in ("value", "low", "high", "chance"):
            number = getattr(self, name)
            if number is not None and not math.isfinite(number):
                raise ValueError(f"Figure.{name} must be finite. Got {number} for {self.metric}.")


def to_json(figures: Iterable[Figure]) -> str:
    """The figures as a JSON list, what ``--json`` prints."""
    return json.dumps([asdict(figure) for figure in figures], indent=1)


def flat(figures: Iterable[Figure], part: str = "all") -> dict[str, float]:
    """Rounded figures of one slice by metric name, with the chance level where there is one."""
    found: dict[str, float] = {}
    for figure in figures:
        if figure.slice == part:
            beside = {"": figure.value, "_chance": figure.chance}
            found |= {figure.metric + end: round(value, DECIMALS)
                      for end, value in beside.items() if value is not None}
    return found
