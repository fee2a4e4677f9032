"""A run behaves as queues do: against formulas, and against what a fault says it does."""

from __future__ import annotations

import numpy as np
import pytest

from aiops.simulation.faults import State
from aiops.simulation.requests import CLIENT, SERVER, Recorded, run
from aiops.simulation.topology import Call, Operation, Service, System

WORK_S, SPREAD = 0.05, 0.5


def system(*, workers: int = 1, rate: float = 10.0, cores: int = 64,
           hosts: tuple[int, int] = (0, 0), call: Call | None = None, spread: float = SPREAD
           ) -> System:
    """An entry that works, and calls another service where a call is given."""
    services = (Service("front", hosts[0], workers), Service("back", hosts[1], 64))
    front = Operation(0, "front", WORK_S, 0.0, spread, () if call is None else (call,))
    back = Operation(1, "back", WORK_S, 0.0, spread)
    return System(services, (front, back), (0,), (1.0,), rate, (cores, cores), 1e-5, True)


def seconds(recorded: Recorded, kind: int = SERVER, service: int = 0) -> np.ndarray:
    of = recorded.spans
    mine = (of["kind"] == kind) & (of["service"] == service) & np.isfinite(of["end"])
    return np.asarray((of["end"] - of["start"])[mine])


def test_one_worker_waits_as_a_queue_does() -> None:
    """Pollaczek and Khinchine: mean wait = rate E[S^2] / (2 (1 - rate E[S])), over the drift."""
    of = system()
    rates = of.rate_per_s * (1 + 0.3 * np.sin(np.linspace(0, 2 * np.pi, 400, endpoint=False)))
    mean = WORK_S * np.exp(SPREAD**2 / 2)
    wait = rates * WORK_S**2 * np.exp(2 * SPREAD**2) / (2 * (1 - rates * mean))
    expected = np.average(wait + mean, weights=rates)
    seen = np.mean([seconds(run(of, State(), seed, 400)).mean() for seed in range(6)])
    assert seen == pytest.approx(expected, rel=0.15)


def test_users_come_as_often_as_the_system_says_whatever_it_answers() -> None:
    quick, slow = (len(seconds(run(system(workers=64), State(work={0: by}), 0, 300)))
                   for by in (1.0, 8.0))
    assert quick == pytest.approx(3000, rel=0.1)
    assert slow == pytest.approx(quick, rel=0.1)
    more = len(seconds(run(system(workers=64), State(load=2.0), 0, 300)))
    assert more == pytest.approx(2 * quick, rel=0.1)


def test_a_slow_callee_fills_its_callers_workers() -> None:
    of = system(workers=2, call=Call(1), rate=4.0)
    usual, slow = (seconds(run(of, State(delay_s={1: (by, 1.0)}), 0, 100)) for by in (0.0, 0.35))
    assert slow.mean() > usual.mean() + 2 * 0.35  # its own time, and the queue behind it


def test_a_caller_gives_up_and_its_callee_goes_on() -> None:
    of = system(workers=64, call=Call(1, timeout_s=0.2))
    recorded = run(of, State(delay_s={1: (2.0, 1.0)}), 0, 60)
    assert np.median(seconds(recorded, CLIENT)) == pytest.approx(0.2, abs=0.01)
    assert np.median(seconds(recorded, SERVER, 1)) > 1.5
    assert recorded.spans["error"][recorded.spans["service"] == 0].all()


def test_who_tries_again_calls_as_many_times_more() -> None:
    of = system(workers=64, call=Call(1, retries=3))
    usual, failing = (seconds(run(of, State(fails={1: by}), 0, 100), CLIENT) for by in (0.0, 1.0))
    assert len(failing) == pytest.approx(4 * len(usual), rel=0.05)


def test_a_failure_is_handed_up_unless_it_is_made_good() -> None:
    for fallback in (False, True):
        of = system(workers=64, call=Call(1, fallback=fallback))
        spans = run(of, State(fails={1: 1.0}), 0, 60).spans
        assert spans["error"][spans["parent"] < 0].all() != fallback


@pytest.mark.parametrize(("hosts", "by"), [((0, 0), 3.0), ((0, 1), 1.0)])
def test_cores_are_shared_by_who_is_on_the_host(hosts: tuple[int, int], by: float) -> None:
    of = system(workers=64, cores=1, hosts=hosts, rate=0.3, spread=0.0)
    usual, crowded = (np.median(seconds(run(of, State(busy={hosts[1]: busy}), 0, 300)))
                      for busy in (0.0, 2.0))
    assert crowded / usual == pytest.approx(by, rel=0.02)


def test_a_lost_packet_costs_a_resend_and_a_refused_call_fails_at_once() -> None:
    of = system(workers=64, call=Call(1))
    usual, lossy = (seconds(run(of, State(loses={(0, 1): by}), 0, 100), CLIENT)
                    for by in (0.0, 0.5))
    assert lossy.mean() - usual.mean() == pytest.approx(2 * 0.2 / 3, rel=0.2)  # geometric, p = 1/4
    refused = run(of, State(refuses={(0, 1)}), 0, 30)
    assert seconds(refused, CLIENT).max() < 0.001
    assert not len(seconds(refused, SERVER, 1))


def test_a_fault_that_grows_is_weak_at_first() -> None:
    of = system(workers=64)
    spans = run(of, State(delay_s={0: (1.0, 1.0)}, ramp_s=60.0), 0, 60).spans
    took = spans["end"] - spans["start"]
    first, last = (took[(spans["start"] > a) & (spans["start"] < a + 10)] for a in (0, 50))
    assert np.median(first) < 0.3 < 0.7 < np.median(last)


def test_the_same_seed_is_the_same_run() -> None:
    first, again, other = (run(system(call=Call(1)), State(), seed, 20) for seed in (1, 1, 2))
    assert np.array_equal(first.spans["start"], again.spans["start"])
    assert not np.array_equal(first.spans["start"][:50], other.spans["start"][:50])


def test_who_is_down_refuses_and_comes_back() -> None:
    recorded = run(system(workers=64, call=Call(1)), State(restarts={1: 10.0}), 0, 60)
    of = recorded.spans
    client = of["kind"] == CLIENT
    down = of["start"] % 10 < 6
    assert of["error"][client & down].mean() > 0.95
    assert of["error"][client & ~down].mean() < 0.05


def test_a_pause_stops_all_of_a_service() -> None:
    usual, paused = (seconds(run(system(workers=64), State(pauses=pauses), 0, 100))
                     for pauses in ({}, {0: (2.0, 0.5)}))
    assert np.quantile(paused, 0.95) > np.quantile(usual, 0.95) + 0.2
    assert np.quantile(paused, 0.2) == pytest.approx(np.quantile(usual, 0.2), rel=0.2)


def test_who_returns_early_calls_nobody_and_says_nothing_of_it() -> None:
    usual, early = (run(system(workers=64, call=Call(1)), State(cuts=cuts), 0, 60)
                    for cuts in ({}, {0: 1.0}))
    assert len(seconds(usual, CLIENT)) > 300
    assert not len(seconds(early, CLIENT))
    assert not early.spans["error"].any()


def test_burning_cores_slows_who_is_on_the_host() -> None:
    of = system(workers=64, cores=1, hosts=(0, 0), rate=0.3, spread=0.0)
    usual, slow = (np.median(seconds(run(of, State(burns=burns), 0, 200)))
                   for burns in ({}, {1: 1.0}))
    assert slow / usual == pytest.approx(2.0, rel=0.02)


def test_calls_at_once_take_as_long_as_the_longest() -> None:
    services = (Service("front", 0, 64), Service("back", 0, 64))
    back = Operation(1, "back", 0.1, 0.0, 0.0)
    took = {}
    for at_once in (True, False):
        front = Operation(0, "front", 0.001, 0.0, 0.0, (Call(1), Call(1), Call(1)), at_once)
        of = System(services, (front, back), (0,), (1.0,), 0.5, (64,), 1e-5, True)
        took[at_once] = np.median(seconds(run(of, State(), 0, 60)))
    assert took[True] == pytest.approx(0.1, abs=0.01)
    assert took[False] == pytest.approx(0.3, abs=0.01)
