"""A run of a made system, event by event: requests wait for workers, call, time out, try again.

Users come as a Poisson stream whose rate drifts, whatever the system answers (an open loop).
A worker is held while its request waits for callees, so a slow callee fills its callers' workers.
Processor time stretches by the number of requests that share a host's cores. A caller that gave up
does not stop the work that it asked for.
"""

from __future__ import annotations

import random
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import simpy

from aiops.simulation.faults import State
from aiops.simulation.topology import Call, Operation, System

SERVER, CLIENT = 0, 1
INFO, WARN, ERROR = 9, 13, 17  # severity numbers of OpenTelemetry
_DRAIN_S = 8.0  # after the last request: what has not ended by then is never exported
_MOST_SPANS = 300  # of one request: where those who try again call each other it ends here
_REFUSED_S, _BACKOFF_S, _RESEND_S = 0.0005, 0.02, 0.2
_DOWN = 0.6  # of the time between two restarts
_DRIFT_S = 40.0  # of the users' rate

Steps = Generator[Any, Any, Any]


@dataclass
class Recorded:
    """What happened, whether anybody saw it or not.

    Args:
        seconds: length. spans: columns kind, service, operation, peer, parent (row or -1), trace,
            start, end (s; NaN: never ended), error; those of stores too.
        work: time, service, seconds of processor. lines: time, service, template, severity,
            span (row).
    """

    seconds: float
    spans: dict[str, np.ndarray]
    work: np.ndarray
    lines: list[tuple[float, int, str, int, int]]


def run(system: System, state: State, seed: int, seconds: float, phase: float = 0.0) -> Recorded:
    """Let users ask for ``seconds``; ``phase`` is where in its drift their rate begins."""
    return _Run(system, state, random.Random(seed), phase).recorded(seconds)


@dataclass
class _Spans:
    kind: list[int] = field(default_factory=list)
    service: list[int] = field(default_factory=list)
    operation: list[int] = field(default_factory=list)
    peer: list[int] = field(default_factory=list)
    parent: list[int] = field(default_factory=list)
    trace: list[int] = field(default_factory=list)
    start: list[float] = field(default_factory=list)
    end: list[float] = field(default_factory=list)
    error: list[bool] = field(default_factory=list)

    def arrays(self) -> dict[str, np.ndarray]:
        return {name: np.array(values) for name, values in vars(self).items()}


class _Run:
    def __init__(self, system: System, state: State, rng: random.Random, phase: float) -> None:
        self.system, self.state, self.rng, self.phase = system, state, rng, phase
        self.env = simpy.Environment()
        self.workers = [simpy.Resource(self.env, max(1, state.workers.get(at, each.workers)))
                        for at, each in enumerate(system.services)]
        self.running = [0] * len(system.cores)
        self.spans, self.sizes = _Spans(), list[int]()
        self.work: list[tuple[float, int, float]] = []
        self.lines: list[tuple[float, int, str, int, int]] = []

    def recorded(self, seconds: float) -> Recorded:
        self.env.process(self._users(seconds))
        for service, rate in self.state.says.items():
            self.env.process(self._chatter(service, rate, seconds))
        self.env.run(until=seconds + _DRAIN_S)
        work = np.array(self.work).reshape(-1, 3)
        return Recorded(seconds, self.spans.arrays(), work, self.lines)

    def _users(self, seconds: float) -> Steps:
        system, rng = self.system, self.rng
        while self.env.now < seconds:
            drift = 1 + 0.3 * np.sin(2 * np.pi * (self.env.now / _DRIFT_S + self.phase))
            yield self.env.timeout(rng.expovariate(system.rate_per_s * drift * self.state.load))
            route = rng.choices(system.routes, system.shares)[0]
            self.sizes.append(0)
            self.env.process(self._serve(route, len(self.sizes) - 1, -1))

    def _chatter(self, service: int, rate: float, seconds: float) -> Steps:
        while self.env.now < seconds:
            yield self.env.timeout(self.rng.expovariate(rate))
            self._say(service, "job failed", ERROR, -1)

    # --- a server ------------------------------------------------------------------------
    def _serve(self, at: int, trace: int, parent: int) -> Steps:
        operation = self.system.operations[at]
        row = self._open(SERVER, operation.service, at, trace, parent)
        with self.workers[operation.service].request() as slot:
            yield slot
            if not self.system.queue_seen:
                self.spans.start[row] = self.env.now
            done = yield from self._handle(at, operation, trace, row)
        self._close(row, done)
        return done

    def _handle(self, at: int, operation: Operation, trace: int, row: int) -> Steps:
        state, rng = self.state, self.rng
        halves = 2 if operation.calls else 1
        yield from self._busy(operation, halves, self._own(at, operation))
        if rng.random() < state.fails.get(at, 0.0) * self._strength():
            self._say(operation.service, f"{operation.name} failed", ERROR, row)
            return False
        if rng.random() < state.cuts.get(at, 0.0):
            return True
        self._say(operation.service, f"{operation.name} done", INFO, row)
        chosen = [call for call in operation.calls if rng.random() < call.share]
        done = yield from self._all(operation, chosen, trace, row)
        if done and halves == 2:
            yield from self._busy(operation, halves, 0.0)
        return done

    def _all(self, operation: Operation, calls: list[Call], trace: int, row: int) -> Steps:
        made = [self._call(operation.service, call, trace, row) for call in calls]
        if operation.parallel and len(made) > 1:
            found = yield self.env.all_of([self.env.process(each) for each in made])
            return all(found.values())
        for each in made:
            if not (yield from each):
                return False
        return True

    def _own(self, at: int, operation: Operation) -> float:
        """Own time without a processor: usual, and what a fault adds."""
        rng, spread = self.rng, operation.spread
        usual = operation.wait_s * rng.lognormvariate(0.0, spread) if operation.wait_s else 0.0
        delay, share = self.state.delay_s.get(at, (0.0, 0.0))
        if share and rng.random() < share:
            usual += max(rng.gauss(delay, 0.25 * delay), 0.0) * self._strength()
        return usual + self._paused(operation.service)

    def _paused(self, service: int) -> float:
        """Seconds until a pause that everything of a service stands still in is over."""
        every, length = self.state.pauses.get(service, (0.0, 0.0))
        return max(length - self.env.now % every, 0.0) if every else 0.0

    def _busy(self, operation: Operation, halves: int, wait: float) -> Steps:
        """Work, stretched by who shares the host's cores, after own time without a processor."""
        service = operation.service
        host, state = self.system.services[service].host, self.state
        seconds = (operation.work_s / halves * self.rng.lognormvariate(0.0, operation.spread)
                   * (1 + (state.work.get(service, 1.0) - 1) * self._strength()))
        others = state.busy.get(host, 0.0) + sum(
            burnt for s, burnt in state.burns.items() if self.system.services[s].host == host)
        self.running[host] += 1
        slow = max(1.0, (self.running[host] + others) / self.system.cores[host])
        yield self.env.timeout(seconds * slow + wait)
        self.running[host] -= 1
        self.work.append((self.env.now, service, seconds))

    # --- a client ------------------------------------------------------------------------
    def _call(self, caller: int, call: Call, trace: int, parent: int) -> Steps:
        callee = self.system.operations[call.to].service
        for attempt in range(call.retries + 1):
            row = self._open(CLIENT, caller, call.to, trace, parent, callee)
            done = yield from self._attempt((caller, callee), call, trace, row)
            self._close(row, done)
            if done or self.sizes[trace] > _MOST_SPANS:
                break
            if attempt < call.retries:
                self._say(caller, f"try {self.system.services[callee].name} again", WARN, parent)
                yield self.env.timeout(_BACKOFF_S)
        if not done:
            level = WARN if call.fallback else ERROR
            self._say(caller, f"call of {self.system.services[callee].name} failed", level, parent)
        return done or call.fallback

    def _attempt(self, edge: tuple[int, int], call: Call, trace: int, row: int) -> Steps:
        if edge in self.state.refuses or self._down(edge[1]) or self.sizes[trace] > _MOST_SPANS:
            yield self.env.timeout(_REFUSED_S)
            return False
        if call.timeout_s == np.inf:
            return (yield from self._remote(edge, call, trace, row))
        answer = self.env.process(self._remote(edge, call, trace, row))
        yield answer | self.env.timeout(call.timeout_s)
        return answer.value if answer.triggered else False

    def _remote(self, edge: tuple[int, int], call: Call, trace: int, row: int) -> Steps:
        yield self.env.timeout(self._network(edge))
        done = yield from self._serve(call.to, trace, row)
        yield self.env.timeout(self._network(edge))
        return done

    def _network(self, edge: tuple[int, int]) -> float:
        seconds = self.system.network_s * self.rng.lognormvariate(0.0, 0.4)
        seconds += self.state.network_s.get(edge, 0.0) * self._strength()
        lost = self.state.loses.get(edge, 0.0)
        while lost and self.rng.random() < lost / 2:  # either way may lose it
            seconds += _RESEND_S
        return seconds

    def _down(self, service: int) -> bool:
        period = self.state.restarts.get(service, 0.0)
        return bool(period) and self.env.now % period < _DOWN * period

    # --- notes ---------------------------------------------------------------------------
    def _strength(self) -> float:
        return min(1.0, self.env.now / self.state.ramp_s) if self.state.ramp_s else 1.0

    def _open(self, kind: int, service: int, operation: int, trace: int, parent: int,
              peer: int = -1) -> int:
        spans = self.spans
        self.sizes[trace] += 1
        spans.kind.append(kind)
        spans.service.append(service)
        spans.operation.append(operation)
        spans.peer.append(peer)
        spans.parent.append(parent)
        spans.trace.append(trace)
        spans.start.append(self.env.now)
        spans.end.append(np.nan)
        spans.error.append(False)
        return len(spans.start) - 1

    def _close(self, row: int, done: bool) -> None:
        self.spans.end[row], self.spans.error[row] = self.env.now, not done

    def _say(self, service: int, text: str, severity: int, row: int) -> None:
        if not self.system.services[service].store:
            self.lines.append((self.env.now, service, text, severity, row))
