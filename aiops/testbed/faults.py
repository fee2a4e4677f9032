"""The faults that can be planted, each with its culprit: what the ground truth is made of.

A kind is planted at a target (a service, ``a->b`` for an edge, or the part that fails) within
a ``with`` block and undone at its end, whatever happens inside:

    with FAULTS["latency"].planted(shop, "inventory"):
        ...

``fair`` strengths are chosen so that no single metric gives the culprit away every time; a
``slow-burn`` grows from nothing to all of it. Disturbances look like trouble and are none:
nobody is to blame.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiops.errors import UsageError
from aiops.testbed.names import DATABASE_USERS, SERVICES
from aiops.testbed.planting import (
    Plant,
    Strength,
    batching,
    crashing,
    crowding,
    delaying,
    delaying_all,
    edges_of,
    ending_sessions,
    flushing,
    hiccuping,
    hook,
    locking,
    queueing,
    refusing,
    released,
    retrying,
    stalling,
    surging,
    without_index,
)

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from aiops.testbed.shop import Shop

POOLED = tuple(name for name in SERVICES if name in DATABASE_USERS)
CANARY = "canary"
FAIR, SLOW_BURN = "fair", "slow-burn"
BURN_S, BURN_STEPS = 120, 12


@dataclass(frozen=True)
class Fault:
    """One kind of fault; ``strengths`` are the numbers it is planted with, by name.

    ``kind`` is what the culprit is (service, database, cache, host, edge, none), ``blamed``
    who it is where that is not the target itself.
    """

    name: str
    layer: str
    targets: tuple[str, ...]
    strengths: dict[str, Strength]
    plant: Plant = field(repr=False)
    kind: str = "service"
    metric: str = ""  # where it shows first at the culprit
    blamed: Callable[[str], list[str]] = field(default=lambda target: [target], repr=False)

    def culprits(self, target: str) -> list[str]:
        return [] if self.kind == "none" else self.blamed(self._checked(target))

    def planted(self, shop: "Shop", target: str,
                strength: str = FAIR) -> "AbstractContextManager[None]":
        """Context in which the fault is there, at ``target``."""
        return self.plant(shop, self._checked(target), self.strengths[self._strong(strength)])

    def truth(self, target: str, strength: str = FAIR) -> dict[str, Any]:
        """The Case form's truth, without times."""
        told = {"culprits": self.culprits(target), "kind": self.kind, "fault": self.name,
                "layer": self.layer, "strength": self._strong(strength)}
        return {**told, "metric": self.metric} if self.metric else told

    def _checked(self, target: str) -> str:
        if target not in self.targets:
            raise UsageError(f"{self.name} can be planted at {', '.join(self.targets)}; "
                             f"got {target!r}.")
        return target

    def _strong(self, strength: str) -> str:
        if strength not in self.strengths:
            raise UsageError(f"The strength of {self.name} must be one of "
                             f"{sorted(self.strengths)}, got {strength!r} instead.")
        return strength


# --- the registry -----------------------------------------------------------------------

def _fair(**numbers: Any) -> dict[str, Strength]:
    return {FAIR: numbers}


def _burning(grows: str, **numbers: Any) -> dict[str, Strength]:
    """A second strength in which the number called ``grows`` rises in steps to all of it."""
    return {SLOW_BURN: {**numbers, "grows": grows, "over_s": BURN_S, "steps": BURN_STEPS}}


_FAULTS = (
    Fault("latency", "code", tuple(s for s in SERVICES if s != "gateway"), _fair(ms=15),
          hook("latency"), metric="latency"),
    Fault("cpu-burn", "resource", ("cart", "catalog", "payment"),
          _fair(ms=15) | _burning("ms", ms=40), hook("cpu"), metric="cpu"),
    Fault("cpu-hog", "resource", ("cart", "catalog", "notifier", "recommendation"),
          _fair(duty=0.4), hook("hog"), metric="cpu"),
    Fault("memory-leak", "resource", ("cart", "catalog", "recommendation"), _fair(kb=256),
          hook("leak"), metric="memory"),
    Fault("allocation-pauses", "resource", ("gateway", "cart", "checkout"),
          _fair(share=0.05, count=300_000), hook("allocation"), metric="latency"),
    Fault("errors", "code", ("cart", "inventory", "payment", "recommendation", "notifier"),
          _fair(share=0.08), hook("errors"), metric="errors"),
    Fault("wrong-value", "data", ("catalog",), _fair(factor=0.1), hook("wrong"),
          metric="revenue"),
    Fault("pool-held", "database", POOLED,
          _fair(duty=0.2) | _burning("duty", duty=0.3), hook("pool"), metric="pool"),
    Fault("retry-storm", "code", ("catalog", "recommendation"),
          _fair(ms=900, share=0.1, timeout_s=0.4, retries=3), retrying, metric="latency"),
    Fault("crash", "release", ("checkout", "notifier", "recommendation", "inventory"),
          _fair(down_s=6, up_s=12), crashing, metric="errors"),
    Fault("stall", "resource", ("notifier", "payment", "inventory"),
          _fair(stall_s=0.3, every_s=1.5), stalling, metric="latency"),
    Fault("bad-release", "release", ("recommendation", "catalog", "payment"),
          _fair(version="1.5.0", hooks={"latency": {"ms": 20}, "errors": {"share": 0.04}}),
          released, metric="latency"),
    Fault(CANARY, "release", ("catalog", "cart", "recommendation"),
          _fair(version="1.5.0", share=0.3, ms=40, error_share=0.1), hook("canary"),
          metric="latency"),
    Fault("table-lock", "database", ("postgresql",), _fair(hold_s=0.2, every_s=2.0), locking,
          kind="database", metric="latency"),
    Fault("missing-index", "database", ("postgresql",), _fair(), without_index,
          kind="database", metric="latency"),
    Fault("sessions-ended", "database", ("postgresql",), _fair(service="inventory", every_s=3.0),
          ending_sessions, kind="database", metric="errors"),
    Fault("cache-stall", "cache", ("valkey",), _fair(stall_s=0.25, every_s=1.25), stalling,
          kind="cache", metric="latency"),
    Fault("cache-flush", "cache", ("valkey",), _fair(every_s=0.5), flushing, kind="cache",
          metric="hit_rate"),
    Fault("port-refused", "network", ("gateway->recommendation", "checkout->notifier"),
          _fair(share=0.2), refusing, kind="edge", metric="errors"),
    Fault("slow-network", "network", ("checkout->payment", "gateway->catalog"),
          _fair(delay_s=0.01), delaying, kind="edge", metric="latency"),
    Fault("noisy-neighbour", "host", ("host",), _fair(loops=2, duty=0.4), crowding, kind="host",
          metric="cpu"),
)
_DISTURBANCES = (
    Fault("load-surge", "load", ("host",), _fair(requests_per_s=10.0), surging, kind="none"),
    Fault("error-logs", "code", ("notifier", "cart"), _fair(count=5), hook("log_burst"),
          kind="none"),
    Fault("retried-hiccup", "network", ("gateway->catalog", "checkout->cart"), _fair(share=0.1),
          hiccuping, kind="none"),
    Fault("harmless-canary", "release", ("catalog", "cart", "recommendation"),
          _fair(version="1.5.0", share=0.3), hook("canary"), kind="none"),
)
# A registry of their own: what ``plan.draw`` makes of a seed stays as it was.
_OF_SEVERAL_PARTS = (
    Fault("cascade", "code", ("catalog", "cart"),
          _fair(ms={"catalog": 75, "cart": 140}, slots=1, timeout_s=0.4, retries=2), queueing,
          metric="latency"),
    Fault("others-batch", "database", ("postgresql",), _fair(pause_s=0.5), batching,
          kind="database", metric="latency"),
    Fault("slow-links", "network", ("cart", "inventory"), _fair(delay_s=0.015), delaying_all,
          kind="edge", metric="latency", blamed=edges_of),
)
FAULTS: dict[str, Fault] = {fault.name: fault for fault in _FAULTS}
DISTURBANCES: dict[str, Fault] = {fault.name: fault for fault in _DISTURBANCES}
OF_SEVERAL_PARTS: dict[str, Fault] = {fault.name: fault for fault in _OF_SEVERAL_PARTS}
KNOWN: dict[str, Fault] = {**FAULTS, **DISTURBANCES, **OF_SEVERAL_PARTS}


def find(name: str) -> Fault:
    """The fault or disturbance of that name."""
    if name not in KNOWN:
        raise UsageError(f"No fault is called {name!r}. Known: {', '.join(KNOWN)}.")
    return KNOWN[name]


# --- several at once --------------------------------------------------------------------

Pairs = Sequence[tuple[str, str]]  # a kind and its target, each


@contextmanager
def all_planted(shop: "Shop", pairs: Pairs, strength: str = FAIR) -> Iterator[None]:
    """Context in which every fault of ``pairs`` is there; each is undone by itself at its end."""
    with ExitStack() as stack:
        for name, target in pairs:
            stack.enter_context(find(name).planted(shop, target, strength))
        yield


def truth_of_all(pairs: Pairs, strength: str = FAIR) -> dict[str, Any]:
    """The truth of faults at once, without times: all culprits, and ``causes``, one truth each.

    One fault has the truth that it always had; kind, layer and metric that differ among several
    are ``several``. Without any fault nobody is to blame.
    """
    causes = [find(name).truth(target, strength) for name, target in pairs]
    if not causes:
        return {"culprits": [], "kind": "none"}
    if len(causes) == 1:
        return causes[0]
    told = {key: _alike([cause.get(key, "") for cause in causes])
            for key in ("kind", "layer", "metric")}
    return {"culprits": [name for cause in causes for name in cause["culprits"]], **told,
            "fault": "+".join(cause["fault"] for cause in causes), "strength": strength,
            "causes": causes}


def _alike(values: list[str]) -> str:
    return values[0] if len(set(values)) == 1 else "several"
