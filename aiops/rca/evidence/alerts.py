"""Alerts of a suspect that are rare: against past incidents, else within this one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from aiops.case import Case
from aiops.rca.view import View

TABLE = None  # alerts of normal time are not told
POWER = 1.5  # of an alert's surprise: one that was never seen is worth many that are usual
WEIGHT = {"log": 3.0}  # of a kind: a metric moves with neighbours, one writes one's own log
_ALERT = ["kind", "name", "direction"]


class Rates(NamedTuple):
    """How often each suspect raised each alert over past incidents, causes unknown."""

    seen: Counter[tuple[str, ...]]
    incidents: int


def learn(cases: Sequence[Case]) -> Rates:
    """Count alerts over past incidents; no label is used."""
    seen: Counter[tuple[str, ...]] = Counter()
    with_alerts = [case for case in cases if case.alerts is not None]
    for case in with_alerts:
        seen.update(map(tuple, _distinct(case).to_numpy()))
    return Rates(seen, len(with_alerts))


def blame(view: View) -> pd.Series | None:
    """log(1 + sum over a suspect's distinct alerts of surprise to the power 1.5, logs threefold).

    Surprise is -log of the rate at which the suspect raised the alert in past incidents; without
    any, log of all suspects over those that raise it now.
    """
    if view.case.alerts is None:
        return None
    total = _surprises(view).groupby("suspect")["effect"].sum()
    return np.log1p(total.reindex(view.suspects).fillna(0.0))


def signals(view: View) -> pd.DataFrame:
    """A row an alert; before: the rate over past incidents, where there are any."""
    found = _surprises(view)
    return found.assign(effect=np.log1p(found["effect"]))


def _surprises(view: View) -> pd.DataFrame:
    raised = _distinct(view.case)
    rates: Rates | None = view.memory.get("alerts")
    before = np.full(len(raised), np.nan)
    if rates is not None and rates.incidents:
        seen = np.array([rates.seen[tuple(each)] for each in raised.to_numpy()], dtype=float)
        before = seen / rates.incidents
        surprise = -np.log((seen + 0.5) / (rates.incidents + 1))
    else:
        now = raised.groupby(_ALERT)["suspect"].transform("size").to_numpy(dtype=float)
        surprise = np.log((len(view.suspects) + 1) / (now + 0.5))
    told = raised["kind"] + " alert " + raised["name"] + " " + raised["direction"]
    return pd.DataFrame({"suspect": raised["suspect"], "signal": told.str.strip(),
                         "effect": np.maximum(surprise, 0.0) ** POWER
                         * raised["kind"].map(WEIGHT).fillna(1.0).to_numpy(dtype=float),
                         "before": before, "during": 1.0})


def _distinct(case: Case) -> pd.DataFrame:
    """Distinct alerts of suspects: suspect, kind, name, direction."""
    assert case.alerts is not None
    alerts = case.alerts.reindex(columns=["instance", "service", *_ALERT])
    known = alerts["instance"].isin(case.suspects)
    alerts = alerts.assign(suspect=alerts["instance"].where(known, alerts["service"]),
                           direction=alerts["direction"].astype(object).fillna("")).drop_duplicates()
    kept = alerts[alerts["suspect"].isin(case.suspects)]
    return kept[["suspect", *_ALERT]].drop_duplicates().astype(object)
