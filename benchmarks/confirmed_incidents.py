"""What confirmed incidents buy: python benchmarks/confirmed_incidents.py [NAME|FOLDER ...] [--json]

A data set whose history has a truth (TVDiag's systems) is scored with the ranker ``learned``
fitted on 5, 20, 100 incidents of it, drawn at random, five times each, and on all of them. Only
these are known to the ranker, as confirmed; alerts of the rest are not used without their labels.
"""

import argparse
from collections.abc import Sequence

import numpy as np

from aiops import datasets
from aiops.case import Case
from aiops.commands.output import show
from aiops.datasets import Dataset
from aiops.errors import InputError
from aiops.evaluation.bootstrap import interval
from aiops.evaluation.figures import Figure, to_json
from aiops.evaluation.ranking import chance, scores
from aiops.rca.learned import Learned
from aiops.workflows.bench import table

SIZES, SEEDS = (5, 20, 100), 5
TARGETS = ("tvdiag/sockshop", "tvdiag/hotel")
METRICS = ("ac@1", "ac@3")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", default=list(TARGETS))
    parser.add_argument("--json", action="store_true", help="print all figures as a JSON list")
    options = parser.parse_args()
    figures = [figure for target in options.targets
               for figure in bench(datasets.load(target))]
    if options.json:
        print(to_json(figures))
    else:
        show(table(figures))


def bench(dataset: Dataset, sizes: Sequence[int] = SIZES, seeds: int = SEEDS) -> list[Figure]:
    """Figures by number of confirmed incidents; a case's score is its mean over the draws."""
    history = [(case, dataset.history_truth[name]["culprits"])
               for name, case in dataset.history() if name in dataset.history_truth]
    if not history:
        raise InputError(f"{dataset.root} has no history with a truth: nothing is confirmed "
                         "there. TVDiag's systems have one.")
    scored = [(case, dataset.truth[name]["culprits"]) for name, case in dataset.cases()
              if dataset.truth[name]["culprits"]]
    asked = [size for size in sizes if size < len(history)]
    return [figure for size in (*asked, len(history))
            for figure in _figures(dataset.name, size, history, scored, seeds)]


def _figures(name: str, size: int, history: list[tuple[Case, list[str]]],
             scored: list[tuple[Case, list[str]]], seeds: int) -> list[Figure]:
    draws = range(seeds) if size < len(history) else range(1)
    got = np.mean([_draw(size, history, scored, seed) for seed in draws], axis=0)
    guess = np.mean([[chance(case.suspects, culprits)[m] for m in METRICS]
                     for case, culprits in scored], axis=0)
    return [Figure("confirmed_incidents", name, "learned", f"confirmed={size}", metric,
                   float(got[:, k].mean()), *interval(got[:, k]), len(scored), float(guess[k]),
                   "share") for k, metric in enumerate(METRICS)]


def _draw(size: int, history: list[tuple[Case, list[str]]],
          scored: list[tuple[Case, list[str]]], seed: int) -> np.ndarray:
    """Scores of each case (rows) by metric after one draw of incidents."""
    drawn = np.random.default_rng(seed).permutation(len(history))[:size]
    cases, culprits = zip(*(history[number] for number in sorted(drawn)), strict=True)
    model = Learned(seed=seed).fit(cases, culprits)
    made = [scores(model.rank(case), case.suspects, guilty) for case, guilty in scored]
    return np.array([[each[metric] for metric in METRICS] for each in made])


if __name__ == "__main__":
    main()
