import json
from collections import Counter

import pytest

from aiops import datasets
from aiops.errors import InputError
from aiops.testbed import plan
from aiops.testbed.faults import CANARY, DISTURBANCES, FAULTS, find
from aiops.testbed.names import SERVICES


def test_a_full_plan_covers_every_service_and_kind():
    for seed in range(20):
        drawn = plan.draw(seed)
        incidents = [entry for entry in drawn if entry.role == "incident"]
        assert {entry.fault for entry in incidents} >= set(FAULTS)
        assert {name for e in incidents for name in e.target.split("->")} >= set(SERVICES)
        roles = Counter(entry.role for entry in drawn)
        assert roles == {"incident": 24, "disturbance": 4, "control": 4, "normal": 5}
        assert sum(entry.fault == CANARY for entry in drawn) == 3
        assert {e.fault for e in drawn if e.role == "disturbance"} == set(DISTURBANCES)
        assert sum(e.before_s for e in drawn if e.role == "normal") == 15 * 60


def test_same_seed_same_plan_and_the_order_is_drawn():
    assert plan.draw(1) == plan.draw(1) != plan.draw(2)
    orders = {tuple(entry.fault for entry in plan.draw(seed)) for seed in range(10)}
    assert len(orders) == 10


def test_a_set_grows_by_what_it_lacks():
    first = plan.draw(1)
    more = plan.grow(first, 2)
    assert [e.id for e in more if e.role != "normal"][0] == "r033"
    assert not {e.id for e in first} & {e.id for e in more}
    assert more[0].offset_s == sum(e.seconds for e in first)
    old = {(e.fault, e.target) for e in first if e.fault}
    for entry in more:  # planted again at the same place only where there is no other
        if entry.role == "incident" and (entry.fault, entry.target) in old:
            places = set(FAULTS[entry.fault].targets)
            assert places == {e.target for e in first + more if e.fault == entry.fault}


def test_ids_tell_nothing():
    drawn = plan.draw(3)
    ids = [entry.id for entry in drawn if entry.role != "normal"]
    assert ids == [f"r{number:03d}" for number in range(1, len(ids) + 1)]
    assert len({entry.seed for entry in drawn}) == len(drawn)


def test_saved_plan_comes_back(tmp_path):
    drawn = plan.draw(1)
    plan.save(drawn, tmp_path / "plan.json")
    assert plan.load(tmp_path / "plan.json") == drawn


def test_more_canaries_than_incidents_are_refused():
    with pytest.raises(InputError, match="among the incidents"):
        plan.draw(1, incidents=2, canaries=3)


def test_the_plans_of_what_is_recorded_read_and_are_drawn_as_ever():
    first = plan.load(datasets.BUNDLED / "shop" / "plan.json")
    assert first == plan.draw(1)
    assert plan.load(datasets.BUNDLED / "shop-2" / "plan.json") == plan.grow(first, 2)


def test_a_plan_of_one_fault_each_is_written_as_ever(tmp_path):
    plan.save(plan.draw(1), tmp_path / "plan.json")
    assert json.loads((tmp_path / "plan.json").read_text()) == json.loads(
        (datasets.BUNDLED / "shop" / "plan.json").read_text())


def test_a_plan_of_several_parts_has_every_part_and_can_be_planted():
    drawn = plan.parts(1)
    assert Counter(e.part or e.role for e in drawn) == {
        "two-causes": 3, "slow-burn": 2, "cascade": 2, "outside": 2, "control": 1, "normal": 2}
    assert {len(e.planted) for e in drawn if e.part == "two-causes"} == {2}
    assert drawn == plan.parts(1) != plan.parts(2)
    for entry in drawn:
        for name, target in entry.planted:
            assert target in find(name).targets
            assert entry.strength in find(name).strengths
    for earlier, later in zip(drawn, drawn[1:], strict=False):
        assert later.offset_s == earlier.offset_s + earlier.seconds


def test_a_plan_of_several_parts_comes_back(tmp_path):
    drawn = plan.parts(1)
    plan.save(drawn, tmp_path / "plan.json")
    assert plan.load(tmp_path / "plan.json") == drawn


def test_a_plan_that_nobody_knows_is_refused():
    assert plan.find("parts")[0] is plan.parts
    with pytest.raises(InputError, match=r"one of \['parts', 'shop'\], got 'all'"):
        plan.find("all")
