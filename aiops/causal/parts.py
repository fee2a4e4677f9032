"""The target's shift in closed form, split over who made it."""

from __future__ import annotations

import pandas as pd

from aiops.causal.model import StructuralModel
from aiops.causal.variables import DEMAND

__all__ = ["DEMAND", "by_owner", "by_variable", "upwards"]


def by_variable(model: StructuralModel) -> pd.Series:
    """A part a variable, in the target's normal scales: its noise's shift times its total effect.

    Where mechanisms are steeper beyond normal, also what its wider swings hand on. They add up to
    the target's shift.
    """
    effect = model.effects(model.target)
    swings = model.spread_beyond * (model.mechanisms.beyond.T @ effect)
    return pd.Series(effect * model.own_shift + swings, index=model.names)


def by_owner(model: StructuralModel) -> pd.Series:
    """The same an owner; all that demand made is one."""
    return by_variable(model).groupby(model.variables.owners).sum()


def upwards(model: StructuralModel) -> int:
    """1 where the target rose, -1 where it fell."""
    return 1 if model.shift[model.target] >= 0 else -1
