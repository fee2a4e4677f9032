"""Incidents of a made system, as Cases with their truth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from aiops.case import Case
from aiops.errors import InputError
from aiops.simulation import alerts as raised
from aiops.simulation import faults, metrics, telemetry, topology
from aiops.simulation.faults import FAULTS, Planted, State
from aiops.simulation.requests import Recorded, run

_START = pd.Timestamp("2026-01-01T00:00:00Z")
_PAST = 8  # unlabelled incidents of a system that tells alerts alone
_OTHERS = {"store": ("store-latency", "store-errors", "store-stall"), "host": ("noisy-neighbour",),
           "edge": ("slow-network", "packet-loss", "port-refused")}
_OUTSIDE = ("noisy-neighbour", "store-latency", "store-errors", "store-stall", "slow-network")
_BURNING = ("latency", "cpu-burn", "errors", "network-delay", "store-latency")  # that can grow
_ALONE, _HARMLESS = 0.8, 0.15  # of incidents: one fault; none


@dataclass(frozen=True)
class Made:
    """A made incident.

    Args:
        case: what a ranker sees. truth: culprits, kind, fault, as ``truth.json`` has them.
        past: unlabelled incidents of the same system, where a ranker may know some.
    """

    case: Case
    truth: dict
    past: tuple[Case, ...] = ()


@dataclass(frozen=True)
class _Manner:
    """What is told of a system: which tables, and who may be blamed."""

    traces: bool
    metrics: bool
    alerts: bool
    topology: bool
    symptom: bool
    stores: bool
    hosts: bool
    edges: bool
    step_s: float
    normal_s: float
    abnormal_s: float


SEVERAL = ("two causes", "outside", "cascade", "slow burn")


def incidents(seed: int, number: int = 4) -> Iterator[Made]:
    """Draw a system and ``number`` incidents of it; the same for the same seed.

    What kind of data it tells is drawn too: traces with or without metrics and logs, metrics
    with or without a stated symptom and a topology, or alerts alone.
    """
    rng = np.random.default_rng(seed)
    yield from _World(rng, _manner(rng)).incidents(number)


def of_several_parts(seed: int, what: str) -> Made:
    """An incident of a made system that is no single fault of one service.

    The system tells traces and metrics, and services, stores, hosts and calls may be blamed.

    Args:
        what: one of ``SEVERAL``: two faults at once; a cause outside the services (a host, a
            store, the network between two); a callee so slow that its callers give up and try
            again; a fault that grows for a minute and a half and is found when it is half grown.

    Raises:
        InputError: another one.
    """
    if what not in SEVERAL:
        raise InputError(f"what must be one of {', '.join(SEVERAL)}. Got {what!r}.")
    rng = np.random.default_rng([seed, SEVERAL.index(what)])
    return _World(rng, _WHOLE, impatient=what == "cascade").of_several_parts(what)


class _World:
    """A system in normal operation, and how it is seen."""

    def __init__(self, rng: np.random.Generator, manner: _Manner, impatient: bool = False
                 ) -> None:
        self.rng = rng
        drawn = topology.draw(rng)
        self.system = topology.impatient(drawn) if impatient else drawn
        self.manner = manner
        self.seen = telemetry.draw(rng, self.system)
        stores = not self.manner.traces and self.manner.stores
        self.shown = metrics.draw(rng, self.system, manner.step_s, stores, manner.alerts)
        self.phase = float(rng.random())
        self.calm = run(self.system, State(), _seed(rng), self.manner.normal_s, self.phase)
        self.calm_series = metrics.series(self.system, self.calm, State(), self.shown, rng)
        self.habits = raised.draw(rng, self.system, self.calm_series)
        self.kinds = [kind for kind in FAULTS if all(
            getattr(self.manner, f"{who}s") or kind not in kinds
            for who, kinds in _OTHERS.items())]

    def incidents(self, number: int) -> Iterator[Made]:
        past: tuple[Case, ...] = ()
        if self.manner.alerts:
            past = tuple(self._one(*faults.plant(self.system, self.rng, self.kinds)).case
                         for _ in range(int(self.rng.integers(0, 2)) * _PAST))
        for _ in range(number):
            made = self._one(*self._planted())
            yield Made(made.case, made.truth, past)

    def of_several_parts(self, what: str) -> Made:
        system, rng, lead = self.system, self.rng, None
        if what == "two causes":  # the same may be drawn twice
            state, planted = _until(lambda: faults.two(system, rng),
                                    lambda culprits: len(culprits) == 2)
        elif what == "slow burn":
            state, planted = faults.plant(system, rng, _BURNING)
            state.ramp_s, lead = 90.0, 45.0
        elif what == "outside":
            state, planted = faults.plant(system, rng, _OUTSIDE)
        else:
            state, planted = _until(lambda: faults.plant(system, rng, ("retry-storm",)),
                                    lambda culprits: culprits != (system.services[0].name,))
        return self._one(state, planted, lead)

    def _planted(self) -> tuple[State, Planted]:
        drawn = self.rng.random()
        if drawn < _ALONE:
            state, planted = faults.plant(self.system, self.rng, self.kinds)
            state.ramp_s = float(self.rng.uniform(5, 40)) if self.rng.random() < 0.15 else 0.0
            return state, planted
        if drawn < _ALONE + _HARMLESS:
            return faults.disturb(self.system, self.rng)
        return faults.two(self.system, self.rng, self.kinds)

    def _one(self, state: State, planted: Planted, lead: float | None = None) -> Made:
        lead = self._lead() if lead is None else lead
        length = lead + self.manner.abnormal_s
        now = run(self.system, state, _seed(self.rng), length, float(self.rng.random()))
        series = metrics.series(self.system, now, state, self.shown, self.rng)
        begin = _START + pd.Timedelta(self.manner.normal_s, unit="s")
        end = begin + pd.Timedelta(length, unit="s")
        late = self.rng.random() < 0.1  # part of the fault's time counts as normal
        detected = begin + pd.Timedelta(lead, unit="s")
        normal = ((_START, detected),) if late else ((_START, begin),)
        return Made(Case(normal=normal, abnormal=(detected, end), entry_service="service-0",
                         symptom=self._symptom(now), suspects=self._suspects(),
                         **self._tables(now, series, begin)),
                    {"culprits": list(planted.culprits), "kind": planted.layer,
                     "fault": planted.kind})

    def _lead(self) -> float:
        """Seconds from the fault to the alert."""
        return float(self.rng.choice([0.0, 5.0, 10.0, 20.0], p=[0.4, 0.3, 0.2, 0.1]))

    def _symptom(self, now: Recorded) -> dict | None:
        """Latency or errors of the entry, whichever is worse against normal."""
        if not self.manner.symptom:
            return None
        (_, calm, failed), (_, slow, failing) = (telemetry.felt(r) for r in (self.calm, now))
        worse = failing.mean() > failed.mean() + 0.05
        names = [n for n in self.shown.names if n in metrics.TRAFFIC[1:]]
        wanted = "error_rate" if worse else "latency_p95"
        metric = wanted if wanted in names or not names else names[0]
        return {"service": "service-0", "metric": metric, "direction": "up"}

    def _suspects(self) -> tuple[str, ...]:
        """Services, and what else may be blamed in this system."""
        of, manner = self.system, self.manner
        found = [each.name for each in of.services if manner.stores or not each.store]
        if manner.hosts:
            found += [f"host-{at}" for at in range(len(of.cores))]
        if manner.edges:
            found += ["->".join(of.services[end].name for end in edge) for edge in of.edges()
                      if not of.services[edge[1]].store]
        return tuple(found)

    def _tables(self, now: Recorded, series: pd.DataFrame, begin: pd.Timestamp) -> dict:
        manner, made = self.manner, {}
        if manner.traces:
            made["traces"] = pd.concat([
                telemetry.spans(self.system, self.calm, self.seen, _START, "00000001"),
                telemetry.spans(self.system, now, self.seen, begin, "00000002")])
            if self.seen.logs:
                made["logs"] = pd.concat([
                    telemetry.lines(self.system, self.calm, self.seen, _START, "00000001",
                                    self.rng),
                    telemetry.lines(self.system, now, self.seen, begin, "00000002", self.rng)])
        if manner.metrics:
            made["metrics"] = pd.concat([_at(self.calm_series, _START), _at(series, begin)])
        if manner.alerts:
            made["alerts"] = raised.alerts(self.system, self.calm, now, self.calm_series, series,
                                           self.habits, self.rng)
        if manner.topology:
            made["topology"] = telemetry.edges(self.system, self.calm)
        return made


_WHOLE = _Manner(traces=True, metrics=True, alerts=False, topology=True, symptom=False,
                 stores=True, hosts=True, edges=True, step_s=5.0, normal_s=60.0, abnormal_s=35.0)


def _manner(rng: np.random.Generator) -> _Manner:
    drawn = rng.random()
    if drawn < 0.55:  # traces, most with metrics
        whole = rng.random() < 0.75  # like a shop of one's own: who else may be blamed is known
        return _Manner(True, bool(rng.random() < 0.8), False, bool(rng.random() < 0.5),
                       bool(rng.random() < 0.4), whole, whole and bool(rng.random() < 0.7),
                       whole and bool(rng.random() < 0.7), float(rng.choice([2.0, 5.0])),
                       float(rng.uniform(50, 130)), float(rng.uniform(20, 50)))
    if drawn < 0.82:  # metrics alone
        known = bool(rng.random() < 0.6)
        return _Manner(False, True, False, known, known and bool(rng.random() < 0.7),
                       bool(rng.random() < 0.5), False, False, float(rng.choice([1.0, 2.0, 4.0])),
                       float(rng.uniform(150, 300)), float(rng.uniform(16, 60)))
    return _Manner(False, False, True, True, False, bool(rng.random() < 0.7), False, False,
                   5.0, 100.0, 40.0)


def _until(draw: Callable[[], tuple[State, Planted]], fits: Callable[[tuple[str, ...]], bool]
           ) -> tuple[State, Planted]:
    """The first of a hundred draws whose culprits fit."""
    for _ in range(100):
        state, planted = draw()
        if fits(planted.culprits):
            return state, planted
    raise InputError("this system has no place for such a fault. Take another seed.")


def _at(series: pd.DataFrame, begin: pd.Timestamp) -> pd.DataFrame:
    made = series.assign(time=begin + pd.to_timedelta(series["at"], unit="s")).drop(columns="at")
    return made


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(2**31))
