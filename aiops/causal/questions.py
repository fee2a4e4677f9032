"""All questions about one incident at once: who made the symptom, what changed, what if."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aiops.case import Case
from aiops.causal.anomaly_attribution import Attribution, attribute_anomaly
from aiops.causal.distribution_change import Change, distribution_change
from aiops.causal.incident import variables
from aiops.causal.model import Regime, StructuralModel
from aiops.causal.resampling import RESAMPLES
from aiops.causal.variables import DEMAND
from aiops.causal.whatif import Outcome, as_usual
from aiops.errors import UsageError


@dataclass(frozen=True, eq=False)
class Answers:
    """What the causal model says of an incident.

    Attributes:
        made: whose own doing explains the symptom; None where nobody knows what the symptom is.
        changed: which mechanism changed. Where there is a symptom, of what could have moved it.
        if_usual: by whom, would the symptom be there if they were as usual.
    """

    made: Attribution | None
    changed: Change
    if_usual: dict[str, Outcome]


def ask(case: Case, if_usual: Sequence[str] = (), learn_from: Regime = "both",
        resamples: int = RESAMPLES, first: int = 1) -> Answers:
    """Ask everything about a Case.

    Args:
        if_usual: services, instances, edges or ``"(demand)"`` to think of as usual.
        learn_from: see ``StructuralModel.fit``; "both" is what the ranker uses.
        first: where nobody is named, so many whose own doing explains most of the symptom, demand
            left out.

    Raises:
        CaseError: the Case is not enough for a model (see ``variables``).
        UsageError: someone asked about cannot move the symptom, or nobody knows the symptom.
    """
    model = StructuralModel.fit(variables(case), learn_from)
    changed = distribution_change(model, resamples)
    if model.variables.target is None:
        if if_usual:
            raise UsageError(f"What if {if_usual[0]} were as usual is about a symptom. This Case "
                             "tells neither calls nor traces, so nobody knows whose answers are "
                             "one: give it a topology.")
        return Answers(None, changed, {})
    made = attribute_anomaly(model, resamples)
    asked = if_usual or [who for who in made.parts.index if who != DEMAND][:first]
    return Answers(made, changed, {who: as_usual(model, who, resamples) for who in asked})
