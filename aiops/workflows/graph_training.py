"""Train the graph ranker on made systems, and measure it on systems that it has never seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from time import process_time

import numpy as np
import pandas as pd

from aiops import datasets, rca, tracking
from aiops.code_version import code_version
from aiops.evaluation import ranking
from aiops.evaluation.figures import Figure
from aiops.evaluation.ranking import Outcome
from aiops.graph_learning import corpus, export, training
from aiops.graph_learning.network import Network
from aiops.graph_learning.training import Example
from aiops.rca.graph_network import GraphNetwork
from aiops.simulation.faults import DISTURBANCES
from aiops.tracking import rankers
from aiops.workflows import parallel
from aiops.workflows.ranker import example

NAME = "gnn"
FOLDER = Path("experiments", "graph-ranker")
SYSTEMS, INCIDENTS = 600, 4
APART = 0.15  # of made systems: calibrated by
NETWORKS, EPOCHS = 3, 20
_MAKES = ("aiops.rca.incident_graph", "aiops.simulation.incident")  # what decides an example
_MOST = 4.0  # times that a recorded incident may count, against a made one


@dataclass(frozen=True, eq=False)
class Trained:
    """Networks, and what they are judged on.

    Args:
        apart: made systems that they have not seen. minutes: processor time of training.
    """

    networks: list[Network]
    apart: list[Example]
    minutes: float


def made(folder: Path = FOLDER, systems: int = SYSTEMS, number: int = INCIDENTS, first: int = 0
         ) -> list[Example]:
    """Incidents of made systems; kept in the folder, by the code that makes them.

    Args:
        systems: how many, from the one of seed ``first`` on. number: of incidents of each.
    """
    path = folder / f"made-{first}-{systems}x{number}-{_version()}.npz"
    if not path.is_file():
        seeds = range(first, first + systems)
        found = parallel.each(partial(_made, number=number), seeds, "made systems")
        corpus.save([each for of_one in found for each in of_one], path)
    return corpus.load(path)


def _version() -> str:
    """Of the code that makes examples; how they are learned from changes none."""
    return code_version(_MAKES, alone=["aiops.graph_learning.corpus"])


def _made(seed: int, number: int) -> list[Example]:
    """Those whose culprit shows something; nobody's fault is an example too."""
    return [each for each in corpus.made(seed, number)
            if corpus.shows(each) or each.fault in DISTURBANCES]


def recorded(name: str | Path, past: bool = False) -> list[Example]:
    """Incidents of a data set, and its Cases that are none; ``past``: its labelled history."""
    of = datasets.load(name)
    history = list(of.history())
    known = corpus.memory([case for _, case in history])
    if past:
        told = ((case, of.history_truth[each]) for each, case in history
                if each in of.history_truth)
    else:
        told = ((read(), of.truth[each]) for each, read in of.readers().items())
    return [corpus.of_case(case, truth, of.name, known) for case, truth in told]


def train(examples: Sequence[Example], networks: int = NETWORKS, epochs: int = EPOCHS) -> Trained:
    """Networks of these made examples, calibrated on systems that are kept apart.

    Args:
        networks: how many, each from a seed of its own; their probabilities are averaged.
    """
    started = process_time()
    seen, apart = corpus.split(examples, APART, 0)
    return Trained(_networks(seen, apart, networks, epochs), apart,
                   (process_time() - started) / 60)


def _networks(seen: Sequence[Example], apart: Sequence[Example], networks: int, epochs: int
              ) -> list[Network]:
    """A network a seed, calibrated on what none of them has seen."""
    return [training.calibrate(training.fit(seen, epochs, seed, parallel.watched(
        iter(range(epochs)), f"network {seed + 1}", epochs)), apart) for seed in range(networks)]


def judged(networks: Sequence[Network], examples: Iterable[Example], name: str) -> list[Figure]:
    """Figures of the networks and of the default ranker over the same examples."""
    mine, default = [], []
    for number, each in enumerate(examples):
        about = {"culprits": each.culprits, "fault": each.fault}
        case = f"{number}" if each.culprits else None
        mine.append(Outcome(blame(networks, each), each.graph.names, about, case=case))
        default.append(Outcome(pd.Series(each.graph.total, index=list(each.graph.names)),
                               each.graph.names, about, case=case))
    return [figure for model, outcomes in ((NAME, mine), (rca.DEFAULT, default))
            for figure in _figures(outcomes, name, model)]


def _figures(outcomes: Sequence[Outcome], name: str, model: str) -> list[Figure]:
    guilty = [each for each in outcomes if each.truth["culprits"]]
    calm = [each for each in outcomes if not each.truth["culprits"]]
    found = ranking.of_slice(guilty, name, model, "all") if guilty else []
    found += ranking.abstention(calm, name, model, "no_incident") if calm else []
    return [each for each in found if not each.metric.startswith(("seconds", "failures"))]


def blame(networks: Sequence[Network], example: Example) -> pd.Series:
    """The mean of the networks' probabilities, as the ranker states them."""
    told = [training.probabilities(network, example.graph) for network in networks]
    suspects = np.mean([each for each, _ in told], axis=0)
    found = pd.Series(suspects, index=list(example.graph.names), dtype=float)
    found.attrs = {"confidence": float(suspects.max()),
                   "abstains": example.graph.abstains or bool(
                       np.mean([nobody for _, nobody in told]) > suspects.max())}
    return found


def learning_curve(examples: Sequence[Example], recorded: Mapping[str, Sequence[Example]],
                   sizes: Sequence[int], seeds: int = 3, epochs: int = EPOCHS) -> pd.DataFrame:
    """How good a network is by the number of made systems that it saw.

    Returns:
        systems, seed, set ("made" or a recorded one's name), ac@1, default (the default's ac@1).
    """
    seen, apart = corpus.split(examples, APART, 0)
    names, rows = corpus.systems(seen), []
    for size in sizes:
        for seed in range(seeds):
            chosen = set(np.random.default_rng(seed).permutation(names)[:size])
            some = [each for each in seen if each.system in chosen]
            network = training.fit(some, max(epochs, epochs * 100 // max(size, 1)), seed)
            for name, of in {"made": apart, **recorded}.items():
                rows.append((size, seed, name, *_first([network], of)))
    return pd.DataFrame(rows, columns=["systems", "seed", "set", "ac@1", "default"])


def _first(networks: Sequence[Network], examples: Iterable[Example]) -> tuple[float, float]:
    figures = judged(networks, (each for each in examples if each.culprits), "")
    found = {each.model: each.value for each in figures if each.metric == "ac@1"}
    return found[NAME], found[rca.DEFAULT]


def leave_one_out(examples: Sequence[Example], recorded: Mapping[str, Sequence[Example]],
                  past: Mapping[str, Sequence[Example]], families: Mapping[str, str],
                  networks: int = NETWORKS, epochs: int = EPOCHS) -> list[Figure]:
    """Figures on each recorded set, of networks that saw made systems and all other recorded ones.

    Args:
        examples: made ones. recorded: by set. past: labelled history, by set. families: by set,
            the system that it was recorded of, where sets share one.
    """
    found, (made, apart) = [], corpus.split(examples, APART, 0)
    for name, own in recorded.items():
        family = families.get(name, name)
        others = {other: [*of, *past.get(other, [])] for other, of in recorded.items()
                  if families.get(other, other) != family}
        seen = [*made, *_weighed(others, len(made))]
        found += judged(_networks(seen, apart, networks, epochs), own, name)
    return found


def _weighed(others: Mapping[str, Sequence[Example]], made: int) -> list[Example]:
    """Recorded examples, each set weighing the same, all of them as much as the made ones do."""
    each_set = made / max(len(others), 1)
    return [replace(each, weight=min(each_set / len(of), _MOST))
            for of in others.values() for each in of]


def told(examples: Sequence[Example]) -> str:
    """What there is to learn from, in a sentence."""
    harmless = sum(not each.culprits for each in examples)
    kinds = {each.fault for each in examples if each.culprits and "+" not in each.fault}
    return (f"**{len(examples)} incidents of {len(corpus.systems(examples))} made systems**, "
            f"{len(kinds)} kinds of fault; {harmless} are no incident at all.")


def shown(figures: Iterable[Figure]) -> pd.DataFrame:
    """A row a data set and ranker: AC@1 and AC@3 with their intervals, chance, abstention."""
    rows: dict[tuple[str, str], dict[str, object]] = {}
    for each in figures:
        row = rows.setdefault((each.dataset, each.model), {"set": each.dataset,
                                                           "ranker": each.model})
        if each.metric in ("ac@1", "ac@3"):
            row |= {"n": each.n, each.metric.upper():
                    f"{each.value:.2f} [{each.low:.2f}, {each.high:.2f}]"}
        if each.metric == "ac@1":
            row["chance"] = None if each.chance is None else round(each.chance, 2)
        if each.metric == "abstained" and each.model == NAME:
            row["abstains" if each.slice == "all" else "over none"] = round(each.value, 2)
        if each.metric == "ece" and each.model == NAME:
            row["ECE"] = round(each.value, 2)
    made = pd.DataFrame(rows.values()).astype(object)
    return made.where(made.notna(), "")


def keep(trained: Trained, figures: Sequence[Figure], settings: Mapping[str, object],
         path: Path) -> dict[str, object]:
    """Write the networks as one ONNX file; track the run with its figures, register the ranker.

    Returns:
        network (the file), bytes, model (its name in the registry), version, run (MLflow's id).
    """
    export.save(trained.networks, path)
    ranker = GraphNetwork()
    ranker.network_ = np.frombuffer(path.read_bytes(), dtype=np.uint8)
    mine = [each for each in figures if each.model == NAME]
    with tracking.start("graph-ranker", "train", {**settings, "minutes": trained.minutes}) as run:
        for name in dict.fromkeys(each.dataset for each in mine):
            tracking.log_figures([replace(each, slice=f"{name}, {each.slice}") for each in mine
                                  if each.dataset == name], f"figures-{name}.json")
        tracking.log_file(path)
        version = rankers.register(ranker, example(), model := rankers.named(ranker=NAME))
    tracking.promote(model, version)
    return {"network": str(path), "bytes": path.stat().st_size, "model": model,
            "version": version, "run": run}
