"""One call: rank what is missing, publish its figures, write the page of all that is published."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiops import datasets, rca
from aiops.errors import LayoutError, UsageError
from aiops.evaluation.figures import Figure
from aiops.plots.across_sets import across_sets
from aiops.plots.style import to_png
from aiops.workflows import whole
from aiops.workflows.leaderboard import board, published
from aiops.workflows.leaderboard.measuring import commit, machine, measured
from aiops.workflows.leaderboard.origin import changed
from aiops.workflows.leaderboard.page import page, shown_commit
from aiops.workflows.leaderboard.published import Measured, Published
from aiops.workflows.leaderboard.sets import SETS, given
from aiops.workflows.leaderboard.sheet import Sheet
from aiops.workflows.plan import DECOYS, SEEDS, Effort

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

PICTURE = Path("pictures", "rca-leaderboard.png")  # in docs/


def lead(out: Path, effort: Effort, targets: Sequence[str] | None = None,
         rankers: Sequence[str] | None = None) -> dict[str, Any]:
    """Rank what is missing, publish what came of it, and write the page of all figures.

    Args:
        out: the page; what is published stands beside it, as ``.json``.
        targets, rankers: what is ranked; all sets and rankers when None. The page shows all.

    Returns:
        What was done: page, rankings, seconds; what ``write`` tells; and by set who was not
        published, because more is of the same ranker.

    Raises:
        UsageError: a set or ranker that the leaderboard does not have; a page that is no ``.md``.
        LayoutError: a set that is not on this machine. InputError: a damaged file beside it.
    """
    _check(targets, SETS, "set")
    _check(rankers, rca.RANKERS, "ranker")
    _before(out)  # what cannot be read is told before hours of work
    started = time.monotonic()
    sets, made = board.run(targets or SETS, effort, rankers)
    fresh = [each for of in sets for each in measured(of, effort.seeds)]
    seconds = time.monotonic() - started
    words = " ".join(["aiops bench leaderboard", *_options(effort, targets, rankers)])
    merged = _before(out).merged(fresh, SETS)  # read anew: another run may have published
    told = write(merged, out, _about(words, made, seconds))
    return {"page": str(out), "rankings": made, "seconds": round(seconds, 1), **told,
            "not published": _outdone(fresh, merged)}


def again(out: Path) -> dict[str, Any]:
    """The page of what is published, without any ranking.

    Raises:
        UsageError: a page that is no ``.md``. InputError: nothing is published, or damaged.
    """
    of = published.read(_beside(out))
    return {"page": str(out), **write(of.merged([], SETS), out, of.about)}


def _outdone(fresh: Sequence[Measured], merged: Sequence[Measured]) -> dict[str, list[str]]:
    complete = {each.key for each in merged if each.complete}
    left: dict[str, list[str]] = {}
    for each in fresh:
        if not each.complete and each.key in complete:
            left.setdefault(each.set, []).append(each.ranker)
    return left


def _check(given: Sequence[str] | None, known: Collection[str], what: str) -> None:
    if unknown := [name for name in given or () if name not in known]:
        raise UsageError(f"The {what} parameter must be one of {', '.join(known)}. "
                         f"Got {unknown[0]!r} instead.")


def _beside(out: Path) -> Path:
    if out.suffix != ".md":
        raise UsageError("The out parameter must be <name>.md; <name>.json is written beside it. "
                         f"Got {out}.")
    return out.with_suffix(".json")


def _before(out: Path) -> Published:
    path = _beside(out)
    return published.read(path) if path.exists() else Published()


def _options(effort: Effort, targets: Sequence[str] | None, rankers: Sequence[str] | None
             ) -> list[str]:
    told = [f"--set {name}" for name in targets or ()] + [f"--ranker {n}" for n in rankers or ()]
    told += ["--quick"] if effort.quick else []
    told += [f"--seeds {effort.seeds}"] if effort.seeds != SEEDS else []
    return told + ([f"--limit {effort.limit}"] if effort.limit else [])


def write(found: Sequence[Measured], out: Path, about: Mapping[str, str]) -> dict[str, Any]:
    """Figures beside the page, its picture in ``pictures/`` beside the page's folder, the page.

    Each is whole or not there, the page comes last; ``again`` mends what a kill left between.

    Returns:
        Sets without figures, and by set rankers that lack something and that are stale.
    """
    found = _compared(found)
    sheets = to_sheets(found)
    published.write(Published(about, found), _beside(out))
    shown = ""
    if sheets:
        figures = [figure for sheet in sheets for figure in sheet.figures]
        whole.write(out.parent.parent / PICTURE, to_png(draw(figures), 160))
        shown = f"../{PICTURE.as_posix()}"
    whole.write(out, page(sheets, about, shown).encode())
    return {"absent": [name for name in SETS if name not in {s.target for s in sheets}],
            "lacks": {s.target: s.lacks for s in sheets if s.lacks},
            "stale": {s.target: s.stale for s in sheets if s.stale}}


def to_sheets(found: Sequence[Measured]) -> list[Sheet]:
    """One for each set that something is published of."""
    of = {name: [each for each in found if each.set == name] for name in SETS}
    return [Sheet(name, each) for name, each in of.items() if each]


def _compared(found: Sequence[Measured]) -> list[Measured]:
    """Each with what is other here than when it was measured."""
    here = {name: _here(name) for name in {each.set for each in found}}
    return [replace(each, stale=changed(each.origin, each.ranker, here[each.set], each.stale))
            for each in found]


def _here(target: str) -> str | None:
    """Hash of a set's data; None: it is not on this machine."""
    try:
        return given(datasets.load(target))
    except LayoutError:
        return None


def draw(figures: Sequence[Figure]) -> Picture:
    """The picture: every ranker on every set, plain and among decoys."""
    controls = [name for name, model in rca.RANKERS.items() if model.hindsight]
    return across_sets(figures, rca.DEFAULT, stress=DECOYS, controls=controls)


def _about(command: str, rankings: int, seconds: float) -> dict[str, str]:
    """How, of what, on what and when the page was made."""
    return {"command": f"`{command}`", "commit": shown_commit(commit()),
            "made": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC", "machine": machine(),
            "the last run": f"{rankings:,} rankings in {seconds / 60:.1f} minutes, two processes "
                            "at once; all others were made before"}
