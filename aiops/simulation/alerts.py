"""A run as the alerts that it raises: metrics beyond three sigmas, slow or failing calls, lines.

What TVDiag publishes of its systems (arXiv 2407.19711) looks like this: no values, no times.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from aiops.simulation.requests import CLIENT, WARN, Recorded
from aiops.simulation.topology import System

_COLUMNS = ["instance", "service", "kind", "name", "direction", "peer"]
_SIGMAS = 3.0
_FEW = 5  # calls, before one says that an edge is slow
_NOTICED = 0.8  # of slow calls


@dataclass(frozen=True)
class Habits:
    """What raises alerts for nothing, drawn once a system: it does so again and again.

    Args:
        sigmas: of a metric's alert. metrics, calls, lines: by who raises it, the probability
            that an alert is raised in a run whatever happens.
    """

    sigmas: float
    metrics: dict[tuple[str, str], float]
    calls: dict[tuple[int, int], float]
    lines: dict[str, float]


def draw(rng: np.random.Generator, system: System, calm: pd.DataFrame) -> Habits:
    """Habits of a system: some are quiet, in some everything alerts."""
    def each(share: float) -> float:
        return float(rng.beta(0.4, 0.4 * (1 - share) / share))

    loud = 10 ** rng.uniform(-2.2, -0.6, 3)
    pairs = calm.loc[calm["peer_service"].isna(), ["service", "name"]].drop_duplicates()
    names = [service.name for service in system.services if not service.store]
    return Habits(_SIGMAS * rng.uniform(0.7, 1.3),
                  {pair: each(loud[0]) for pair in pairs.itertuples(index=False, name=None)},
                  {edge: each(loud[1]) for edge in system.edges()},
                  {name: each(loud[2]) for name in names})


def alerts(system: System, calm: Recorded, now: Recorded, calm_series: pd.DataFrame,
           now_series: pd.DataFrame, habits: Habits, rng: np.random.Generator) -> pd.DataFrame:
    """Alerts of a run, against normal operation of the same system."""
    rows = [*_of_metrics(calm_series, now_series, habits, rng),
            *_of_calls(system, calm, now, habits, rng), *_of_lines(system, calm, now, habits, rng)]
    return pd.DataFrame(rows, columns=_COLUMNS).drop_duplicates().reset_index(drop=True)


def _of_metrics(calm: pd.DataFrame, now: pd.DataFrame, habits: Habits, rng: np.random.Generator
                ) -> Iterator[tuple]:
    calm, now = (each[each["peer_service"].isna()] for each in (calm, now))
    usual = calm.groupby(["service", "name"])["value"].agg(["mean", "std"])
    seen = now.groupby(["service", "name"])["value"].agg(["max", "min"]).join(usual, how="inner")
    for (service, name), row in seen.iterrows():
        by, for_nothing = habits.sigmas * row["std"], habits.metrics.get((service, name), 0.0)
        if row["max"] > row["mean"] + by or rng.random() < for_nothing:
            yield service, service, "metric", name, "up", None
        if row["min"] < row["mean"] - by:
            yield service, service, "metric", name, "down", None


def _of_calls(system: System, calm: Recorded, now: Recorded, habits: Habits,
              rng: np.random.Generator) -> Iterator[tuple]:
    """Of calls whose mean duration, or number of failures, is beyond normal."""
    before, during = (_calls(each) for each in (calm, now))
    for at, row in during.join(before.add_suffix("_calm"), how="inner").iterrows():
        caller, callee, operation = at
        names = (system.services[callee].name, system.services[caller].name)
        kind = system.operations[operation].name
        usual = row["ms_calm"] + _SIGMAS * row["sd_calm"] / np.sqrt(row["n"])
        slow = row["n"] >= _FEW and row["ms"] > usual and rng.random() < _NOTICED
        if slow or rng.random() < habits.calls[caller, callee]:
            yield names[0], names[0], "trace", f"{kind} slow", "slow", names[1]
        if row["error"] > row["error_calm"] + 0.02:
            yield names[0], names[0], "trace", f"{kind} failed", "error", names[1]


def _calls(recorded: Recorded) -> pd.DataFrame:
    of = recorded.spans
    at = np.flatnonzero((of["kind"] == CLIENT) & np.isfinite(of["end"]))
    frame = pd.DataFrame({"caller": of["service"][at], "callee": of["peer"][at],
                          "operation": of["operation"][at], "error": of["error"][at],
                          "ms": (of["end"][at] - of["start"][at]) * 1e3})
    group = frame.groupby(["caller", "callee", "operation"])
    return pd.DataFrame({"n": group.size(), "ms": group["ms"].mean(), "sd": group["ms"].std(),
                         "error": group["error"].mean()})


def _of_lines(system: System, calm: Recorded, now: Recorded, habits: Habits,
              rng: np.random.Generator) -> Iterator[tuple]:
    """Of lines at warning or worse that normal operation has not seen."""
    usual = {(service, text) for _, service, text, _, _ in calm.lines}
    found = {(service, text) for _, service, text, severity, _ in now.lines if severity >= WARN}
    for service, text in sorted(found - usual):
        name = system.services[service].name
        yield name, name, "log", text.split()[0], None, None
    for name, share in habits.lines.items():
        for kind in range(3):
            if rng.random() < share:
                yield name, name, "log", f"rare-{kind}", None, None
