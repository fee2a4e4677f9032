"""How sure the default ranker is, and when it would rather name nobody."""

from __future__ import annotations

import numpy as np
import pandas as pd

from aiops.rca import shifts
from aiops.rca.evidence import REQUESTS
from aiops.rca.view import View

LEAST = 1.2  # blame that an incident's first suspect has; calm windows leave less
ENOUGH = 5.0  # blame from which more of it says no more
_AT, _BY_MARGIN, _BY_BLAME = -2.9, 4.3, 2.3  # logistic, see ``confidence``
_MOSTLY = 0.6  # of the first suspect's blame
_SLOWER, _FAILING = 0.7, 1.5  # of a kind of request: effect on its time, z of its failures


def confidence(blame: pd.Series) -> float:
    """Probability that the first suspect is a culprit, 0 to 1.

    By the first's blame and its margin over the second, relative to it. The three numbers are a
    logistic regression over the incidents of all development sets, each set weighing the same
    (``benchmarks/confidence.py``, which leaves each out in turn; docs/root-cause.md).

    Args:
        blame: highest first.
    """
    first = float(blame.iloc[0]) if len(blame) else 0.0
    if first <= 0:
        return 0.0
    margin = (first - float(blame.iloc[1])) / first if len(blame) > 1 else 1.0
    logit = _AT + _BY_MARGIN * margin + _BY_BLAME * np.log1p(min(first, ENOUGH))
    return float(1 / (1 + np.exp(-logit)))


def abstains(blame: pd.Series, terms: pd.DataFrame, view: View) -> bool:
    """Whether this looks like no incident: hardly any blame, or a change that harmed nobody.

    A change in requests (new log lines, a failure that a retry made good) is no incident while
    requests at the entry neither fail nor change their time, unless a symptom is stated.
    """
    if not len(blame) or blame.iloc[0] < LEAST:
        return True
    seen = terms.loc[blame.index[0], [name for name in REQUESTS if name in terms]].sum()
    inner = view.case.symptom is None and seen > _MOSTLY * blame.iloc[0]
    return bool(inner and not harmed(view))


def harmed(view: View) -> bool:
    """Whether a kind of request at the entry (root spans by operation) failed or changed its time.

    Much faster is harm too: a request that returns early has not done its work.
    """
    spans = view.arrays.spans
    if spans is None:
        return True
    root = np.flatnonzero(spans.parent < 0)
    kind = pd.factorize(spans.service[root] * len(spans.operations) + spans.operation[root])[0]
    order = shifts.ascending(kind, spans.duration[root])
    kind, root = kind[order], root[order]
    normal, abnormal = (side[root] for side in view.sides(spans))
    n = kind.max(initial=-1) + 1
    slower = shifts.by_quantiles(kind, spans.duration[root], normal, abnormal, n)
    (n0, k0), (n1, k1) = ((np.bincount(kind[side], minlength=n), np.bincount(
        kind[side], weights=spans.failed[root][side], minlength=n)) for side in (normal, abnormal))
    failing = shifts.proportions(k0, n0, k1, n1)
    return bool((np.abs(slower) > _SLOWER).any() or (failing > _FAILING).any())
