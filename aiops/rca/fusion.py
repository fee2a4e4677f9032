"""The default ranker: all evidence in one unit, each silent where it could not tell, summed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd

from aiops.base import Ranker
from aiops.case import Case
from aiops.errors import CaseError
from aiops.rca import places
from aiops.rca.confidence import abstains, confidence
from aiops.rca.evidence import EVIDENCE, LEARN, REQUESTS
from aiops.rca.series import ordered
from aiops.rca.view import CALM, View

EXPLAINED = 0.5  # of what a caller's metrics and requests show, by its most blamed callee
KEPT = 0.05  # of blame within what normal time shows, to break ties


class Fusion(Ranker):
    """The sum of all evidence that a Case has, beyond what calm windows of the same system show.

    Args:
        evidence: names of the evidence to use; all when None.
        calm: windows of normal time judged the same way; blame counts above their strongest.
    """

    def __init__(self, evidence: Sequence[str] | None = None, calm: int = CALM) -> None:
        self.evidence = evidence
        self.calm = calm

    def fit(self, cases: Sequence[Case], y: Any = None) -> Self:
        """Learn from past incidents what is usual in them; without labels."""
        self.memory_ = {name: learn(cases) for name, learn in LEARN.items()}
        return self

    def rank(self, case: Case) -> pd.Series:
        """Blame: the sum over evidence of log(1 + normal scales beyond chance).

        States ``confidence`` and ``abstains`` in the Series' ``attrs`` (``rca.confidence``).
        """
        view = View.of(case, getattr(self, "memory_", None))
        terms = self.terms(view)
        if terms.empty and self.evidence is not None:
            raise CaseError(f"This Case has nothing for {', '.join(self.evidence)}. "
                            f"It has {', '.join(case.tables)}.")
        blame = ordered(case, terms.sum(axis=1))
        blame.attrs |= {"confidence": confidence(blame), "abstains": abstains(blame, terms, view)}
        return blame

    def terms(self, view: View) -> pd.DataFrame:
        """Blame by suspect (rows) and evidence (columns); evidence without data has none."""
        found = {}
        for name in EVIDENCE if self.evidence is None else self.evidence:
            raw = EVIDENCE[name].blame(view)
            if raw is not None:
                found[name] = beyond(raw, self._usual(name, view))
        return _handed_down(pd.DataFrame(found, index=view.suspects), view.arrays.edges)

    def _usual(self, name: str, view: View) -> float:
        """The strongest blame of calm windows."""
        evidence = EVIDENCE[name]
        calm = view.calm(evidence.TABLE, self.calm) if evidence.TABLE else []
        blamed = (evidence.blame(each) for each in calm)
        # a window that takes all rows of normal time leaves nothing to compare it with
        return max((each.max() for each in blamed if each is not None), default=0.0)

    def parts(self) -> dict[str, Ranker]:
        """Each evidence alone."""
        return {name: Fusion((name,), self.calm) for name in EVIDENCE}


def _handed_down(terms: pd.DataFrame, edges: pd.DataFrame) -> pd.DataFrame:
    """Terms, less what of a caller's blame its callees explain: it waits for them, or fails after.

    Evidence that looks at requests sees the same ones: of it only a suspect's strongest counts.
    """
    if terms.shape[1] < 2:
        return terms
    seen = [name for name in REQUESTS if name in terms]
    strongest = terms[seen].rank(axis=1, method="first", ascending=False) == 1
    terms = terms.assign(**terms[seen].where(strongest, 0.0))
    worst = places.worst_callee(terms.sum(axis=1), edges)
    shown = [name for name in (*REQUESTS, "metrics") if name in terms]
    return terms.assign(**{name: terms[name] - EXPLAINED * np.minimum(terms[name], worst)
                           for name in shown})


def beyond(blame: pd.Series, usual: float) -> pd.Series:
    """Blame above what normal time shows; of the rest a twentieth is kept."""
    return np.maximum(blame - usual, 0.0) + KEPT * np.minimum(blame, usual)
