"""May a challenger take the champion's place? Only when it is better beyond noise.

Both are scored on the same incidents, and the mean difference of their average precision is
given a 95 % interval by a paired bootstrap over incidents. The challenger is promoted when the
whole interval lies above 0. Where there is no champion yet, chance takes its place.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from aiops.errors import InputError
from aiops.evaluation.bootstrap import paired

# With fewer, even a challenger that is better on every one passes a sign test at 95 % never.
FEWEST_INCIDENTS = 6
ROUNDING = 1e-9  # a difference this small is arithmetic's


@dataclass(frozen=True)
class Verdict:
    """What was decided, and on which numbers.

    Args:
        decision: "first" (promoted, there was no champion), "promoted" or "kept".
        reason: why, in words.
        difference, low, high: mean difference of average precision with its 95 % interval,
            challenger less champion (less chance, where there is none); None: not compared.
        n: incidents compared.
    """

    decision: str
    reason: str
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0

    @property
    def promotes(self) -> bool:
        """Whether the challenger becomes the champion."""
        return self.decision != "kept"


def judge(challenger: pd.Series, rival: pd.Series, first: bool = False,
          fewest: int = FEWEST_INCIDENTS) -> Verdict:
    """Compare average precisions, index = recording.

    Args:
        challenger: what the challenger reached on each incident.
        rival: what the champion reached on the same; the chance level when ``first``.
        first: there is no champion yet.
        fewest: with fewer incidents nothing is promoted.

    Raises:
        InputError: not the same incidents, or none.
    """
    if not len(challenger) or set(challenger.index) != set(rival.index):
        raise InputError(f"judge needs the same incidents twice, at least one. Got "
                         f"{len(challenger)} of the challenger, {len(rival)} to compare with.")
    rival = rival.reindex(challenger.index)
    difference = float((challenger - rival).mean())
    low, high = paired(challenger, rival)
    better = low > ROUNDING and len(challenger) >= fewest
    decision = ("first" if first else "promoted") if better else "kept"
    reason = _reason(better, "chance" if first else "the champion", low, high, len(challenger),
                     fewest)
    means = f"{challenger.mean():.3f} against {rival.mean():.3f}"
    return Verdict(decision, f"{reason} Mean average precision {means}, difference "
                   f"{difference:+.3f} (95 % interval {low:+.3f} to {high:+.3f}) over "
                   f"{len(challenger)} incidents.", difference, low, high, len(challenger))


def _reason(better: bool, rival: str, low: float, high: float, n: int, fewest: int) -> str:
    if better:
        return f"The challenger is better than {rival} beyond noise."
    if n < fewest:
        return f"{n} incidents are too few to tell the challenger from {rival}: {fewest} needed."
    if high < 0:
        return f"The challenger is worse than {rival}."
    return f"The challenger is not better than {rival} beyond noise."
