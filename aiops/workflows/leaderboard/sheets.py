"""What the leaderboard shows of a set, logged in MLflow; and the page, written."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from aiops import datasets, rca
from aiops.code_version import code_version
from aiops.errors import LayoutError, UsageError
from aiops.evaluation.bootstrap import interval
from aiops.evaluation.figures import Figure, to_json
from aiops.evaluation.ranking import Outcome
from aiops.plots.across_sets import across_sets
from aiops.plots.style import to_png
from aiops.workflows import whole
from aiops.workflows.judging import PLAIN
from aiops.workflows.leaderboard import board
from aiops.workflows.leaderboard.page import Sheet, page
from aiops.workflows.leaderboard.sets import SETS, Set
from aiops.workflows.leaderboard.targets import FALL
from aiops.workflows.places import CLONE
from aiops.workflows.plan import DECOYS, SEEDS, Effort
from aiops.workflows.scoring import Tally, within

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

EXPERIMENT = "rca-leaderboard"
_JUDGES = ("aiops.workflows.scoring", "aiops.workflows.leaderboard.sheets")
PICTURE = Path("pictures", "rca-leaderboard.png")  # in docs/


def lead(out: Path, effort: Effort, only: Sequence[str] | None = None,
         rankers: Sequence[str] | None = None, rank: bool = True) -> dict[str, Any]:
    """Rank what is missing, and write the page of all sets that there are.

    Args:
        only, rankers: what is ranked; all sets and rankers when None. The page shows all.
        rank: False: the page alone.

    Returns:
        What was done: page, rankings, seconds, targets met, and what is lacking by set.

    Raises:
        UsageError: a set or ranker that the leaderboard does not have. LayoutError: one that is
            not on this machine.
    """
    _check(only, SETS, "only")
    _check(rankers, rca.RANKERS, "ranker")
    started, made = time.monotonic(), 0
    if rank:
        _, made = board.run(only or SETS, effort, rankers)
    seconds = time.monotonic() - started
    there = [target for target in SETS if _there(target)]
    sheets = [sheet(Set(target), effort) for target in there]
    words = " ".join(["aiops bench leaderboard", *_options(effort, only, rankers)])
    write(sheets, out, about(words, made, seconds))
    return {"page": str(out), "rankings": made, "seconds": round(seconds, 1),
            "runs": sum(len(s.runs) for s in sheets),
            "absent": [target for target in SETS if target not in there],
            "lacks": {s.target: list(s.lacks) for s in sheets if s.lacks}}


def _check(given: Sequence[str] | None, known: Collection[str], what: str) -> None:
    if unknown := [name for name in given or () if name not in known]:
        raise UsageError(f"The {what} parameter must be one of {', '.join(known)}. "
                         f"Got {unknown[0]!r} instead.")


def _there(target: str) -> bool:
    try:
        datasets.load(target)
    except LayoutError:
        return False
    return True


def _options(effort: Effort, only: Sequence[str] | None, rankers: Sequence[str] | None
             ) -> list[str]:
    told = [f"--only {name}" for name in only or ()] + [f"--ranker {n}" for n in rankers or ()]
    told += ["--quick"] if effort.quick else []
    told += [f"--seeds {effort.seeds}"] if effort.seeds != SEEDS else []
    return told + ([f"--limit {effort.limit}"] if effort.limit else [])


def sheet(of: Set, effort: Effort) -> Sheet:
    """All that is kept of a set, up to the effort's seeds.

    Each ranker's figures become a run of the MLflow experiment, once.
    """
    made: list[Figure] = []
    seeds: dict[tuple[str, str], int] = {}
    runs: dict[str, str] = {}
    for name in of.rankers:
        kept = of.outcomes(name, effort.seeds)
        if figures := known(of, name, kept):
            made += figures
            seeds |= {(name, part): len(drawn) for part, drawn in kept.seeds.items()}
            runs[name] = _logged(of.target, name, figures)
    lacks = {asked.ranker for task in of.missing(effort) for asked in task.asked}
    return Sheet(of.target, len(of.plan(effort).incidents), made, seeds,
                 [name for name in of.rankers if name in lacks], runs)


def known(of: Set, name: str, kept: Tally) -> list[Figure]:
    """All figures of one ranker; the default's with its falls. Kept beside its outcomes.

    They are made anew when an outcome came, or the code that judges changed.
    """
    if not kept.by_slice.get(PLAIN):
        return []
    told: list[Any] = [[part, [(o.case, o.seconds) for o in each]]
                       for part, each in kept.by_slice.items()]
    told += [{part: sorted(cases) for part, cases in kept.left_out.items()}]
    told += [code_version(["aiops.evaluation.ranking"], alone=_JUDGES)]
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
    known = runs.same(EXPERIMENT, tags)
    if known is not None:
        return known
    with runs.start(EXPERIMENT, f"{target}/{name}", {"ranker": name, "dataset": target},
                        tags) as run_id:
        runs.log_figures(figures)
    return run_id


def falls(dataset: str, model: str, kept: Tally) -> list[Figure]:
    """By how much each stress lowers AC@1 and AC@3: plain less stressed, over the same cases."""
    plain = _by_case(kept.by_slice.get(PLAIN, []))
    made = []
    for part in kept.left_out:
        held = kept.by_slice.get(part, [])
        made += _fall(dataset, model, part, plain, _by_case(held))
        for each, own in within(held).items():
            made += _fall(dataset, model, f"{part}, {each}", plain, _by_case(own))
    return made


def _by_case(outcomes: Sequence[Outcome]) -> pd.DataFrame:
    rows = [{"case": o.case, **o.scores} for o in outcomes]
    return pd.DataFrame(rows, columns=["case", "ac@1", "ac@3"]).groupby("case").mean()


def _fall(dataset: str, model: str, part: str, plain: pd.DataFrame, hard: pd.DataFrame
          ) -> list[Figure]:
    both = plain.index.intersection(hard.index)
    if not len(both):
        return []
    off = plain.loc[both] - hard.loc[both]
    return [Figure("rca", dataset, model, part, FALL + m, float(off[m].mean()), *interval(off[m]),
                   len(both), None, "share") for m in ("ac@1", "ac@3")]


def write(sheets: Sequence[Sheet], out: Path, about: Mapping[str, str]) -> None:
    """The page, and its picture in ``pictures/`` beside the page's folder."""
    figures = [replace(f, dataset=s.target) for s in sheets for f in s.figures]
    shown = ""
    if any(f.slice == "all" and f.metric == "ac@1" for f in figures):
        picture = out.parent.parent / PICTURE
        whole.write(picture, to_png(draw(figures), 160))
        shown = f"../{PICTURE.as_posix()}"
    whole.write(out, page(sheets, about, shown).encode())


def draw(figures: Sequence[Figure]) -> Picture:
    """The picture: every ranker on every set, plain and among decoys."""
    controls = [name for name, model in rca.RANKERS.items() if model.hindsight]
    return across_sets(figures, rca.DEFAULT, stress=DECOYS, controls=controls)


def about(command: str, rankings: int, seconds: float) -> dict[str, str]:
    """How, of what, on what and when the page was made."""
    from aiops.tracking.provenance import git_state

    state = git_state(CLONE)
    changed = ", with changes" if state.get("git.dirty") == "true" else ""
    return {"command": f"`{command}`", "commit": f"`{state['git.commit'][:9]}`{changed}",
            "made": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC", "machine": _machine(),
            "the last run": f"{rankings:,} rankings in {seconds / 60:.1f} minutes, two processes "
                            "at once; all others were kept from before"}


def _machine() -> str:
    try:
        told = Path("/proc/cpuinfo").read_text()
    except OSError:
        told = ""
    names = [line.split(":", 1)[1].strip() for line in told.splitlines()
             if line.startswith("model name")]
    return (f"{os.cpu_count()} cores{f' ({names[0]})' if names else ''}, {platform.system()} "
            f"{platform.machine()}, Python {platform.python_version()}")
