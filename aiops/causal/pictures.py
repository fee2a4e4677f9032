"""Answers drawn: who made the symptom, and where it would lie if someone were as usual."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from aiops import plots
from aiops.causal.anomaly_attribution import Attribution
from aiops.causal.tables import measured
from aiops.causal.variables import DEMAND
from aiops.causal.whatif import Outcome

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SHOWN = 8  # owners; the others are one bar
_OTHERS = "all others"
_GUESS = " (a guess: its refutations do not pass)"


def parts(told: Attribution, source: str = "") -> Figure:
    """The symptom's shift, a bar an owner; all but the eight that moved it furthest are one."""
    kept = told.parts["part"].abs().rank(method="first", ascending=False) <= _SHOWN
    first = told.parts[kept]
    rows = [(str(who), *map(float, row), who == DEMAND) for who, row in
            zip(first.index, first[["part", "low", "high"]].to_numpy(), strict=True)]
    if len(told.parts) > _SHOWN:
        rest = float(told.parts["part"][~kept].sum())
        rows.append((_OTHERS, rest, rest, rest, True))
    table = pd.DataFrame(rows, columns=["label", "value", "low", "high", "nobody"])
    return plots.parts(table, f"{measured(told.target)}: shift, made by", _title(told), source)


def if_usual(told: dict[str, Outcome], source: str = "") -> Figure:
    """The symptom as it was, and with each of those asked about as usual.

    Raises:
        InputError: nobody was asked about.
    """
    each = list(told.values())
    rows = [("as it was", one.was, np.nan, np.nan) for one in each[:1]]
    rows += [(f"{who} as usual", one.would_be, one.low, one.high) for who, one in told.items()]
    table = pd.DataFrame(rows, columns=["label", "value", "low", "high"])
    usual = each[0].usual if each else (0.0, 0.0)
    unit = f"{measured(each[0].target)}, mean" if each else ""
    gone = [who for who, one in told.items() if one.was_there and not one.there]
    title = f"Without what {' or '.join(gone)} did there would be no symptom" if gone else \
        "Nobody alone made the symptom" if each and each[0].was_there else "There is no symptom"
    if not all(one.refutations.passed for one in each):
        title += _GUESS
    return plots.if_usual(table, usual, unit, title, source)


def _title(told: Attribution) -> str:
    """Whose part is the largest, and how much of the whole."""
    who, whole = told.parts.index[0], float(told.parts["part"].sum())
    part = float(told.parts["part"].iloc[0])
    share = f", {part / whole:.0%} of it" if whole > 0 and part <= whole else ""
    return (f"{who} made {part:+.3g} of {told.target}{share}: {told.before:.3g} before, "
            f"{told.during:.3g} during") + _GUESS * (not told.refutations.passed)
