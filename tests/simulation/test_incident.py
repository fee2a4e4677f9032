"""Made incidents are Cases like any other, of systems of many shapes."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest

from aiops.errors import InputError
from aiops.simulation import SEVERAL, faults, incidents, of_several_parts, topology
from aiops.simulation.faults import DISTURBANCES, FAULTS, KINDS, State
from aiops.simulation.requests import run

SEEDS = range(30)


@pytest.fixture(scope="module")
def made() -> list:
    return [each for seed in range(12) for each in incidents(seed, 2)]


def test_the_same_seed_makes_the_same_incidents() -> None:
    first, again = (list(incidents(3, 2)) for _ in range(2))
    for one, other in zip(first, again, strict=True):
        assert one.truth == other.truth
        for name, table in one.case.tables.items():
            pd.testing.assert_frame_equal(table, other.case.tables[name])


def test_culprits_are_suspects(made: list) -> None:
    for each in made:
        assert set(each.truth["culprits"]) <= set(each.case.suspects)


def test_systems_tell_different_things(made: list) -> None:
    told = Counter(tuple(sorted(each.case.tables)) for each in made)
    assert len(told) >= 4
    assert any(each.truth["culprits"] == [] for each in made)


def test_every_table_has_rows_on_both_sides(made: list) -> None:
    for each in made:
        for name in set(each.case.tables) & {"traces", "metrics"}:
            assert len(each.case.select(name, "normal"))
            assert len(each.case.select(name, "abnormal")), each.truth


def test_topologies_have_no_circle_and_every_service_is_called() -> None:
    for seed in SEEDS:
        system = topology.draw(np.random.default_rng(seed))
        callers = {callee for _, callee in system.edges()}
        assert callers == set(range(1, len(system.services)))
        for at, each in enumerate(system.operations):
            assert all(system.operations[call.to].service != each.service for call in each.calls)
            _no_circle(system, at, ())


def _no_circle(system: topology.System, at: int, above: tuple[int, ...]) -> None:
    assert at not in above
    for call in system.operations[at].calls:
        _no_circle(system, call.to, (*above, at))


@pytest.mark.parametrize("kind", list(FAULTS))
def test_a_fault_blames_what_it_changes(kind: str) -> None:
    rng = np.random.default_rng(7)
    system = topology.draw(rng)
    state, planted = faults.plant(system, rng, [kind])
    assert state != State()
    assert len(planted.culprits) == 1
    run(system, state, 0, 5)


@pytest.mark.parametrize("kind", list(DISTURBANCES))
def test_a_disturbance_blames_nobody(kind: str) -> None:
    rng = np.random.default_rng(7)
    system = topology.draw(rng)
    assert KINDS[kind](system, rng, State()).culprits == ()


def test_two_faults_at_once_have_two_culprits() -> None:
    found = [faults.two(topology.draw(np.random.default_rng(seed)), np.random.default_rng(seed))[1]
             for seed in SEEDS]
    assert sum(len(each.culprits) == 2 for each in found) > 20


@pytest.mark.parametrize("what", SEVERAL)
def test_incidents_of_several_parts_have_culprits_of_their_kind(what: str) -> None:
    made = of_several_parts(1, what)
    kinds = {"outside": ("host", "database", "edge"), "cascade": ("service",)}
    assert set(made.truth["culprits"]) <= set(made.case.suspects)
    assert (len(made.truth["culprits"]) == 2) == (what == "two causes")
    if what in kinds:
        assert made.truth["kind"] in kinds[what]


def test_what_has_no_several_parts_is_refused() -> None:
    with pytest.raises(InputError, match="two causes"):
        of_several_parts(0, "three causes")


def test_callers_in_a_cascade_give_up_and_try_again() -> None:
    for seed in range(3):
        case = of_several_parts(seed, "cascade").case
        normal, during = (case.select("traces", which) for which in ("normal", "abnormal"))
        calls = [len(each[each["kind"] == "client"]) / each["trace_id"].nunique()
                 for each in (normal, during)]
        assert case.entry_service not in of_several_parts(seed, "cascade").truth["culprits"]
        assert calls[1] > 0.8 * calls[0]


def _touched(system: topology.System, state: State) -> list[set[str]]:
    """Who is changed by each entry of a state: names of services, hosts, ends of edges."""
    def name(at: int) -> str:
        return system.services[at].name

    of = [{name(at)} for field in (state.work, state.burns, state.workers, state.restarts,
                                   state.pauses, state.grows) for at in field]
    of += [{name(system.operations[at].service)} for field in (state.delay_s, state.fails,
                                                               state.cuts) for at in field]
    of += [{f"host-{at}"} for at in state.busy]
    edges = [*state.network_s, *state.loses, *state.refuses]
    return of + [{"->".join(map(name, edge)), *map(name, edge)} for edge in edges]


@pytest.mark.parametrize("kind", list(FAULTS))
def test_whatever_a_fault_changes_is_its_culprit_s(kind: str) -> None:
    for seed in range(8):
        rng = np.random.default_rng(seed)
        system = topology.draw(rng)
        state, planted = faults.plant(system, rng, [kind])
        touched = _touched(system, state)
        assert touched
        assert all(planted.culprits[0] in each for each in touched)
