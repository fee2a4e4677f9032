"""What the notebook on judging rankers shows: a few of them on one data set, plain and stressed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from aiops import rca
from aiops.evaluation import ranking
from aiops.evaluation.figures import Figure
from aiops.workflows.bench import table as rows_of
from aiops.workflows.judging import PLAIN
from aiops.workflows.leaderboard import board
from aiops.workflows.plan import DECOYS, Effort
from aiops.workflows.scoring import Tally

METRICS = {"ac@1": "AC@1", "ac@3": "AC@3", "avg@5": "Avg@5"}


@dataclass(frozen=True)
class Judged:
    """Rankers on one data set.

    Args:
        name: of the set. default: the ranker that is looked at. figures: of all.
        kept: the default's outcomes.
    """

    name: str
    default: str
    figures: list[Figure]
    kept: Tally


def ask(dataset: str, rankers: Sequence[str], folder: Path, cases: int | None = None) -> Judged:
    """Rank what is not kept in the folder: plain, and among decoys drawn once.

    Args:
        rankers: names; the first is looked at where the package's default is none of them.
        cases: only the first of them; all when None.
    """
    (of,), _ = board.run([dataset], Effort(seeds=1, quick=True, limit=cases), rankers, folder)
    default = rca.DEFAULT if rca.DEFAULT in rankers else rankers[0]
    figures = [figure for name in rankers for figure in of.figures(name, 1)]
    return Judged(of.dataset.name, default, figures, of.outcomes(default, 1))


def told(of: Judged) -> str:
    """How good the default is, and what decoys cost it, in a sentence or two."""
    plain, hard = (_first(of, part) for part in ("all", DECOYS))
    if plain is None:
        return f"**{of.default}** was not asked."
    said = (f"**{of.default}** names the culprit first in {plain.value:.0%} of "
            f"{plain.n} incidents (95 % interval {plain.low:.0%} to {plain.high:.0%}, "
            f"chance {plain.chance:.0%})")
    return said + ("." if hard is None else f", among 40 more services in {hard.value:.0%}.")


def _first(of: Judged, part: str) -> Figure | None:
    wanted = (of.default, part, "ac@1")
    return next((f for f in of.figures if (f.model, f.slice, f.metric) == wanted), None)


def table(of: Judged) -> pd.DataFrame:
    """A row a slice (all, kinds of culprit, decoys) and ranker; chance above the rankers."""
    rows = rows_of(f for f in of.figures if f.metric in METRICS and not f.slice.startswith(
        ("fault=", "evidence=")))
    return pd.DataFrame(rows, columns=["slice", "model", "n", *METRICS]).rename(
        columns={"n": "incidents", **METRICS})


def reliability(of: Judged) -> pd.DataFrame:
    """A row a bin of the confidence that the default states; none where it states none."""
    return ranking.reliability(of.kept.by_slice.get(PLAIN, []))
