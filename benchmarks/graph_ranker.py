"""The graph ranker on systems that it has not seen: python benchmarks/graph_ranker.py [SET ...]

Trains on made systems and, leaving one system out at a time, on all other recorded ones, and
judges it beside the default ranker on the same incidents (--part loso, minutes). --part made holds
what is made against what is recorded: the shape of its traces, the strength of its incidents, and
how good rankers that know neither are on both. --part seconds times one answer. --json prints all
figures as a JSON list.
"""

import argparse
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from aiops import datasets, rca
from aiops.case import Case
from aiops.commands.output import show
from aiops.errors import LayoutError
from aiops.evaluation.bootstrap import interval
from aiops.evaluation.figures import Figure, to_json
from aiops.evaluation.ranking import scores
from aiops.rca import graph_network
from aiops.rca.view import View
from aiops.simulation import Made, incidents
from aiops.workflows import graph_training as graph
from aiops.workflows import parallel
from aiops.workflows.bench import table
from aiops.workflows.leaderboard.sets import SETS

FAMILIES = {"shop-2": "shop", "shop-parts": "shop",  # recorded of one system
            "rcd-sockshop": "Sock Shop", "tvdiag-sockshop": "Sock Shop"}
RANKERS = ("fusion", "causal", "circa", "baro", "nsigma", "correlation", "random-walk",
           "microrank")
MADE = 60  # systems that are held against recorded ones


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", default=list(SETS))
    parser.add_argument("--part", choices=("loso", "made", "seconds"), default="loso")
    parser.add_argument("--folder", type=Path, default=graph.FOLDER, help="of made incidents")
    parser.add_argument("--json", action="store_true", help="print all figures as a JSON list")
    options = parser.parse_args()
    figures = {"loso": loso, "made": made, "seconds": seconds}[options.part](
        options.targets, options.folder)
    if options.json:
        print(to_json(figures))
    else:
        show(graph.shown(figures) if options.part == "loso" else table(figures))


# --- on unseen systems -------------------------------------------------------------------
def loso(targets: Sequence[str], folder: Path) -> list[Figure]:
    """Leaving one system out: networks of made systems and of all other recorded ones."""
    known = {name.replace("/", "-"): name for name in targets if _there(name)}
    recorded = {name: graph.recorded(target) for name, target in known.items()}
    past = {name: found for name, target in known.items()
            if (found := graph.recorded(target, past=True))}
    return graph.leave_one_out(graph.made(folder), recorded, past, FAMILIES)


def _there(name: str) -> bool:
    try:
        datasets.load(name)
    except LayoutError:
        return False
    return True


# --- made against recorded ---------------------------------------------------------------
def made(targets: Sequence[str], folder: Path) -> list[Figure]:
    """Shapes of traces, and how good rankers are, on made systems and on recorded ones."""
    drawn = [each for of_one in parallel.each(_drawn, range(10_000, 10_000 + MADE), "made systems")
             for each in of_one]
    sets = {"made": [(each.case, each.truth) for each in drawn]}
    for name in filter(_there, targets):
        of = datasets.load(name)
        sets[of.name] = [(read(), of.truth[each]) for each, read in of.readers().items()
                         if of.truth[each]["culprits"]]
    found = [figure for name, cases in sets.items() for figure in _shapes(name, cases)]
    good = {name: {ranker: _firsts(ranker, cases) for ranker in RANKERS}
            for name, cases in sets.items()}
    return found + list(_alike(good))


def _drawn(seed: int) -> list[Made]:
    return [each for each in incidents(seed, 1)
            if each.truth["culprits"] and {"traces", "metrics"} <= set(each.case.tables)]


def _shapes(name: str, cases: Iterable[tuple[Case, Mapping]]) -> Iterable[Figure]:
    frame = pd.DataFrame([shape(case) for case, _ in cases if case.traces is not None])
    for metric in frame:
        values = frame[metric].dropna()
        low, middle, high = np.quantile(values, (0.05, 0.5, 0.95))
        yield Figure("graph-ranker", name, "traces", "all", metric, float(middle), float(low),
                     float(high), len(values), None, "")


def shape(case: Case) -> dict[str, float]:
    """Of a Case's traces: size and depth of requests, spread of time, strength of the incident."""
    view = View.of(case)
    spans = view.arrays.spans
    assert spans is not None
    normal, abnormal = view.sides(spans)
    depth, up = np.zeros(len(spans)), spans.parent.copy()
    while (up >= 0).any():
        depth += up >= 0
        up = np.where(up >= 0, spans.parent[up], -1)
    root = spans.parent < 0
    took = [np.median(spans.duration[root & side]) for side in (normal, abnormal)]
    log = np.log(np.maximum(spans.duration[normal & ~spans.client], 1))
    kind = spans.service * len(spans.operations) + spans.operation
    within = pd.Series(log).groupby(kind[normal & ~spans.client]).std().median()
    return {"spans_a_request": float(root.sum() and len(spans) / root.sum()),
            "depth": float(depth.max()), "services": float(len(spans.services)),
            "log_sd_of_duration": float(within), "entry_p50_ratio": float(took[1] / took[0]),
            "entry_errors": float(spans.error[root & abnormal].mean())}


def _firsts(name: str, cases: Sequence[tuple[Case, Mapping]]) -> list[float]:
    found = []
    for case, truth in cases:
        try:
            blame = rca.rank(case, name)
        except Exception:  # noqa: BLE001  a ranker's failure is a miss, as everywhere
            blame = None
        found.append(scores(blame, case.suspects, truth["culprits"])["ac@1"])
    return found


def _alike(good: Mapping[str, Mapping[str, Sequence[float]]]) -> Iterable[Figure]:
    """AC@1 of each ranker on each set, and whether they come in the order that made ones do."""
    for name, of in good.items():
        for ranker, firsts in of.items():
            yield Figure("graph-ranker", name, ranker, "all", "ac@1", float(np.mean(firsts)),
                         *interval(firsts), len(firsts), None, "share")
        if name != "made":
            order = stats.spearmanr(*([np.mean(each[r]) for r in RANKERS]
                                      for each in (good["made"], of)))
            yield Figure("graph-ranker", name, "order of rankers", "all", "spearman",
                         float(order.statistic), None, None, len(RANKERS), 0.0, "")


# --- seconds -----------------------------------------------------------------------------
def seconds(targets: Sequence[str], folder: Path) -> list[Figure]:
    """Of one answer, by part: the graph, and the network's own."""
    found = []
    for name in filter(_there, targets):
        of = datasets.load(name)
        cases = [read() for read in list(of.readers().values())[:20]]
        ranker = rca.make(graph.NAME).fit([case for _, case in of.history()])
        graph_network.ask(graph_network.GraphNetwork().graph(cases[0]))  # loads the network
        whole, network = [], []
        for case in cases:
            started = time.perf_counter()
            ranker.rank(case)
            whole.append(time.perf_counter() - started)
            seen = ranker.graph(case)
            started = time.perf_counter()
            graph_network.ask(seen)
            network.append(time.perf_counter() - started)
        found += [Figure("graph-ranker", of.name, graph.NAME, part, f"seconds_p{q}",
                         float(np.percentile(taken, q)), None, None, len(taken), None, "s")
                  for part, taken in (("all", whole), ("network", network)) for q in (50, 99)]
    return found


if __name__ == "__main__":
    main()
