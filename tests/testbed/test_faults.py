"""Every kind is planted on a shop that writes down what it is told; the trial on the real one
is the recorder's test."""

import time

import pytest

from aiops.errors import InputError
from aiops.testbed import planting
from aiops.testbed.faults import (
    CANARY,
    DISTURBANCES,
    FAULTS,
    KNOWN,
    SLOW_BURN,
    all_planted,
    find,
    truth_of_all,
)
from aiops.testbed.hooks import checked
from aiops.testbed.names import EDGES, SERVICES


class Told:
    """Stands for the shop: keeps what is planted now, and everything it was told."""

    def __init__(self):
        self.log, self.active, self.ports = [], set(), {"gateway": 9}
        self.numbers = []  # of every hook that was set

    def control(self, service, action, hook, **params):
        assert service in SERVICES
        self.numbers = [*self.numbers, checked(hook, params)] if action == "set" else self.numbers
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
    return [(name, target) for name, fault in KNOWN.items() for target in fault.targets
            if name != "load-surge"]  # it starts a second load generator


@pytest.mark.parametrize(("name", "target"), pairs())
def test_planted_has_effect_and_is_undone_even_after_a_failure(name, target):
    shop = Told()
    with pytest.raises(ZeroDivisionError), KNOWN[name].planted(shop, target):  # noqa: PT012
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


# --- of several parts ---------------------------------------------------------------------

TWO = [("cpu-burn", "cart"), ("missing-index", "postgresql")]


def test_faults_at_once_are_all_there_and_each_is_undone_though_another_fails():
    shop = Told()
    with all_planted(shop, TWO):
        assert shop.active == {("cart", "cpu"), ("index",)}
    assert not shop.active
    shop.control = lambda *told, **numbers: 1 / 0  # the first cannot be planted or undone
    with pytest.raises(ZeroDivisionError), all_planted(shop, TWO[::-1]):
        pass
    assert not shop.active


def test_the_truth_of_two_names_both_and_that_of_one_is_as_ever():
    told = truth_of_all(TWO)
    assert told["culprits"] == ["cart", "postgresql"]
    assert (told["fault"], told["kind"], told["layer"], told["metric"]) == (
        "cpu-burn+missing-index", "several", "several", "several")
    assert [cause["culprits"] for cause in told["causes"]] == [["cart"], ["postgresql"]]
    alike = truth_of_all([("cpu-burn", "cart"), ("errors", "inventory")])
    assert alike["kind"] == "service"
    assert truth_of_all(TWO[:1]) == find("cpu-burn").truth("cart")
    assert truth_of_all([]) == {"culprits": [], "kind": "none"}


def grown(seconds, over_s=0.06):
    shop = Told()
    strength = {"ms": 60, "share": 0.5, "grows": "ms", "over_s": over_s, "steps": 3}
    with planting.hook("cpu")(shop, "cart", strength):
        time.sleep(seconds)
    assert not shop.active
    return [(numbers["ms"], numbers["share"]) for numbers in shop.numbers]


def test_a_slow_burn_grows_in_steps_to_all_of_it_and_ends_at_any_time():
    assert grown(0.3) == [(20, 0.5), (40, 0.5), (60, 0.5)]
    assert grown(0.01, over_s=30) == [(20, 0.5)]


@pytest.mark.parametrize("name", [n for n, fault in KNOWN.items() if SLOW_BURN in fault.strengths])
def test_what_grows_is_a_number_of_the_fault(name):
    fair, burning = (KNOWN[name].strengths[each] for each in ("fair", SLOW_BURN))
    assert set(burning) == {*fair, "grows", "over_s", "steps"}
    assert burning[burning["grows"]] > fair[burning["grows"]]


def test_in_a_cascade_every_caller_retries_and_the_callee_that_got_slow_is_to_blame():
    shop = Told()
    with find("cascade").planted(shop, "cart"):
        assert shop.active == {("gateway", "client"), ("checkout", "client"), ("cart", "queue")}
    assert find("cascade").culprits("cart") == ["cart"]


def test_a_slow_network_at_a_service_is_the_fault_of_all_its_edges():
    told = find("slow-links").truth("cart")
    assert told["culprits"] == ["gateway->cart", "cart->catalog", "checkout->cart"]
    assert set(told["culprits"]) <= set(EDGES)
    assert told["kind"] == "edge"
