"""Figures of a ranker from its kept outcomes: made once, logged in MLflow once."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiops import rca
from aiops.evaluation.figures import Figure, to_json
from aiops.workflows import whole
from aiops.workflows.judging import PLAIN
from aiops.workflows.leaderboard.falls import falls
from aiops.workflows.leaderboard.origin import judges, origin
from aiops.workflows.leaderboard.published import Measured, needed
from aiops.workflows.leaderboard.sets import Set
from aiops.workflows.places import CLONE
from aiops.workflows.plan import SEEDS, Effort
from aiops.workflows.scoring import Tally

EXPERIMENT = "rca-leaderboard"


def measured(of: Set, seeds: int = SEEDS) -> list[Measured]:
    """What is kept of a set's rankers, as it is published; nothing of who was not asked.

    Args:
        seeds: up to which draws count; never less than ``SEEDS``.
    """
    lacks = {asked.ranker for task in of.missing(Effort()) for asked in task.asked}
    tallies = {name: of.outcomes(name, max(seeds, SEEDS)) for name in of.rankers}
    return [_measured(of, name, kept, figures, name not in lacks)
            for name, kept in tallies.items() if (figures := known(of, name, kept))]


def _measured(of: Set, name: str, kept: Tally, figures: Sequence[Figure], complete: bool
              ) -> Measured:
    return Measured(
        of.target, name, len(of.plan(Effort()).incidents), commit(),
        f"{datetime.now(UTC):%Y-%m-%d %H:%M}", machine(), _logged(of.target, name, figures),
        origin(of.dataset, name, bool(kept.left_out)),
        {part: len(kept.seeds[part]) for part in kept.left_out if part in kept.seeds},
        complete, figures=needed(figures, of.target))


def commit() -> str:
    """Where the code stands, and whether files of the package differ from it."""
    from aiops.tracking.provenance import _git, git_state

    changed = ", with changes" if _git(CLONE, "status", "--porcelain", "--", "aiops") else ""
    return git_state(CLONE)["git.commit"][:9] + changed


def machine() -> str:
    """On what is measured."""
    try:
        told = Path("/proc/cpuinfo").read_text()
    except OSError:
        told = ""
    names = [line.split(":", 1)[1].strip() for line in told.splitlines()
             if line.startswith("model name")]
    return (f"{os.cpu_count()} cores{f' ({names[0]})' if names else ''}, {platform.system()} "
            f"{platform.machine()}, Python {platform.python_version()}")


def known(of: Set, name: str, kept: Tally) -> list[Figure]:
    """All figures of one ranker; the default's with its falls. Kept beside its outcomes.

    They are made anew when an outcome came, or the code that judges changed.
    """
    if not kept.by_slice.get(PLAIN):
        return []
    told: list[Any] = [[part, [(o.case, o.seconds) for o in each]]
                       for part, each in kept.by_slice.items()]
    told += [{part: sorted(cases) for part, cases in kept.left_out.items()}, judges()]
    digest = hashlib.sha1(json.dumps(told).encode(), usedforsecurity=False).hexdigest()[:16]
    file = of.store.folder / "figures" / f"{name}.{digest}.json"
    if not file.is_file():
        made = kept.figures(of.dataset, name)
        made += falls(of.dataset.name, name, kept) if name == rca.DEFAULT else []
        whole.write(file, to_json(made).encode())
    return [Figure(**each) for each in json.loads(file.read_text())]


def _logged(target: str, name: str, figures: Sequence[Figure]) -> str:
    """The run that holds these figures, made where there is none."""
    from aiops.tracking import runs

    told = hashlib.sha1(to_json(figures).encode(), usedforsecurity=False).hexdigest()
    tags = {"figures": told, "dataset": target}
    found = runs.same(EXPERIMENT, tags)
    if found is not None:
        return found
    with runs.start(EXPERIMENT, f"{target}/{name}", {"ranker": name, "dataset": target},
                    tags) as run_id:
        runs.log_figures(figures)
    return run_id
