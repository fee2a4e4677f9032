"""The target's shift in closed form, split over who made it."""

from __future__ import annotations

import pandas as pd

from aiops.causal.model import StructuralModel
from aiops.causal.variables import LOAD

DEMAND = "(demand)"  # whose part is nobody's fault


def by_variable(model: StructuralModel) -> pd.Series:
    """A part a variable, in the target's normal scales: its noise's shift times its total effect.

    They add up to the target's shift.
    """
    return pd.Series(model.effects(model.target) * model.own_shift, index=model.names)


def by_owner(model: StructuralModel) -> pd.Series:
    """The same an owner; all that demand made is one."""
    owner = model.about["owner"].where(model.about["kind"] != LOAD, DEMAND)
    return by_variable(model).groupby(owner).sum()


def upwards(model: StructuralModel) -> int:
    """1 where the target rose, -1 where it fell."""
    return 1 if model.shift[model.target] >= 0 else -1
