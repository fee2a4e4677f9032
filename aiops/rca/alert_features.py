"""What a suspect's alerts say, as numbers: one row a suspect, nothing that depends on names.

Alerts are weighed against past incidents, whose causes need not be known: an alert that an
instance raises in every incident says nothing, one that it never raised before much. The
surprise of an alert is -log of its base rate, (incidents in which this instance raised it +
1/2) / (incidents + 1). A trace alert also tells of its caller (``peer``), as a kind of its own.
And of whom it calls: where an instance raises one about its own side of a call (it is its own
peer), those who answer that call are ``called``. Who answers is known from the past: whoever has
raised an alert of that name with that caller. A slow network shows there alone: the caller waits,
the callee does not know.

Names only join a suspect with its own past: rename services in history and case alike and the
rows permute. Who a suspect is, a model may tell from how many alerts of each kind it usually
raises (``usual``) and from its number of neighbours, not from its name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from aiops.case import Case
from aiops.errors import CaseError

KINDS = ("metric", "log", "trace", "caller", "called")
POWER = 1.5  # of surprise in sums: one rare alert outweighs several common ones
SEEN = 3  # incidents that an alert's name must have been seen in to be a feature
DECIMALS = 9  # beyond them lies the order of summation
_CALL = ["peer", "name", "instance"]
_WEIGHTS = np.array([1.0, 0.5, 0.2, 0.1, 0.0])  # of kinds, where one number must do


class _Raised(NamedTuple):
    """Distinct alerts of a case, as arrays: who, kind (a number), what, how many times."""

    who: np.ndarray
    kind: np.ndarray
    what: np.ndarray
    times: np.ndarray


class AlertHistory:
    """Base rates of alerts over past incidents.

    Args:
        cases: past incidents; their causes are not looked at.
    """

    def __init__(self, cases: Iterable[Case]) -> None:
        cases = list(cases)
        self.answers = _answers(cases)
        raised = [(case, _raised(case, self.answers)) for case in cases]
        self.incidents = len(raised)
        self.rate = Counter(pair for _, each in raised
                            for pair in zip(each.who, each.what, strict=True))
        named = Counter(what for _, each in raised for what in set(each.what))
        self.names = sorted(what for what, n in named.items() if n >= SEEN)
        self.service = {who: of for case, _ in raised for who, of in _services(case).items()}
        self.usual = _usual(raised)

    def features(self, case: Case, past: bool = False) -> pd.DataFrame:
        """A row a suspect, a column a feature.

        Args:
            past: the case is one of the history's own: its alerts count for one less there.

        Raises:
            CaseError: the Case has no alerts.
        """
        suspects = pd.Index(sorted(case.suspects))
        raised = _raised(case, self.answers)
        at = suspects.get_indexer(raised.who)
        raised = _Raised(*(column[at >= 0] for column in raised))
        at = at[at >= 0]
        surprise = self._surprise(raised, past)
        shares = np.bincount(pd.factorize(raised.what)[0])[pd.factorize(raised.what)[0]]
        rare = np.log(len(suspects) / shares)
        own = _own(len(suspects), at, raised, surprise, rare)
        usual = np.array([self.usual.get(each, np.zeros(len(KINDS))) for each in suspects])
        made = pd.concat([own, _beside(own, self._siblings(case, suspects),
                                       _neighbours(case, suspects)),
                          pd.DataFrame(usual, columns=[f"usual_{k}" for k in KINDS]),
                          self._by_name(len(suspects), at, raised.what, surprise)], axis=1)
        return made.round(DECIMALS).set_axis(suspects, axis=0)

    def _surprise(self, raised: _Raised, past: bool) -> np.ndarray:
        seen = np.array([self.rate[pair] for pair in zip(raised.who, raised.what, strict=True)],
                        dtype=float)
        rate = (seen - past + 0.5) / (self.incidents - past + 1)
        return np.maximum(-np.log(rate), 0.0)

    def _siblings(self, case: Case, suspects: pd.Index) -> np.ndarray:
        """Matrix, suspect by suspect: another instance of the same service."""
        services = {**self.service, **_services(case)}
        of = np.array([services.get(each, each) for each in suspects], dtype=object)
        return (of[:, None] == of[None, :]) & ~np.eye(len(of), dtype=bool)

    def _by_name(self, n: int, at: np.ndarray, what: np.ndarray,
                 surprise: np.ndarray) -> pd.DataFrame:
        """Surprise of each alert by its name, 0 where it was not raised."""
        column = pd.Index(self.names).get_indexer(what)
        made = np.zeros((n, len(self.names)))
        made[at[column >= 0], column[column >= 0]] = surprise[column >= 0]
        return pd.DataFrame(made, columns=[f"alert {name}" for name in self.names])


def _raised(case: Case, answers: pd.DataFrame) -> _Raised:
    alerts = _alerts(case)
    direction = alerts["direction"].fillna("") if "direction" in alerts else ""
    what = (alerts["kind"] + " " + alerts["name"] + " " + direction).str.strip()
    own = pd.DataFrame({"who": alerts["instance"], "kind": alerts["kind"], "what": what})
    whole = pd.concat([own, _callers(alerts), _called(alerts, answers)], ignore_index=True)
    whole = whole[whole["kind"].isin(KINDS)].astype(object)
    found = whole.value_counts(sort=False).reset_index()
    return _Raised(found["who"].to_numpy(), pd.Index(KINDS).get_indexer(found["kind"]),
                   found["what"].to_numpy(), found["count"].to_numpy(float))


def _alerts(case: Case) -> pd.DataFrame:
    if case.alerts is None:
        raise CaseError("Ranking by alerts needs alerts. "
                        f"This Case has {', '.join(case.tables) or 'no tables'}.")
    return case.alerts


def _callers(alerts: pd.DataFrame) -> pd.DataFrame:
    if "peer" not in alerts:
        return pd.DataFrame()
    calls = alerts[alerts["peer"].notna() & (alerts["peer"] != alerts["instance"])]
    return pd.DataFrame({"who": calls["peer"], "kind": "caller", "what": "caller " + calls["name"]})


def _called(alerts: pd.DataFrame, answers: pd.DataFrame) -> pd.DataFrame:
    calls = _calls(alerts)
    own = calls.loc[calls["peer"] == calls["instance"], ["peer", "name"]]
    asked = own.merge(answers, on=["peer", "name"])
    return pd.DataFrame({"who": asked["instance"], "kind": "called",
                         "what": "called " + asked["name"]})


def _answers(cases: Sequence[Case]) -> pd.DataFrame:
    """By caller and name of a call: the instances that answer it (peer, name, instance)."""
    calls = pd.concat([pd.DataFrame(columns=_CALL), *(_calls(_alerts(case)) for case in cases)])
    return calls[calls["peer"] != calls["instance"]].drop_duplicates()


def _calls(alerts: pd.DataFrame) -> pd.DataFrame:
    """Distinct calls that trace alerts tell of."""
    traces = alerts[alerts["kind"] == "trace"].reindex(columns=_CALL).astype(object)
    return traces.dropna(subset="peer").drop_duplicates()


def _services(case: Case) -> dict[str, str]:
    assert case.alerts is not None
    return dict(zip(case.alerts["instance"], case.alerts["service"], strict=True))


def _usual(raised: Sequence[tuple[Case, _Raised]]) -> dict[str, np.ndarray]:
    """Mean number of distinct alerts by kind in an incident, by instance."""
    found = pd.concat([pd.DataFrame({"who": each.who, "kind": each.kind}) for _, each in raised]
                      or [pd.DataFrame({"who": [], "kind": []})])
    table = pd.crosstab(found["who"], found["kind"]).reindex(columns=range(len(KINDS)))
    return dict(zip(table.index, table.fillna(0).to_numpy() / max(len(raised), 1), strict=True))


def _own(n: int, at: np.ndarray, raised: _Raised, surprise: np.ndarray,
         rare: np.ndarray) -> pd.DataFrame:
    """Sums over a suspect's own alerts, by kind."""
    cell = at * len(KINDS) + raised.kind

    def by_kind(values: np.ndarray) -> np.ndarray:
        return np.bincount(cell, values, n * len(KINDS)).reshape(n, len(KINDS))

    most = np.zeros(n * len(KINDS))
    np.maximum.at(most, cell, surprise)
    whole = by_kind(surprise**POWER)
    made = {"surprise": whole, "most": most.reshape(n, -1), "rare": by_kind(rare),
            "distinct": by_kind(np.ones(len(cell))), "times": by_kind(raised.times)}
    columns = {f"{name}_{kind}": values[:, k] for name, values in made.items()
               for k, kind in enumerate(KINDS)}
    return pd.DataFrame({**columns, "surprise_weighed": whole @ _WEIGHTS})


def _beside(own: pd.DataFrame, siblings: np.ndarray, neighbours: np.ndarray) -> pd.DataFrame:
    """The same sums beside those of the other suspects, of replicas and of neighbours."""
    made = {"neighbours": neighbours.sum(axis=1).astype(float)}
    for name in [*(f"surprise_{kind}" for kind in KINDS), "surprise_weighed", "distinct_metric",
                 "distinct_trace"]:
        values = own[name].to_numpy().round(DECIMALS)
        made[f"{name}_share"] = values / max(values.max(initial=0.0), 1e-9)
        made[f"{name}_rank"] = pd.Series(values).rank(ascending=False).to_numpy()
        made[f"{name}_total"] = np.full(len(values), values.sum())
        made[f"{name}_replicas"] = _mean(siblings, values)
        made[f"{name}_around"] = _mean(neighbours, values)
        made[f"{name}_most_around"] = (neighbours * values).max(axis=1, initial=0.0)
    return pd.DataFrame(made)


def _mean(of: np.ndarray, values: np.ndarray) -> np.ndarray:
    return of @ values / np.maximum(of.sum(axis=1), 1)


def _neighbours(case: Case, suspects: pd.Index) -> np.ndarray:
    """Matrix, suspect by suspect: an edge either way."""
    made = np.zeros((len(suspects), len(suspects)), dtype=bool)
    if case.topology is not None:
        ends = [suspects.get_indexer(case.topology[end]) for end in ("caller", "callee")]
        known = (ends[0] >= 0) & (ends[1] >= 0)
        made[ends[0][known], ends[1][known]] = True
    return made | made.T
