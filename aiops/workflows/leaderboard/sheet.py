"""What is published of one set, to be looked up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from aiops import rca
from aiops.evaluation.figures import Figure
from aiops.workflows.leaderboard.published import Measured


@dataclass(frozen=True)
class Sheet:
    """One set.

    Args:
        target: its name. measured: its rankers.
    """

    target: str
    measured: Sequence[Measured]

    @property
    def incidents(self) -> int:
        """How many are scored, by the latest measurement."""
        return max(self.measured, key=lambda each: each.made).incidents

    @property
    def lacks(self) -> list[str]:
        """Rankers of which something, or all, is still to be asked."""
        complete = {each.ranker for each in self.measured if each.complete}
        return [name for name in rca.RANKERS if name not in complete]

    @property
    def stale(self) -> list[str]:
        """Rankers whose figures were made by other code or data than was here."""
        return [each.ranker for each in self.measured if each.stale]

    @cached_property
    def of(self) -> dict[str, Measured]:
        """By ranker."""
        return {each.ranker: each for each in self.measured}

    @cached_property
    def figures(self) -> list[Figure]:
        """Of all rankers."""
        return [figure for each in self.measured for figure in each.figures]

    def find(self, model: str, part: str, metric: str) -> Figure | None:
        """One figure; None: it was not measured."""
        return self._known.get((model, part, metric))

    @cached_property
    def _known(self) -> dict[tuple[str, str, str], Figure]:
        return {(f.model, f.slice, f.metric): f for f in self.figures}

    def models(self) -> list[str]:
        """Rankers that were measured, best AC@1 first; who has hindsight comes last."""
        first = [f for f in self.figures if (f.slice, f.metric) == ("all", "ac@1")]
        return [f.model for f in sorted(first, key=lambda f: (
            getattr(rca.RANKERS.get(f.model), "hindsight", False), -f.value, f.model))]

    def slices(self, model: str) -> list[str]:
        """In the order in which they were measured."""
        return list(dict.fromkeys(f.slice for f in self.figures if f.model == model))

    def seeds(self, model: str, part: str) -> int:
        """How often a stress was drawn; 1 where nothing is."""
        return self.of[model].seeds.get(part.split(",")[0], 1) if model in self.of else 1
