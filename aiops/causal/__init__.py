"""Cause and effect on the service graph: who made the symptom, what changed, what if.

Frames in, answers out; nothing of dowhy is loaded. ``variables(case)`` makes variables and their
causal graph from a Case, ``StructuralModel.fit`` learns the mechanisms, and each question is a
function: ``attribute_anomaly``, ``distribution_change``, ``as_usual``, ``intervene``, ``falsify``.
"""

from aiops.causal.anomaly_attribution import Attribution, attribute_anomaly
from aiops.causal.distribution_change import Change, distribution_change
from aiops.causal.falsification import Falsification, falsify
from aiops.causal.incident import variables
from aiops.causal.model import StructuralModel
from aiops.causal.refutation import Refutations
from aiops.causal.variables import Variables
from aiops.causal.whatif import Outcome, as_usual, intervene

__all__ = ["Attribution", "Change", "Falsification", "Outcome", "Refutations", "StructuralModel",
           "Variables", "as_usual", "attribute_anomaly", "distribution_change", "falsify",
           "intervene", "variables"]
