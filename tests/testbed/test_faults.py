"""Every kind is planted on a shop that writes down what it is told; the trial on the real one
is the recorder's test."""

import time

import pytest

from aiops.errors import InputError
from aiops.testbed.faults import CANARY, DISTURBANCES, FAULTS, find
from aiops.testbed.names import SERVICES

ALL = {**FAULTS, **DISTURBANCES}


class Told:
    """Stands for the shop: keeps what is planted now, and everything it was told."""

    def __init__(self):
        self.log, self.active, self.ports = [], set(), {"gateway": 9}

    def control(self, service, action, hook, **params):
        assert service in SERVICES
        self.log.append((action, service, hook))
        (self.active.add if action == "set" else self.active.discard)((service, hook))

    def kill(self, service):
        self._do("kill", service), self.active.add(("down", service))

    def restart(self, service, version=None, down_s=0):
        self._do("restart", service, version)
        self.active -= {item for item in self.active if service in item}
        if version:
            self.active.add(("version", service))

    def suspend(self, name):
        self._do("suspend", name), self.active.add(("stopped", name))

    def resume(self, name):
        self._do("resume", name), self.active.discard(("stopped", name))

    def sql(self, statement):
        self._do("sql", statement)
        if "INDEX" in statement:
            (self.active.add if "DROP" in statement else self.active.discard)(("index",))

    def cache(self):
        return self

    def flushall(self):
        self._do("flush")

    def delay_edge(self, caller, callee, delay_s):
        self._do("delay"), self.active.add(("edge", caller, callee))

    def clear_edge(self, caller, callee):
        self.active.discard(("edge", caller, callee))

    def crowd(self, loops, duty=1.0):
        self._do("crowd", loops)
        (self.active.add if loops else self.active.discard)(("neighbours",))

    def _do(self, *what):
        self.log.append(what)


def pairs():
    return [(name, target) for name, fault in ALL.items() for target in fault.targets
            if name != "load-surge"]  # it starts a second load generator


@pytest.mark.parametrize(("name", "target"), pairs())
def test_planted_has_effect_and_is_undone_even_after_a_failure(name, target):
    shop = Told()
    with pytest.raises(ZeroDivisionError), ALL[name].planted(shop, target):  # noqa: PT012
        time.sleep(0.02)
        assert shop.log
        1 / 0  # noqa: B018
    assert not shop.active


def test_registry_is_as_wide_as_promised():
    assert len(FAULTS) >= 14
    assert CANARY in FAULTS
    assert len(DISTURBANCES) >= 3
    assert {fault.layer for fault in FAULTS.values()} >= {
        "resource", "code", "data", "database", "cache", "network", "release", "host"}
    assert {target for fault in FAULTS.values() for target in fault.targets} >= set(SERVICES)
    assert {fault.kind for fault in FAULTS.values()} == {
        "service", "database", "cache", "edge", "host"}


def test_truth_names_the_culprit_and_a_disturbance_has_none():
    assert FAULTS["latency"].truth("cart") == {
        "culprits": ["cart"], "kind": "service", "fault": "latency", "layer": "code",
        "strength": "fair", "metric": "latency"}
    assert all(DISTURBANCES[name].truth(fault.targets[0])["culprits"] == []
               for name, fault in DISTURBANCES.items())


def test_a_wrong_target_strength_or_name_says_what_is_allowed():
    with pytest.raises(InputError, match="can be planted at cart, catalog, payment; got 'host'"):
        FAULTS["cpu-burn"].planted(Told(), "host")
    with pytest.raises(InputError, match=r"one of \['fair'\], got 'huge'"):
        FAULTS["latency"].planted(Told(), "cart", "huge")
    with pytest.raises(InputError, match="No fault is called 'flood'"):
        find("flood")


def test_an_error_of_a_repeated_action_reaches_the_caller():
    shop = Told()
    shop.sql = lambda statement: 1 / 0
    with pytest.raises(ZeroDivisionError), FAULTS["table-lock"].planted(shop, "postgresql"):
        time.sleep(0.05)
