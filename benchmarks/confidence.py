"""How sure the default ranker may say it is: python benchmarks/confidence.py [NAME ...] [--json]

From the outcomes that `aiops bench leaderboard` keeps: the three numbers of the default's
confidence, fitted by logistic regression over the incidents of all sets, each set weighing the
same; and by set, for each band of stated confidence, what is stated, what the fit to the other
sets would state (`left_out`), and the share that was right. Below stands how often it abstains.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from aiops import rca
from aiops.commands.output import show
from aiops.errors import InputError, LayoutError
from aiops.evaluation.bootstrap import interval
from aiops.evaluation.figures import Figure, to_json
from aiops.evaluation.ranking import Outcome
from aiops.rca.confidence import ENOUGH
from aiops.workflows.bench import table
from aiops.workflows.judging import PLAIN
from aiops.workflows.leaderboard.sets import FOLDER, SETS, Set

NUMBERS = ("at", "by_margin", "by_blame")
BANDS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
HALF = 0.5  # of a ranking, from which it counts as right: ties share a place


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", default=list(SETS))
    parser.add_argument("--kept", type=Path, default=FOLDER, help="folder of the outcomes")
    parser.add_argument("--json", action="store_true", help="print all figures as a JSON list")
    options = parser.parse_args()
    figures = of_sets({name: held for name in options.targets
                       if (held := kept(name, options.kept))})
    if options.json:
        print(to_json(figures))
    else:
        show(table(figures))


def kept(target: str, folder: Path) -> dict[str, list[Outcome]]:
    """The default's outcomes of a set by slice; none where the set is not there."""
    try:
        return Set(target, [rca.DEFAULT], folder).outcomes(rca.DEFAULT).by_slice
    except LayoutError:
        return {}


def of_sets(sets: Mapping[str, Mapping[str, Sequence[Outcome]]]) -> list[Figure]:
    """All figures, by set, from outcomes by set and slice.

    Raises:
        InputError: fewer than two sets have incidents that were ranked.
    """
    ranked = {name: rows for name, by_slice in sets.items()
              if len(rows := incidents(by_slice.get(PLAIN, [])))}
    if len(ranked) < 2:
        raise InputError(f"Outcomes of {len(ranked)} sets are kept by the code as it is. A set is "
                         "judged by the fit to the others. Run `aiops bench leaderboard`.")
    made = [Figure("confidence", "all sets", rca.DEFAULT, "all", number, float(value), None, None,
                   sum(map(len, ranked.values())), None, "")
            for number, value in zip(NUMBERS, fit(list(ranked.values())), strict=True)]
    for name, rows in ranked.items():
        others = fit([theirs for other, theirs in ranked.items() if other != name])
        made += _bands(name, rows.assign(left_out=logistic(rows, others)))
    return made + [figure for name, by_slice in sets.items() for figure in _silent(name, by_slice)]


def incidents(outcomes: Sequence[Outcome]) -> pd.DataFrame:
    """A row an incident in which somebody was blamed: margin, blame (as the confidence takes
    them), stated, right (0 to 1)."""
    rows = []
    for each in outcomes:
        first, second = (0.0, 0.0) if each.blame is None else np.sort(
            np.append(each.blame.to_numpy(float), [0.0, 0.0]))[:-3:-1]
        if first > 0 and each.confidence is not None:
            rows.append({"margin": (first - second) / first, "blame": np.log1p(min(first, ENOUGH)),
                         "stated": each.confidence, "right": each.scores["ac@1"]})
    return pd.DataFrame(rows, columns=["margin", "blame", "stated", "right"])


def fit(sets: Sequence[pd.DataFrame]) -> np.ndarray:
    """``NUMBERS``, from the incidents of these sets, each set weighing the same."""
    rows = pd.concat([each.assign(weight=1 / len(each)) for each in sets])
    twice = np.tile(rows[["margin", "blame"]].to_numpy(), (2, 1))  # a tie is right in part
    weight = np.concatenate([rows["weight"] * rows["right"], rows["weight"] * (1 - rows["right"])])
    model = LogisticRegression(C=1e6, max_iter=1000)
    model.fit(twice, np.repeat([1, 0], len(rows)), sample_weight=weight * len(rows) / len(sets))
    return np.array([model.intercept_[0], *model.coef_[0]])


def logistic(rows: pd.DataFrame, numbers: np.ndarray) -> np.ndarray:
    """The confidence in each incident by these numbers."""
    logit = numbers[0] + rows[["margin", "blame"]].to_numpy() @ numbers[1:]
    made: np.ndarray = 1 / (1 + np.exp(-logit))
    return made


def _bands(name: str, rows: pd.DataFrame) -> list[Figure]:
    """Stated, left out, right: of all, and of those within each band of what is stated."""
    parts = {"all": rows} | {
        f"stated={low:g}-{high:g}": rows[(rows["stated"] >= low) & (
            (rows["stated"] < high) | (high == BANDS[-1]))]
        for low, high in zip(BANDS[:-1], BANDS[1:], strict=True)}
    made = []
    for part, held in parts.items():
        for metric in ("stated", "left_out", "right") if len(held) else ():
            low, high = interval(held[metric]) if metric == "right" else (None, None)
            made.append(Figure("confidence", name, rca.DEFAULT, part, metric,
                               float(held[metric].mean()), low, high, len(held), None, "share"))
    return made


def _silent(name: str, by_slice: Mapping[str, Sequence[Outcome]]) -> list[Figure]:
    """In how many it abstains: incidents, ranked right or not; and what is no incident."""
    plain = by_slice.get(PLAIN, [])
    parts = {"ranked right": [o for o in plain if o.scores["ac@1"] >= HALF],
             "ranked wrong": [o for o in plain if o.scores["ac@1"] < HALF],
             **{part: held for part, held in by_slice.items() if part.startswith("no_incident=")}}
    return [Figure("confidence", name, rca.DEFAULT, part, "abstained",
                   float(sum(o.abstains is True for o in held)), None, None, len(held), None,
                   "count") for part, held in parts.items() if held]


if __name__ == "__main__":
    main()
