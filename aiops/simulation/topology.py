"""A made system: services with workers on hosts, stores behind them, operations that call."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

_FEWEST, _MOST = 4, 36  # services
_STORES = 0.4  # of services: how many stores there are
_SHARED_STORE = 0.3  # of stores, that a second service calls too
_SPANS_PER_S = 90.0  # at most, in the mean: a run takes seconds of computing, not minutes


@dataclass(frozen=True)
class Call:
    """One operation calls another.

    Args:
        to: number of the operation. share: of requests that make the call.
        timeout_s: after which the caller gives up; inf: it waits. retries: attempts more.
        fallback: whether a failure of it is made good.
    """

    to: int
    share: float = 1.0
    timeout_s: float = np.inf
    retries: int = 0
    fallback: bool = False


@dataclass(frozen=True)
class Operation:
    """What a service does for one kind of request.

    Args:
        service: number of it. work_s: median own processor time; wait_s: median own time that
            takes no processor. spread: sd of the logarithm of both. parallel: calls at once.
    """

    service: int
    name: str
    work_s: float
    wait_s: float
    spread: float
    calls: tuple[Call, ...] = ()
    parallel: bool = False


@dataclass(frozen=True)
class Service:
    """A service, or a store (database, cache, others' service) that sends no telemetry."""

    name: str
    host: int
    workers: int
    store: bool = False


@dataclass(frozen=True)
class System:
    """A whole system.

    Args:
        routes: numbers of the operations that users ask for; shares: of their requests.
        rate_per_s: requests of users. cores: by host. network_s: median one-way delay.
        queue_seen: whether a server's span begins before a worker is free.
    """

    services: tuple[Service, ...]
    operations: tuple[Operation, ...]
    routes: tuple[int, ...]
    shares: tuple[float, ...]
    rate_per_s: float
    cores: tuple[int, ...]
    network_s: float
    queue_seen: bool

    def edges(self) -> list[tuple[int, int]]:
        """(caller, callee) of services that call each other, in the order of operations."""
        found = ((each.service, self.operations[call.to].service)
                 for each in self.operations for call in each.calls)
        return list(dict.fromkeys(found))

    def of(self, service: int) -> list[int]:
        """Numbers of a service's operations."""
        return [at for at, each in enumerate(self.operations) if each.service == service]


def draw(rng: np.random.Generator) -> System:
    """A system: services in layers, the entry first, each called by one before it or more."""
    return _Drawing(rng).system()


def impatient(system: System, timeout_s: float = 0.4, retries: int = 2) -> System:
    """The same system, whose callers all give up and try again."""
    operations = tuple(replace(each, calls=tuple(
        replace(call, timeout_s=timeout_s, retries=retries) for call in each.calls))
        for each in system.operations)
    return replace(system, operations=operations)


@dataclass
class _Drawing:
    rng: np.random.Generator
    services: list[Service] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)

    def system(self) -> System:
        rng = self.rng
        n = int(np.exp(rng.uniform(np.log(_FEWEST), np.log(_MOST + 1))))
        hosts = int(rng.integers(1, max(2, n // 3) + 1))
        self._services(n, hosts)
        self._operations(n)
        routes = [at for at, each in enumerate(self.operations) if each.service == 0]
        shares = rng.dirichlet(np.full(len(routes), 1.5))
        rate = float(np.exp(rng.uniform(np.log(4), np.log(14))))
        size = float(shares @ [self._size(route) for route in routes])
        return System(tuple(self.services), tuple(self.operations), tuple(routes), tuple(shares),
                      min(rate, _SPANS_PER_S / size),
                      tuple(int(c) for c in rng.integers(1, 9, hosts)),
                      float(10 ** rng.uniform(-4, -2.7)), bool(rng.random() < 0.5))

    def _size(self, operation: int) -> float:
        """Spans of a request, in the mean."""
        return 1 + sum(call.share * (1 + self._size(call.to))
                       for call in self.operations[operation].calls)

    def _services(self, n: int, hosts: int) -> None:
        rng = self.rng
        self.services = [Service(f"service-{at}", int(rng.integers(hosts)),
                                 int(rng.integers(2, 33))) for at in range(n)]
        stores = max(1, round(_STORES * n * rng.uniform(0.3, 1.3)))
        self.services += [Service(f"store-{at}", int(rng.integers(hosts)),
                                  int(rng.integers(4, 65)), store=True) for at in range(stores)]

    def _operations(self, n: int) -> None:
        """Callees first, so that a call's number is known."""
        rng, fan = self.rng, self.rng.uniform(0.7, 2.2)
        made: dict[int, list[int]] = {}
        stores = self._owners(n)
        depth = _layers(rng, n)
        for at in sorted(range(len(self.services)), key=lambda at: -depth.get(at, n + 1)):
            kinds = int(rng.integers(1, 4)) if at else int(rng.integers(2, 6))
            made[at] = [self._operation(at, number, made, stores, depth, fan)
                        for number in range(kinds)]
        self._reach_all(made, depth, stores)

    def _owners(self, n: int) -> dict[int, list[int]]:
        """By service, the stores it calls."""
        owned: dict[int, list[int]] = {at: [] for at in range(n)}
        for store in range(n, len(self.services)):
            for _ in range(1 + int(self.rng.random() < _SHARED_STORE)):
                owned[int(self.rng.integers(min(1, n - 1), n))].append(store)
        return owned

    def _operation(self, at: int, number: int, made: dict[int, list[int]],
                   stores: dict[int, list[int]], depth: dict[int, int], fan: float) -> int:
        rng, store = self.rng, self.services[at].store
        below = [] if store else [s for s, d in depth.items() if d > depth[at]]
        wanted = min(int(rng.poisson(fan * (2 if at == 0 else 1))), len(below), 5)
        callees = list(rng.choice(below, wanted, replace=False)) if wanted else []
        callees += [each for each in stores.get(at, []) if rng.random() < 0.7]
        calls = [self._call(int(rng.choice(made[int(each)]))) for each in callees]
        rng.shuffle(calls)
        work = 10 ** rng.uniform(-3.6, -2.2) * (0.5 if store else 1.0)
        wait = 10 ** rng.uniform(-3.5, -1.9) * (rng.random() < 0.5)
        self.operations.append(Operation(at, f"op-{at}-{number}", work, wait,
                                         float(rng.uniform(0.1, 0.7)), tuple(calls),
                                         bool(rng.random() < 0.25)))
        return len(self.operations) - 1

    def _call(self, to: int) -> Call:
        rng = self.rng
        share = 1.0 if rng.random() < 0.7 else float(rng.uniform(0.1, 0.9))
        patient = rng.random() < 0.5
        return Call(to, share, np.inf if patient else float(10 ** rng.uniform(-0.6, 0.5)),
                    int(rng.integers(0, 4)) if rng.random() < 0.35 else 0,
                    bool(rng.random() < 0.25))

    def _reach_all(self, made: dict[int, list[int]], depth: dict[int, int],
                   stores: dict[int, list[int]]) -> None:
        """Whom nobody calls is called by one of a layer above, a store by who owns it."""
        called = {self.operations[c.to].service for each in self.operations for c in each.calls}
        for at in sorted(set(made) - called - {0}):
            above = [s for s in depth if at in stores[s] or depth[s] < depth.get(at, 0)]
            by = int(self.rng.choice(made[int(self.rng.choice(above))]))
            call = self._call(int(self.rng.choice(made[at])))
            self.operations[by] = replace(self.operations[by],
                                          calls=(*self.operations[by].calls, call))


def _layers(rng: np.random.Generator, n: int) -> dict[int, int]:
    """The layer of each service; the entry alone is in the first."""
    most = max(2, int(rng.integers(2, 6)))
    return {0: 0} | {at: int(rng.integers(1, most)) for at in range(1, n)}

