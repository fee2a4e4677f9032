"""By how much each stress lowers a ranker's figures: plain less stressed, over the same cases."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from aiops.evaluation.bootstrap import interval
from aiops.evaluation.figures import Figure
from aiops.evaluation.ranking import Outcome
from aiops.workflows.judging import PLAIN
from aiops.workflows.scoring import Tally, within

FALL = "fall of "  # before a metric


def falls(dataset: str, model: str, kept: Tally) -> list[Figure]:
    """Of AC@1 and AC@3, for each stress and what the set's own protocol judges apart in it."""
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
