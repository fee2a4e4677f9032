"""What goes wrong in a made system, and what only looks like it.

A fault changes what a ``State`` says while it lasts; the run (``requests``) asks the state at
every step. Kinds follow what the testbed plants in a real shop (docs/testbed-faults.md) and what
public data sets planted in theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from aiops.simulation.topology import System

NONE = "none"


@dataclass
class State:
    """What is unusual now, by number of service (s), operation (o), host (h) or edge (s, s).

    Args:
        work: factor of processor time. delay_s, delay_share: own time more, in a share of requests.
        fails: share of requests that fail at once. cuts: share that return early, as if done.
        busy: cores that others take on a host. burns: cores that a service burns idly.
        workers: fewer of them. restarts: seconds between two of them. pauses: how often all of a
            service stands still, and for how long. network_s: one-way delay more of an edge.
            loses: share of an edge's calls that get lost; refuses: all of them, at once.
            grows: memory, bytes a second. says: error lines a second without effect.
            load: factor of users' requests.
            ramp_s: over which work, delays, failures and the network grow to their strength.
    """

    work: dict[int, float] = field(default_factory=dict)
    delay_s: dict[int, tuple[float, float]] = field(default_factory=dict)
    fails: dict[int, float] = field(default_factory=dict)
    cuts: dict[int, float] = field(default_factory=dict)
    busy: dict[int, float] = field(default_factory=dict)
    burns: dict[int, float] = field(default_factory=dict)
    workers: dict[int, int] = field(default_factory=dict)
    restarts: dict[int, float] = field(default_factory=dict)
    pauses: dict[int, tuple[float, float]] = field(default_factory=dict)  # every s, for s
    network_s: dict[tuple[int, int], float] = field(default_factory=dict)
    loses: dict[tuple[int, int], float] = field(default_factory=dict)
    refuses: set[tuple[int, int]] = field(default_factory=set)
    grows: dict[int, float] = field(default_factory=dict)
    says: dict[int, float] = field(default_factory=dict)
    load: float = 1.0
    ramp_s: float = 0.0


@dataclass(frozen=True)
class Planted:
    """A fault in place: its kind, who is to blame ([] for what is no incident), their kind."""

    kind: str
    culprits: tuple[str, ...]
    layer: str


Plant = Callable[[System, np.random.Generator, State], Planted]


def plant(system: System, rng: np.random.Generator, kinds: Sequence[str] | None = None
          ) -> tuple[State, Planted]:
    """A state with one of these kinds planted at a drawn place; of any kind when None."""
    state, names = State(), list(FAULTS if kinds is None else kinds)
    chosen = names[int(rng.integers(len(names)))]
    return state, KINDS[chosen](system, rng, state)


def disturb(system: System, rng: np.random.Generator) -> tuple[State, Planted]:
    """A state that is no incident: nothing at all, more load, a burst of log lines, a hiccup."""
    state, names = State(), list(DISTURBANCES)
    return state, KINDS[names[int(rng.integers(len(names)))]](system, rng, state)


def two(system: System, rng: np.random.Generator, kinds: Sequence[str] | None = None
        ) -> tuple[State, Planted]:
    """Two faults at once, of these kinds; of any when None. Now and then both are one's."""
    state, names = State(), list(FAULTS if kinds is None else kinds)
    first, second = (KINDS[names[int(rng.integers(len(names)))]](system, rng, state)
                     for _ in range(2))
    culprits = tuple(dict.fromkeys(first.culprits + second.culprits))
    return state, Planted(f"{first.kind}+{second.kind}", culprits, first.layer)


# --- who ---------------------------------------------------------------------------------
def _service(system: System, rng: np.random.Generator) -> int:
    """A service that is called in earnest: drawn among those that requests reach."""
    reached = _reached(system)
    own = [at for at in reached if not system.services[at].store]
    return int(rng.choice(own))


def _reached(system: System) -> list[int]:
    """Services that more than .3 requests a second reach."""
    rate = np.zeros(len(system.operations))
    rate[list(system.routes)] = system.shares
    order = sorted(range(len(system.operations)), key=lambda o: -len(_path(system, o)))
    for at in order:
        for call in system.operations[at].calls:
            rate[call.to] += rate[at] * call.share
    by = np.zeros(len(system.services))
    np.add.at(by, [each.service for each in system.operations], rate)
    return [int(at) for at in np.flatnonzero(by * system.rate_per_s > 0.3)] or [0]


def _path(system: System, operation: int) -> list[int]:
    """Operations below one, the longest way down; callers come before callees by its length."""
    below = [_path(system, call.to) for call in system.operations[operation].calls]
    return [operation, *max(below, key=len, default=[])]


def _store(system: System, rng: np.random.Generator) -> int:
    reached = [at for at in _reached(system) if system.services[at].store]
    stores = reached or [at for at, each in enumerate(system.services) if each.store]
    return int(rng.choice(stores))


def _edge(system: System, rng: np.random.Generator) -> tuple[int, int]:
    reached = set(_reached(system))
    known = [e for e in system.edges() if e[0] in reached and e[1] in reached
             and not system.services[e[1]].store]
    known = known or [e for e in system.edges() if e[0] in reached] or system.edges()
    return known[int(rng.integers(len(known)))]


def _own(system: System, at: int) -> float:
    """Seconds that a request of a service takes by itself, typically."""
    return float(np.mean([system.operations[o].work_s + system.operations[o].wait_s
                          for o in system.of(at)]))


def _by(system: System, kind: str, at: int) -> Planted:
    service = system.services[at]
    return Planted(kind, (service.name,), "database" if service.store else "service")


def _name(system: System, edge: tuple[int, int]) -> str:
    return "->".join(system.services[end].name for end in edge)


# --- faults ------------------------------------------------------------------------------
def _latency(system: System, rng: np.random.Generator, state: State) -> Planted:
    at = _service(system, rng)
    share = 1.0 if rng.random() < 0.6 else float(rng.uniform(0.1, 0.5))
    delay = max(_own(system, at) * 10 ** rng.uniform(0.3, 1.6), 0.004)
    _some_operations(system, rng, at, state.delay_s, (delay, share))
    return _by(system, "latency", at)


def _some_operations(system: System, rng: np.random.Generator, at: int,
                     where: dict, what: object) -> None:
    """At all operations of a service, or at one of them."""
    mine = system.of(at)
    chosen = mine if rng.random() < 0.6 else [int(rng.choice(mine))]
    where.update({operation: what for operation in chosen})


def _cpu(system: System, rng: np.random.Generator, state: State) -> Planted:
    at = _service(system, rng)
    state.work[at] = float(10 ** rng.uniform(0.5, 1.8))
    return _by(system, "cpu-burn", at)


def _hog(system: System, rng: np.random.Generator, state: State) -> Planted:
    at = _service(system, rng)
    state.burns[at] = float(rng.uniform(0.4, 1.0) * system.cores[system.services[at].host] * 1.5)
    return _by(system, "cpu-hog", at)


def _errors(system: System, rng: np.random.Generator, state: State) -> Planted:
    at = _service(system, rng)
    _some_operations(system, rng, at, state.fails, float(rng.uniform(0.05, 0.7)))
    return _by(system, "errors", at)


def _early(system: System, rng: np.random.Generator, state: State) -> Planted:
    at = _service(system, rng)
    _some_operations(system, rng, at, state.cuts, float(rng.uniform(0.3, 1.0)))
    return _by(system, "early-return", at)


def _leak(system: System, rng: np.random.Generator, state: State) -> Planted:
    at = _service(system, rng)
    state.grows[at] = float(10 ** rng.uniform(5.8, 7.0))
    if rng.random() < 0.5:
        state.pauses[at] = (float(rng.uniform(1, 4)), float(rng.uniform(0.02, 0.3)))
    return _by(system, "memory-leak", at)


def _pauses(system: System, rng: np.random.Generator, state: State) -> Planted:
    at = _service(system, rng)
    state.pauses[at] = (float(rng.uniform(0.5, 3)), float(rng.uniform(0.05, 0.4)))
    state.work[at] = 1.5
    return _by(system, "pauses", at)


def _pool(system: System, rng: np.random.Generator, state: State) -> Planted:
    at = _service(system, rng)
    state.workers[at] = 1
    state.delay_s.update({o: (max(_own(system, at), 0.01), 1.0) for o in system.of(at)})
    return _by(system, "pool", at)


def _crash(system: System, rng: np.random.Generator, state: State) -> Planted:
    at = _service(system, rng)
    state.restarts[at] = float(rng.uniform(4, 15))
    return _by(system, "crash", at)


def _release(system: System, rng: np.random.Generator, state: State) -> Planted:
    at, share = _service(system, rng), float(rng.choice([1.0, 0.3]))
    mine = system.of(at)
    state.delay_s.update({o: (max(3 * _own(system, at), 0.02), share) for o in mine})
    state.fails.update(dict.fromkeys(mine, 0.1 * share))
    return _by(system, "release", at)


def _storm(system: System, rng: np.random.Generator, state: State) -> Planted:
    """Slow for longer than its callers wait, so that those who try again load it more."""
    at = _service(system, rng)
    patience = [call.timeout_s for each in system.operations for call in each.calls
                if call.to in system.of(at) and np.isfinite(call.timeout_s)]
    delay = 1.2 * max(patience, default=0.5)
    state.delay_s.update({o: (delay, float(rng.uniform(0.2, 0.5))) for o in system.of(at)})
    return _by(system, "retry-storm", at)


def _slow_store(system: System, rng: np.random.Generator, state: State) -> Planted:
    at = _store(system, rng)
    share = 1.0 if rng.random() < 0.6 else float(rng.uniform(0.1, 0.5))
    delay = max(_own(system, at) * 10 ** rng.uniform(0.5, 2), 0.004)
    _some_operations(system, rng, at, state.delay_s, (delay, share))
    return _by(system, "store-latency", at)


def _failing_store(system: System, rng: np.random.Generator, state: State) -> Planted:
    at = _store(system, rng)
    _some_operations(system, rng, at, state.fails, float(rng.uniform(0.1, 0.9)))
    return _by(system, "store-errors", at)


def _stalled_store(system: System, rng: np.random.Generator, state: State) -> Planted:
    at = _store(system, rng)
    state.pauses[at] = (float(rng.uniform(0.8, 3)), float(rng.uniform(0.1, 0.6)))
    return _by(system, "store-stall", at)


def _slow_edge(system: System, rng: np.random.Generator, state: State) -> Planted:
    edge = _edge(system, rng)
    state.network_s[edge] = float(10 ** rng.uniform(-2.3, -0.9))
    return Planted("slow-network", (_name(system, edge),), "edge")


def _lossy_edge(system: System, rng: np.random.Generator, state: State) -> Planted:
    edge = _edge(system, rng)
    state.loses[edge] = float(rng.uniform(0.05, 0.5))
    return Planted("packet-loss", (_name(system, edge),), "edge")


def _refused_edge(system: System, rng: np.random.Generator, state: State) -> Planted:
    edge = _edge(system, rng)
    state.refuses.add(edge)
    return Planted("port-refused", (_name(system, edge),), "edge")


def _slow_service_network(system: System, rng: np.random.Generator, state: State) -> Planted:
    at = _service(system, rng)
    delay = float(10 ** rng.uniform(-2.3, -0.7))
    state.network_s.update({edge: delay for edge in system.edges() if at in edge})
    return _by(system, "network-delay", at)


def _neighbour(system: System, rng: np.random.Generator, state: State) -> Planted:
    host = int(rng.choice([system.services[at].host for at in _reached(system)]))
    state.busy[host] = float(rng.uniform(1.5, 6) * system.cores[host])
    return Planted("noisy-neighbour", (f"host-{host}",), "host")


# --- what is no incident -----------------------------------------------------------------
def _nothing(system: System, rng: np.random.Generator, state: State) -> Planted:
    return Planted("control", (), NONE)


def _surge(system: System, rng: np.random.Generator, state: State) -> Planted:
    state.load = float(rng.uniform(1.4, 2.5))
    return Planted("load-surge", (), NONE)


def _lines(system: System, rng: np.random.Generator, state: State) -> Planted:
    state.says[_service(system, rng)] = float(rng.uniform(1, 20))
    return Planted("error-logs", (), NONE)


def _hiccup(system: System, rng: np.random.Generator, state: State) -> Planted:
    """One restart, so short that hardly anybody sees it."""
    state.pauses[_service(system, rng)] = (20.0, 0.02)
    return Planted("hiccup", (), NONE)


FAULTS: dict[str, Plant] = {
    "latency": _latency, "cpu-burn": _cpu, "cpu-hog": _hog, "errors": _errors,
    "early-return": _early, "memory-leak": _leak, "pauses": _pauses, "pool": _pool,
    "crash": _crash, "release": _release, "retry-storm": _storm, "store-latency": _slow_store,
    "store-errors": _failing_store, "store-stall": _stalled_store, "slow-network": _slow_edge,
    "packet-loss": _lossy_edge, "port-refused": _refused_edge,
    "network-delay": _slow_service_network, "noisy-neighbour": _neighbour}
DISTURBANCES: dict[str, Plant] = {
    "control": _nothing, "load-surge": _surge, "error-logs": _lines, "hiccup": _hiccup}
KINDS = {**FAULTS, **DISTURBANCES}
