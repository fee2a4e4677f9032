"""The stresses of the bench by name: which variants of a Case are ranked, and who is guilty.

Each is one slice of the figures. A variant refuses a Case that it does not fit (CaseError): the
bench leaves that Case out of the slice and counts it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from aiops.case import TABLES, Case
from aiops.errors import CaseError
from aiops.evaluation import stress
from aiops.evaluation.decoys import COUNT, Past, decoys

SPANS = (0.1, 0.03)
WRONG = 0.2
LATE_S = (30, 60, 180)
Truth = Mapping[str, Any]
Make = Callable[[str, Case, Truth, int], tuple[Case, Truth]]


@dataclass(frozen=True)
class Variant:
    """One stress.

    Args:
        slice: what figures call it.
        make: (id, Case, its truth, seed) -> the harder Case and its truth.
        seeded: whether something is drawn, so that several seeds make sense.
        past: what is done to past incidents, which are then seen under the same stress; None:
            they stay as they are.
    """

    slice: str
    make: Make
    seeded: bool = False
    past: Callable[[Case, int], Case] | None = None


@dataclass(frozen=True)
class Others:
    """The incidents of a data set less their requests, to put two of them together.

    Args:
        cases, culprits: by id; a Case is asked for only when it is drawn.
        alerts: of past incidents, for decoys of a Case with alerts; called when needed.
    """

    cases: Mapping[str, Case]
    culprits: Mapping[str, Sequence[str]]
    alerts: Callable[[], Past | None] = lambda: None


def variants(others: Others) -> list[Variant]:
    """All stresses, in the order of the figures."""
    def decoyed(case: Case, seed: int) -> Case:
        past = None if case.alerts is None else others.alerts()
        return decoys(case, COUNT, seed, past)

    return [
        Variant(f"decoys={COUNT}", _alone(decoyed), True, decoyed),
        *[Variant(f"spans={share:g}", _alone(partial(_sampled, share=share)), True)
          for share in SPANS],
        *[Variant(f"without={table}", _alone(partial(_without, table=table)),
                  past=partial(_without, table=table)) for table in TABLES],
        Variant(f"edges_wrong={WRONG:g}", _alone(partial(_rewired, share=WRONG)), True),
        *[Variant(f"delay_s={seconds}", _alone(partial(_late, seconds=seconds)))
          for seconds in LATE_S],
        Variant("two_faults", partial(_two, others), True),
    ]


def _alone(change: Callable[..., Case]) -> Make:
    """A stress after which the same are guilty."""
    return lambda name, case, truth, seed: (change(case, seed), truth)


def _sampled(case: Case, seed: int, share: float) -> Case:
    return stress.keep_spans(case, share, seed)


def _rewired(case: Case, seed: int, share: float) -> Case:
    return stress.wrong_edges(case, share, seed)


def _late(case: Case, seed: int, seconds: float) -> Case:
    if not stress.timed(case):
        raise CaseError("An incident without times cannot be found late.")
    return stress.late(case, seconds)


def _without(case: Case, seed: int, table: str) -> Case:
    """Something must be left to rank by; a topology alone is nothing."""
    if not set(case.tables) - {table, "topology"}:
        raise CaseError(f"Without {table} this Case tells nothing of the incident.")
    return stress.without(case, table)


def _two(others: Others, name: str, case: Case, truth: Truth, seed: int) -> tuple[Case, Truth]:
    """A second fault is drawn among the incidents of other culprits, which this Case suspects."""
    mine, suspects = set(truth["culprits"]), set(case.suspects)
    fitting = [other for other, theirs in others.culprits.items()
               if not set(theirs) & mine and set(theirs) <= suspects]
    if not fitting:
        raise CaseError("No other incident of this data set has other culprits.")
    rng = np.random.default_rng([seed, list(others.culprits).index(name)])
    drawn = fitting[rng.integers(len(fitting))]
    theirs = others.culprits[drawn]
    made = stress.together(case, others.cases[drawn], theirs)
    return made, {**truth, "culprits": [*truth["culprits"], *theirs]}


def less_requests(case: Case) -> Case:
    """What ``together`` needs of a second Case: metrics and alerts."""
    return replace(case, traces=None, logs=None, topology=None)
