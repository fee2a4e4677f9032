"""Nezha: sequences of events that normal requests go through and the incident's do not."""

from __future__ import annotations

import numpy as np
import pandas as pd

from aiops.base import Ranker
from aiops.case import Case
from aiops.errors import CaseError
from aiops.rca.instances import alike
from aiops.rca.request_events import Requests, patterns, requests
from aiops.rca.series import columns, ordered, shift


class Nezha(Ranker):
    """Expected event patterns that the incident misses, deepest first.

    Paper: Yu et al., "Nezha: Interpretable Fine-Grained Root Causes Analysis for Microservices
    on Multi-Modal Observability Data" (ESEC/FSE 2023), settings as in its repository. A request
    is a graph of events: start and end of its spans, log templates and alarms within them
    (``request_events``); a pattern is one event that follows another. Its score is its normal
    support over normal and abnormal support together; patterns of normal support over
    ``least`` and a score of at least ``threshold`` are suspicious, but for one whose first
    event ends another such pattern that scores as high. The deeper in the call tree of two
    that score the same is the likelier cause. A service is blamed with the best pattern whose
    first event is its own. Alarms ring in the incident alone, so that they break the patterns
    of their service.

    Differs: support is per request, scaled to as many requests as the incident has, for normal
    operation is longer here than the incident. Alarms are of any metric of a service that lies
    more than ``alarm`` robust scales above normal, where the repository has absolute limits
    (80 % of CPU or memory, 200 ms on the way), which depend on units and systems; as there,
    client spans get none. Log lines are their template column, else the text with words that
    hold a digit masked, where the repository mines Drain templates. Without its logs Nezha's own
    Online Boutique data give AS@1 / 3 / 5 of .17 / .32 / .61 (41 faults with the scored minute;
    its authors print .93 / .96 / .96 with logs, over all 56); none of the exceptions and
    returns, which log lines would show, comes first.

    Args:
        threshold, least: of suspicious patterns.
        alarm: of alarms, in robust scales.
    """

    def __init__(self, threshold: float = 0.67, least: int = 5, alarm: float = 6.0) -> None:
        self.threshold = threshold
        self.least = least
        self.alarm = alarm

    def rank(self, case: Case) -> pd.Series:
        """Blame: place of a service's best pattern among the distinct (score, depth), 0 to 1."""
        if case.traces is None:
            raise CaseError(f"Nezha needs traces. This Case has {', '.join(case.tables)}.")
        before = requests(case, "normal", pd.Series(dtype=object))
        after = requests(case, "abnormal", self._alarms(case))
        found = self._suspicious(before, after)
        place = found.groupby(["score", "depth"]).ngroup() + 1.0
        return ordered(case, alike((place / place.max()).groupby(found["service"]).max(), case))

    def _alarms(self, case: Case) -> pd.Series:
        """By service: the metric furthest above normal, where that is far enough."""
        made = columns(case)
        off = shift(made)
        high = off[off > self.alarm].sort_values(kind="stable")
        about = made.about.reindex(high.index)
        return about.drop_duplicates("service", keep="last").set_index("service")["name"]

    def _suspicious(self, before: Requests, after: Requests) -> pd.DataFrame:
        """Patterns: source, target (events), service, score, depth."""
        normal, abnormal = patterns(before), patterns(after)
        scale = after.n / before.n if before.n else 0.0
        known = normal[normal["support"] * scale > self.least]
        seen = abnormal.set_index(["source", "target"])["support"].reindex(
            pd.MultiIndex.from_frame(known[["source", "target"]])).fillna(0.0).to_numpy()
        usual = known["support"].to_numpy() * scale
        known = known.assign(score=np.round(usual / (usual + seen), 9))
        return self._roots(known[known["score"] >= self.threshold])

    def _roots(self, known: pd.DataFrame) -> pd.DataFrame:
        """Patterns that no pattern before them explains."""
        best = known.groupby("target")["score"].max()
        explained = known["source"].map(best).astype(float) >= known["score"]
        return known[~explained]
