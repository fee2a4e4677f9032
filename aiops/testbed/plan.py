"""What to record, in which order: drawn from a seed, so that the order tells nothing."""

import json
import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from aiops.errors import InputError
from aiops.testbed.faults import CANARY, DISTURBANCES, FAULTS, find

ROLES = ("incident", "disturbance", "control", "normal")
LEAD_S = 5  # load runs, nothing counts yet
BEFORE_S, WITH_S, AFTER_S = 60, 45, 10


@dataclass(frozen=True)
class Entry:
    """One recording to make. ``fault`` and ``target`` are empty where nothing is planted."""

    id: str
    role: str
    seed: int
    offset_s: float  # of the traffic's own day
    before_s: int
    with_s: int
    after_s: int
    fault: str = ""
    target: str = ""
    strength: str = "fair"

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
    targets = {kind: find(kind).targets for kind in kinds}
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


def _prefix(role: str) -> str:
    return "normal-" if role == "normal" else "r"


def save(plan: list[Entry], path: Path) -> None:
    """Write the plan, so that a resumed recording follows the same one."""
    path.write_text(json.dumps([asdict(entry) for entry in plan], indent=1) + "\n")


def load(path: Path) -> list[Entry]:
    """Read a plan that ``save`` wrote."""
    return [Entry(**entry) for entry in json.loads(path.read_text())]
