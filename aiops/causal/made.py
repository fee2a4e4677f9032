"""Systems whose causes are known: linear, with a threshold, with queues; one planted cause each.

The test bed of the answers: ``tests/causal`` and ``benchmarks/causal.py`` ask about them. In each,
``culprit`` is whose own time rises in the incident (nobody's when None), and ``surge`` by how much
load does.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from aiops.causal.variables import Variables

# front calls cart and ship, cart calls db, ship calls quote, all under one load. Callees first.
CALLS = {"db": (), "quote": (), "cart": ("db",), "ship": ("quote",), "front": ("cart", "ship")}
SERVICES, TARGET, LOAD = tuple(CALLS), "front", "load"
EDGES = [(callee, caller) for caller, callees in CALLS.items() for callee in callees]
EDGES += [(LOAD, service) for service in SERVICES]
BY_LOAD = 0.4  # of each service's mean a unit of load, in the linear systems
NORMAL, ABNORMAL = 240, 60


class Made:
    """A made system: variables, and the truth about the planted cause.

    Attributes:
        effect: true total effect of each service's own time on the target's, by service.
        planted: by how much the culprit's own time rose.
    """

    def __init__(self, variables: Variables, effect: dict[str, float], planted: float) -> None:
        self.variables, self.effect, self.planted = variables, effect, planted


def linear(seed: int, culprit: str | None, rise: float = 6.0, surge: float = 0.0,
           rows: tuple[int, int] = (NORMAL, ABNORMAL)) -> Made:
    """Each latency is its own time, slope x each callee's, and load."""
    rng = np.random.default_rng(seed)
    slope = {edge: rng.uniform(0.4, 1.2) for edge in EDGES if edge[0] != LOAD}

    def caller(own: np.ndarray, callees: dict[str, np.ndarray], load: np.ndarray,
               who: str) -> np.ndarray:
        return own + BY_LOAD * load + sum(slope[name, who] * each
                                          for name, each in callees.items())

    made = _system(rng, culprit, rise, surge, rows, caller)
    ways = {("db", "cart"): ("cart", "front"), ("quote", "ship"): ("ship", "front")}
    effect = {TARGET: 1.0} | {a: slope[a, TARGET] for a in ("cart", "ship")}
    effect |= {a: slope[a, b] * slope[way] for (a, b), way in ways.items()}
    return Made(made, effect, rise)


def threshold(seed: int, culprit: str | None, rise: float = 8.0, surge: float = 0.0) -> Made:
    """A caller hides what its callees take up to a limit that normal operation seldom passes."""
    rng = np.random.default_rng(seed)

    def caller(own: np.ndarray, callees: dict[str, np.ndarray], load: np.ndarray,
               who: str) -> np.ndarray:
        hidden = sum(np.maximum(each - np.quantile(each[:NORMAL], 0.95), 0.0)
                     for each in callees.values())
        return own + BY_LOAD * load + hidden

    return Made(_system(rng, culprit, rise, surge, (NORMAL, ABNORMAL), caller), {}, rise)


def queueing(seed: int, culprit: str | None, slower: float = 1.35, surge: float = 0.0) -> Made:
    """Each service an M/M/1 queue at 60 % in normal operation; a fault makes service slower.

    The mean time in a queue is 1 / (rate - load), which a surge raises everywhere at once.
    ``planted`` is the factor ``slower``; no effect is constant, so ``effect`` is empty.
    """
    rng = np.random.default_rng(seed)
    n, late = NORMAL + ABNORMAL, np.arange(NORMAL + ABNORMAL) >= NORMAL
    load = 6.0 + rng.normal(0, 0.25, n) + surge * late
    latency = {LOAD: load}
    for service, callees in CALLS.items():
        rate = rng.normal(10.0, 0.12, n) / np.where(late & (service == culprit), slower, 1.0)
        queue = 100 / np.maximum(rate - load, 0.25)
        latency[service] = queue + sum(latency[callee] for callee in callees)
    return Made(_sides(latency), {}, slower)


Caller = Callable[[np.ndarray, dict[str, np.ndarray], np.ndarray, str], np.ndarray]


def _system(rng: np.random.Generator, culprit: str | None, rise: float, surge: float,
            rows: tuple[int, int], caller: Caller) -> Variables:
    n, late = sum(rows), np.arange(sum(rows)) >= rows[0]
    load = 20 + rng.normal(0, 1.0, n) + surge * late
    latency = {LOAD: load}
    for service, callees in CALLS.items():
        own = 30 + rng.normal(0, 1.0, n) + rise * (late & (service == culprit))
        latency[service] = caller(own, {name: latency[name] for name in callees}, load, service)
    return _sides(latency, rows[0])


def _sides(latency: dict[str, np.ndarray], cut: int = NORMAL) -> Variables:
    whole = pd.DataFrame(latency)
    return Variables.of(whole[:cut], whole[cut:], EDGES, TARGET, load=[LOAD])
