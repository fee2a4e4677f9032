"""Faults of several parts: python benchmarks/several_parts.py [NAME|FOLDER] [--made N] [--json]

Two causes at once, slow burns, cascades, causes outside of the graph (docs/several-parts.md).
First a row a part and ranker: AC@1 (a culprit stands first), AC@3 (the share of the culprits among
the first three, of as many as there is room for), in how many it abstains. Then a row an incident:
at which rank each ranker puts each culprit (ties at their mean rank), `~` where it abstains. Last,
what the causal model adds: whose doing made the symptom, and whether its answer passed.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from aiops import datasets, rca
from aiops.case import Case
from aiops.causal import Attribution, StructuralModel, attribute_anomaly, variables
from aiops.commands.output import show
from aiops.datasets import Dataset
from aiops.errors import InputError
from aiops.evaluation import ranking
from aiops.evaluation.figures import Figure, to_json
from aiops.evaluation.ranking import Outcome
from aiops.simulation import SEVERAL, of_several_parts
from aiops.workflows import parallel
from aiops.workflows.fitting import Entry
from aiops.workflows.judging import outcome

# what learns from labels or looks at the truth says nothing about these few incidents
ABLE = [name for name, kind in rca.RANKERS.items() if not (kind.uses_labels or kind.hindsight)]
PART, NONE = "part=", "no_incident"
Outcomes = dict[tuple[str, str], Outcome]  # by ranker and case


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", nargs="?", default="shop-parts")
    parser.add_argument("--ranker", action="append", choices=list(rca.RANKERS),
                        help="only these; may repeat (without: all that need no labels)")
    parser.add_argument("--made", type=int, default=0, metavar="N",
                        help="N made incidents of each part (aiops.simulation), not recorded ones")
    parser.add_argument("--json", action="store_true", help="print all figures as a JSON list")
    options = parser.parse_args()
    dataset = made_set(options.made) if options.made else datasets.load(options.target)
    rankers = options.ranker or ABLE
    cases = dict(dataset.cases())
    outcomes = ranked(dataset, cases, rankers)
    made = {} if options.made else attributed(dataset, cases)
    if options.json:
        print(to_json([*by_part(dataset, rankers, outcomes), *by_case(dataset, outcomes),
                       *by_culprits(dataset, made)]))
    else:
        show(table(by_part(dataset, rankers, outcomes)))
        if not options.made:
            show(ranks_table(dataset, rankers, outcomes))
        if made:
            show(parts_table(dataset, made))


def made_set(number: int) -> Dataset:
    """Incidents of several parts, each of a made system of its own."""
    found = {f"{what.replace(' ', '-')}-{seed}": (what, of_several_parts(seed, what))
             for what in SEVERAL for seed in parallel.watched(iter(range(number)), what, number)}
    truth = {name: {**each.truth, "slices": [PART + what.replace(" ", "-")]}
             for name, (what, each) in found.items()}
    return Dataset("made", Path("made"), truth,
                   lambda: {name: lambda case=each.case: case for name, (_, each) in found.items()})


def ranked(dataset: Dataset, cases: Mapping[str, Case], rankers: Sequence[str]) -> Outcomes:
    """What each ranker makes of each Case, controls included.

    Raises:
        InputError: the truth of the set names no part.
    """
    if not any(map(_part, dataset.truth.values())):
        raise InputError(f"The truth of {dataset.root} has no slice {PART}... Give a set that was "
                         "recorded by `aiops testbed record --plan parts`.")
    entries = [Entry(name, rca.make(name)) for name in rankers]
    return {(entry.name, name): outcome(entry, entry.model, name, case, dataset.truth[name])
            for name, case in cases.items() for entry in entries}


def by_part(dataset: Dataset, rankers: Sequence[str], outcomes: Outcomes) -> list[Figure]:
    """AC@1, AC@3 and abstention of each ranker over all and in each part; what is no incident
    comes last."""
    slices = {name: (_part(truth), "all") if truth["culprits"] else (NONE,)
              for name, truth in dataset.truth.items()}
    made = []
    for part in ["all", *sorted({part for part, *_ in slices.values()} - {NONE, ""}), NONE]:
        for ranker in rankers:
            held = [o for (by, name), o in outcomes.items()
                    if by == ranker and part in slices[name]]
            made += _figures(dataset.name, ranker, part, held)
    return made


def _figures(dataset: str, ranker: str, part: str, held: list[Outcome]) -> list[Figure]:
    judge = ranking.abstention if part == NONE else ranking.of_slice
    return [figure for figure in judge(held, dataset, ranker, part)
            if figure.metric in ("ac@1", "ac@3", "abstained")]


def by_case(dataset: Dataset, outcomes: Outcomes) -> Iterator[Figure]:
    """The rank of each culprit, by incident and ranker; none where the ranker failed."""
    for (ranker, name), held in outcomes.items():
        for culprit, rank in _ranks(held).items():
            yield Figure("several_parts", dataset.name, ranker, f"case={name}", f"rank {culprit}",
                         rank, None, None, 1, (len(held.suspects) + 1) / 2, "rank")


def _ranks(held: Outcome) -> dict[str, float]:
    if held.blame is None:
        return {}
    return {name: float(rank) for name, rank in ranking.ranks(held.blame, held.suspects).reindex(
        held.truth["culprits"]).items() if np.isfinite(rank)}


def _part(truth: Any) -> str:
    return next((each for each in truth.get("slices", []) if each.startswith(PART)), "")


def table(figures: Sequence[Figure]) -> list[dict[str, Any]]:
    """A row a part and ranker, metrics side by side; chance stands above each part."""
    made: dict[tuple[str, str], dict[str, Any]] = {}
    for figure in figures:
        about = {"slice": figure.slice, "n": figure.n}
        if figure.chance is not None:
            made.setdefault((figure.slice, ""), {**about, "model": "chance"})[
                figure.metric] = round(figure.chance, 2)
        made.setdefault((figure.slice, figure.model), {**about, "model": figure.model})[
            figure.metric] = round(figure.value, 2)
    return list(made.values())


def ranks_table(dataset: Dataset, rankers: Sequence[str], outcomes: Outcomes
                ) -> list[dict[str, Any]]:
    """A row an incident: its faults, its culprits, and where each ranker puts them."""
    incidents = {name: truth for name, truth in dataset.truth.items() if truth["culprits"]}
    return [{"case": name, "fault": truth["fault"], "culprits": " ".join(truth["culprits"]),
             **{ranker: _cell(outcomes[ranker, name]) for ranker in rankers}}
            for name, truth in sorted(incidents.items(), key=lambda it: (_part(it[1]), it[0]))]


def _cell(held: Outcome) -> str:
    if held.blame is None:
        return "failed"
    return " ".join(f"{rank:g}" for rank in _ranks(held).values()) + "~" * bool(held.abstains)


def attributed(dataset: Dataset, cases: Mapping[str, Case]) -> dict[str, Attribution]:
    """Whose doing made the symptom of each incident, by the model that the ranker `causal` has.

    Incidents in which nobody knows what the symptom is are left out.
    """
    found = ((name, variables(case)) for name, case in cases.items()
             if dataset.truth[name]["culprits"])
    return {name: attribute_anomaly(StructuralModel.fit(seen, learn_from="both"))
            for name, seen in found if seen.target is not None}


def by_culprits(dataset: Dataset, made: dict[str, Attribution]) -> Iterator[Figure]:
    """The culprits' share of what was done towards the symptom, by incident."""
    for name, answer in made.items():
        yield Figure("several_parts", dataset.name, "causal", f"case={name}", "by culprits",
                     _share(answer, dataset.truth[name]["culprits"]), None, None, 1, None, "share")


def _share(answer: Attribution, culprits: Sequence[str]) -> float:
    parts = answer.parts["part"].clip(lower=0)  # what worked against it is left out
    return float(parts.reindex(culprits).fillna(0).sum() / parts.sum())


def parts_table(dataset: Dataset, made: dict[str, Attribution]) -> list[dict[str, Any]]:
    """A row an incident: the three largest parts of the symptom's shift, in its unit."""
    rows = []
    for name, answer in sorted(made.items(), key=lambda it: (_part(dataset.truth[it[0]]), it[0])):
        largest = answer.parts["part"].nlargest(3)
        rows.append({"case": name, "largest parts": ", ".join(
            f"{who} {part:.3g}" for who, part in largest.items()),
            "by culprits": round(_share(answer, dataset.truth[name]["culprits"]), 2),
            "passed": answer.refutations.passed})
    return rows


if __name__ == "__main__":
    main()
