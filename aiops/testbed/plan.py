"""What to record, in which order: drawn from a seed, so that the order tells nothing."""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from aiops.errors import InputError, UsageError
from aiops.testbed.faults import BURN_S, CANARY, DISTURBANCES, FAIR, FAULTS, KNOWN, SLOW_BURN

ROLES = ("incident", "disturbance", "control", "normal")
LEAD_S = 5  # load runs, nothing counts yet
BEFORE_S, WITH_S, AFTER_S = 60, 45, 10


@dataclass(frozen=True)
class Entry:
    """One recording to make. ``fault`` and ``target`` are empty where nothing is planted; ``also``
    are more faults at the same time, ``part`` is the slice in which the incident is judged."""

    id: str
    role: str
    seed: int
    offset_s: float  # of the traffic's own day
    before_s: int
    with_s: int
    after_s: int
    fault: str = ""
    target: str = ""
    strength: str = FAIR
    also: tuple[tuple[str, str], ...] = ()
    part: str = ""

    @property
    def planted(self) -> tuple[tuple[str, str], ...]:
        """Every kind that is planted, with its target."""
        return ((self.fault, self.target), *self.also) if self.fault else ()

    @property
    def seconds(self) -> int:
        """Of load, the lead-in included."""
        return LEAD_S + self.before_s + self.with_s + self.after_s


def draw(seed: int, incidents: int = 24, canaries: int = 3, disturbances: int = 4,
         controls: int = 4, normal: int = 5, normal_s: int = 180) -> list[Entry]:
    """A plan in drawn order: every kind and every service at least once where counts allow.

    ``incidents`` include ``canaries`` harmful ones; ``normal`` pieces of ``normal_s`` seconds
    are strewn among the rest.
    """
    return grow([], seed, incidents, canaries, disturbances, controls, normal, normal_s)


def grow(plan: list[Entry], seed: int, incidents: int = 24, canaries: int = 3,
         disturbances: int = 4, controls: int = 0, normal: int = 5,
         normal_s: int = 180) -> list[Entry]:
    """More entries for a set that followed ``plan``: ids and the traffic's day go on where it
    ended, and a kind is planted where it was not yet."""
    rng = random.Random(seed)
    before = Counter((entry.fault, entry.target) for entry in plan if entry.fault)
    planted = [("incident", *pair) for pair in _incidents(rng, incidents, canaries, before)]
    planted += [("disturbance", *pair)
                for pair in _targets(rng, DISTURBANCES, disturbances, before)]
    todo = planted + [("control", "", "")] * controls + [("normal", "", "")] * normal
    rng.shuffle(todo)
    return _entries(rng, todo, normal_s, plan)


def _incidents(rng: random.Random, count: int, canaries: int,
               before: Counter[tuple[str, str]]) -> list[tuple[str, str]]:
    if canaries > count:
        raise InputError(f"canaries are among the incidents: got {canaries} of {count} incidents.")
    kinds = [name for name in FAULTS if name != CANARY]
    rest = _targets(rng, kinds, count - canaries, before)
    return rest + _targets(rng, [CANARY], canaries, before, Counter(target for _, target in rest))


def _targets(rng: random.Random, kinds: Iterable[str], count: int,
             before: Counter[tuple[str, str]],
             used: Counter[str] | None = None) -> list[tuple[str, str]]:
    """``count`` pairs of kind and target: kinds in turn, those with little choice first, each
    at its least used target (of these the one that fewest kinds can be planted at)."""
    used = Counter() if used is None else used
    targets = {kind: KNOWN[kind].targets for kind in kinds}
    chances = Counter(target for each in targets.values() for target in each)
    pairs = Counter[tuple[str, str]]()
    while targets and pairs.total() < count:
        turn = rng.sample(list(targets), len(targets))[:count - pairs.total()]
        for kind in sorted(turn, key=lambda kind: len(targets[kind])):
            choice = min(targets[kind], key=lambda target: (
                before[kind, target] + pairs[kind, target], used[target], chances[target],
                rng.random()))
            pairs[kind, choice] += 1
            used[choice] += 1
    return list(pairs.elements())


def _entries(rng: random.Random, todo: list[tuple[str, str, str]], normal_s: int,
             plan: list[Entry]) -> list[Entry]:
    entries: list[Entry] = []
    numbers = Counter(_prefix(entry.role) for entry in plan)
    offset = sum(entry.seconds for entry in plan) + 0.0
    for role, fault, target in todo:
        prefix = _prefix(role)
        numbers[prefix] += 1
        name = f"{prefix}{numbers[prefix]}" if role == "normal" else f"r{numbers[prefix]:03d}"
        lengths = (normal_s, 0, 0) if role == "normal" else (BEFORE_S, WITH_S, AFTER_S)
        entries.append(Entry(name, role, rng.randrange(2**31), offset, *lengths, fault, target))
        offset += entries[-1].seconds
    return entries


_Planted = tuple[str, tuple[tuple[str, str], ...], str]  # part, kinds with targets, strength
_PARTS: tuple[_Planted, ...] = (
    ("two-causes", (("cpu-burn", "cart"), ("errors", "inventory")), FAIR),
    ("two-causes", (("missing-index", "postgresql"), ("stall", "notifier")), FAIR),
    ("two-causes", (("slow-network", "gateway->catalog"), ("pool-held", "inventory")), FAIR),
    ("slow-burn", (("cpu-burn", "catalog"),), SLOW_BURN),
    ("slow-burn", (("pool-held", "inventory"),), SLOW_BURN),
    ("cascade", (("cascade", "catalog"),), FAIR),
    ("cascade", (("cascade", "cart"),), FAIR),
    ("outside", (("others-batch", "postgresql"),), FAIR),
    ("outside", (("slow-links", "cart"),), FAIR),
)


def parts(seed: int, normal: int = 2, normal_s: int = 180) -> list[Entry]:
    """A plan of faults of several parts, in drawn order, with a control and normal traffic:
    two causes at once, slow burns, cascades, causes outside of the graph."""
    rng = random.Random(seed)
    todo: list[_Planted] = [*_PARTS, ("control", (), FAIR), *[("normal", (), FAIR)] * normal]
    rng.shuffle(todo)
    bare = _entries(rng, [(_role(part), "", "") for part, *_ in todo], normal_s, [])
    offset, entries = 0.0, []
    for entry, told in zip(bare, todo, strict=True):
        entries.append(replace(_filled(entry, *told), offset_s=offset))
        offset += entries[-1].seconds
    return entries


PLANS: dict[str, tuple[Callable[[int], list[Entry]], int]] = {
    # name -> how it is drawn, and the fault-free windows that it yields at the least
    "shop": (draw, 40), "parts": (parts, 15)}


def find(name: str) -> tuple[Callable[[int], list[Entry]], int]:
    """How the plan of that name is drawn from a seed, and how many windows judge its faults."""
    if name not in PLANS:
        raise UsageError(f"The plan must be one of {sorted(PLANS)}, got {name!r} instead.")
    return PLANS[name]


def _role(part: str) -> str:
    return part if part in ROLES else "incident"


def _filled(entry: Entry, part: str, planted: tuple[tuple[str, str], ...],
            strength: str) -> Entry:
    if not planted:
        return entry
    (fault, target), *also = planted
    with_s = BURN_S if strength == SLOW_BURN else WITH_S
    return replace(entry, fault=fault, target=target, strength=strength, also=tuple(also),
                   part=part, with_s=with_s)


def _prefix(role: str) -> str:
    return "normal-" if role == "normal" else "r"


def save(plan: list[Entry], path: Path) -> None:
    """Write the plan, so that a resumed recording follows the same one."""
    told = [{key: value for key, value in asdict(entry).items()
             if value or key not in ("also", "part")} for entry in plan]
    path.write_text(json.dumps(told, indent=1) + "\n")


def load(path: Path) -> list[Entry]:
    """Read a plan that ``save`` wrote."""
    return [Entry(**{**entry, "also": tuple(map(tuple, entry.get("also", ())))})
            for entry in json.loads(path.read_text())]
