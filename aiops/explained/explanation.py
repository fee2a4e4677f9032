"""What is said of an incident, and by what it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

import pandas as pd

from aiops.case import Case

if TYPE_CHECKING:
    from matplotlib.figure import Figure


# Names of the series that spans give, most telling first.
SPANS = ("span_latency_p95", "span_error_rate", "edge_latency_p95", "edge_error_rate")


class Step(NamedTuple):
    """A service or an edge on the way, and its strongest signal; none where nothing moved."""

    place: str
    evidence: str | None = None
    signal: str | None = None
    effect: float = 0.0
    before: float | None = None
    during: float | None = None


class Exhibits(Protocol):
    """What there is to draw of a Case; looked for when it is drawn."""

    def calls(self) -> pd.DataFrame | None:
        """Edges (caller, callee); None where none are known, or not who calls."""

    def series(self, suspects: Sequence[str]) -> pd.DataFrame | None:
        """Rows of ``schema.METRICS`` with the suspect as the service: its metrics, and what
        spans show (``SPANS``). None without any."""

    def request(self, suspect: str, failing: bool) -> pd.DataFrame | None:
        """Spans of the one request that tells most of the suspect; None without traces.

        Args:
            failing: rather one in which a failure begins at the suspect, where there is one.
        """


@dataclass(frozen=True, eq=False)
class Explanation:
    """What a ranker says of a Case, and why. Draws itself in a notebook.

    Attributes:
        ranks: blame by suspect, float64, highest first.
        terms: what each evidence adds, suspect x evidence, in the order of the ranks; of a ranker
            that has no evidence apart, one column of its name.
        reasons: the strongest signals of the first suspects (``aiops.rca.reasons.COLUMNS``):
            effect in normal scales, logarithmic; before and during in the signal's unit. Of a
            ranker without evidence apart they are what moved, not what it went by.
        path: from the symptom's or the entry service to the first suspect, services and edges;
            [] where there is no call graph, or no way.
        confidence: probability that the first suspect is a culprit; None when not stated.
        abstains: whether the ranker would rather name nobody; None when not stated.
        culprits: one name; two where a second fault shows (``aiops.rca.reasons.culprits``); none
            where the ranker abstains or nothing speaks against anybody.
        signals: all signals, strongest first.
        exhibits: what there is to draw.
        moved: of a ranker that learned: whose evidence moved it to blame the first suspect, by how
            many log odds (of, evidence, effect), strongest first; None of any other.
    """

    case: Case = field(repr=False)
    ranks: pd.Series
    terms: pd.DataFrame
    reasons: pd.DataFrame = field(repr=False)
    path: list[Step]
    confidence: float | None
    abstains: bool | None
    culprits: tuple[str, ...]
    signals: pd.DataFrame = field(repr=False)
    exhibits: Exhibits = field(repr=False)
    moved: pd.DataFrame | None = field(default=None, repr=False)

    def plot(self) -> list[Figure]:
        """The graph with blame, the strongest series, a telling request: those there are."""
        from aiops.explained.pictures import figures

        return list(figures(self).values())

    def _repr_html_(self) -> str:
        from aiops.explained.page import to_html

        return to_html(self)
