"""What speaks against an answer: a wrong graph, chance, a hidden cause, too few rows?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from aiops.causal.falsification import Falsification, falsify
from aiops.causal.model import StructuralModel
from aiops.causal.tables import table
from aiops.causal.variables import RESOURCE, Variables

PLACEBOS = 5
MOST, LEAST_STABLE = 0.2, 0.8  # of an answer that a placebo has; of resamples that agree
_NOTHING = 0.5  # normal scales: a placebo is held against no smaller an answer
Answer = Callable[[StructuralModel, str], float]  # how much an owner is answered to have done
_MADE_UP = "(made up {})"


@dataclass(frozen=True)
class Refutations:
    """What was tried against an answer.

    Attributes:
        graph: see ``Falsification``.
        placebo: the most that the same question gives about any of five made-up causes of pure
            noise, as a share of the answer (of half a normal scale where it is less).
        common_cause: how far the answer changes where a random variable is made a cause of
            everything, as a share of it.
        stable: share of resamples that give the same answer.
    """

    graph: Falsification
    placebo: float
    common_cause: float
    stable: float

    @property
    def passed(self) -> bool:
        """Nothing of it speaks against the answer."""
        return (self.graph.verdict != "falsified" and self.placebo <= MOST
                and self.common_cause <= MOST and self.stable >= LEAST_STABLE)

    def __str__(self) -> str:
        graph = self.graph
        rows: list[Sequence[object]] = [
            ["graph against the data", graph.verdict,
             f"{graph.violated} of {graph.tested} violated"],
            ["shuffled graphs as good", f"{graph.as_good:.0%}", ""],
            ["made-up causes", f"{self.placebo:.0%}", f"of the answer; at most {MOST:.0%}"],
            ["random common cause", f"{self.common_cause:.0%}", f"off; at most {MOST:.0%}"],
            ["resamples that agree", f"{self.stable:.0%}", f"at least {LEAST_STABLE:.0%}"]]
        verdict = "They pass: nothing of it speaks against the answer." if self.passed else \
            "They do not pass: take the answer for an order, not for a measure."
        return table(["refutation", "found", ""], rows) + f"\n{verdict}"


def refute(model: StructuralModel, owner: str, answer: Answer, stable: float, seed: int = 0
           ) -> Refutations:
    """Ask the same of models that must answer otherwise, or must not.

    Args:
        owner: whom the answer is about.
        answer: how much an owner did, in normal scales, by model and owner; 0 is nothing.
        stable: share of resamples that agree.
    """
    rng, whole = np.random.default_rng(seed), max(abs(answer(model, owner)), _NOTHING)
    made_up = [_MADE_UP.format(number) for number in range(PLACEBOS)]
    at = model.names[-1] if model.variables.target is None else model.names[model.target]
    beside = _with(model, rng, made_up, [at])
    placebo = max(abs(answer(beside, name)) for name in made_up) / whole
    common = _with(model, rng, made_up[:1], model.names)
    off = abs(answer(common, owner) - answer(model, owner)) / whole
    return Refutations(falsify(model, seed), placebo, off, stable)


def _with(model: StructuralModel, rng: np.random.Generator, made_up: Sequence[str],
          effects: Sequence[str]) -> StructuralModel:
    """The model learned anew with more variables, of pure noise, as causes of some of its own."""
    old, graph = model.variables, model.variables.graph.copy()
    graph.add_edges_from((name, effect) for name in made_up for effect in effects)
    about = pd.DataFrame({"owner": made_up, "name": made_up, "kind": RESOURCE}, index=made_up)
    normal, abnormal = (pd.concat([side, pd.DataFrame(
        rng.normal(size=(len(side), len(made_up))), side.index, made_up)], axis=1)
        for side in (old.normal, old.abnormal))
    made = Variables(normal, abnormal, graph, old.target, pd.concat([old.about, about]))
    return StructuralModel.fit(made, model.learn_from)
