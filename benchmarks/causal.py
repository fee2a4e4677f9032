"""How far the causal answers are right: python benchmarks/causal.py [--json]

1. Systems whose truth is known (aiops.causal.made): how often the planted cause has the largest
   part; what share of a load surge is demand's, and the most that a service gets; how often 95 %
   intervals cover the true part; how often a mechanism is said to have changed where none did.
2. Seconds of each answer, its refutations included, for the entry of a made graph (large_graph.py).
3. dowhy.gcm on a linear system: the largest difference of its parts of the mean from the closed
   form, beside the planted part, and the seconds that both take.
"""

import argparse
import time
import warnings
from collections.abc import Callable, Iterator

import networkx as nx
import numpy as np
import pandas as pd
from large_graph import made as large_graph

from aiops.causal import (
    StructuralModel,
    Variables,
    as_usual,
    attribute_anomaly,
    distribution_change,
    variables,
)
from aiops.causal.made import SERVICES, TARGET, linear, queueing, threshold
from aiops.causal.parts import by_owner
from aiops.causal.variables import DEMAND
from aiops.commands.output import show
from aiops.evaluation.bootstrap import interval
from aiops.evaluation.figures import Figure, to_json

MADE = {"linear": (linear, 8.0), "threshold": (threshold, 8.0), "queueing": (queueing, 1.5)}
ROWS = ((240, 60), (60, 15), (26, 20))  # of normal operation and incident; the shop's are the last
RISE = 6.0  # of the culprit's own time, in the linear system


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=60, help="made systems of each kind")
    parser.add_argument("--services", type=int, default=1000, help="of the made graph")
    parser.add_argument("--spans", type=int, default=60_000)
    parser.add_argument("--without-dowhy", action="store_true")
    parser.add_argument("--json", action="store_true", help="print all figures as a JSON list")
    options = parser.parse_args()
    figures = [*attributed(options.cases), *surges(options.cases), *covered(options.cases),
               *timed(options.services, options.spans)]
    if not options.without_dowhy:
        figures += beside_dowhy()
    print(to_json(figures)) if options.json else show([
        {"dataset": f.dataset, "slice": f.slice, "metric": f.metric, "value": f.value,
         "low": f.low, "high": f.high, "n": f.n} for f in figures])


def figure(dataset: str, part: str, metric: str, values: object, unit: str = "share",
           model: str = "closed form") -> Figure:
    """The mean of values, with its interval where there are several."""
    rows = np.atleast_1d(np.asarray(values, dtype=float))
    low, high = interval(pd.Series(rows)) if len(rows) > 1 else (None, None)
    return Figure("causal", dataset, model, part, metric, float(rows.mean()), low, high, len(rows),
                  None, unit)


def attributed(cases: int) -> Iterator[Figure]:
    """In what share of single-cause systems the planted cause has the largest part."""
    for name, (make, _) in MADE.items():
        for learn_from in ("normal", "both"):
            hits = [by_owner(StructuralModel.fit(make(seed, SERVICES[seed % 5]).variables,
                                                 learn_from)).idxmax() == SERVICES[seed % 5]
                    for seed in range(cases)]
            yield figure(name, f"learn_from={learn_from}", "planted_cause_first", hits)


def surges(cases: int) -> Iterator[Figure]:
    """Shares of the shift in a load surge: demand's, and the most that any service gets."""
    for name, (make, surge) in MADE.items():
        for learn_from in ("normal", "both"):
            models = [StructuralModel.fit(make(seed, None, surge=surge).variables, learn_from)
                      for seed in range(cases)]
            parts = [by_owner(each) / each.shift[each.target] for each in models]
            part = f"surge, learn_from={learn_from}"
            yield figure(name, part, "share_of_demand", [each[DEMAND] for each in parts])
            yield figure(name, part, "most_of_a_service",
                         max(each.drop(DEMAND).max() for each in parts))


def covered(cases: int) -> Iterator[Figure]:
    """Linear systems: what share of intervals covers, and where a change is seen that is none."""
    for rows in ROWS:
        for learn_from in ("normal", "both"):
            inside, wrong = [], []
            for seed in range(cases):
                inside += _inside(seed, rows, learn_from)
                calm = linear(1000 + seed, None, rows=rows).variables
                wrong.append(bool(distribution_change(
                    StructuralModel.fit(calm, learn_from), 40, seed).changed))
            part = f"rows={rows[0]}+{rows[1]}, learn_from={learn_from}"
            yield figure("linear", part, "interval_covers", inside)
            yield figure("linear", part, "changed_where_nothing_did", wrong)


def _inside(seed: int, rows: tuple[int, int], learn_from: str) -> list[bool]:
    culprit = SERVICES[seed % 5]
    made = linear(seed, culprit, RISE, rows=rows)
    got = attribute_anomaly(StructuralModel.fit(made.variables, learn_from), 40, seed=seed).parts
    return [bool(got.loc[name, "low"] <= made.effect[name] * RISE * (name == culprit)
                 <= got.loc[name, "high"]) for name in SERVICES]


def timed(services: int, spans: int) -> Iterator[Figure]:
    """Seconds of fitting and of each answer, about the entry of a graph; the first warms up."""
    part = f"services={services},spans={spans}"
    for seed in (1, 0):
        case, culprit = large_graph(services, spans, seed)
        took: dict[str, float] = {}
        made = _took(took, "variables", lambda case=case: variables(case))
        model = _took(took, "fit", lambda made=made: StructuralModel.fit(made, "both"))
        _took(took, "attribute_anomaly", lambda model=model: attribute_anomaly(model))
        _took(took, "distribution_change", lambda model=model: distribution_change(model))
        owners = set(model.about["owner"])  # of a small graph the culprit may lie off the way
        who = culprit if culprit in owners else sorted(owners - {DEMAND})[-1]
        _took(took, "as_usual", lambda model=model, who=who: as_usual(model, who))
    yield figure("made graph", part, "variables", len(model.names), "count")
    for what, seconds in took.items():
        yield figure("made graph", part, f"seconds_{what}", seconds, "s")


def _took(seconds: dict[str, float], what: str, work: Callable[[], object]):
    begun = time.perf_counter()
    made = work()
    seconds[what] = time.perf_counter() - begun
    return made


def beside_dowhy() -> list[Figure]:
    """Parts of the shift of the mean by ``dowhy.gcm.distribution_change``, and by closed form."""
    from dowhy import gcm

    warnings.filterwarnings("ignore")  # dowhy's and statsmodels' own
    gcm.config.set_default_n_jobs(1)
    gcm.config.disable_progress_bars()
    gcm.util.general.set_random_seed(0)
    made, took = linear(3, "cart", RISE), {}
    theirs = _took(took, "dowhy", lambda: pd.Series(gcm.distribution_change(
        of_dowhy(gcm, made.variables), made.variables.normal, made.variables.abnormal, TARGET,
        difference_estimation_func=lambda old, new: float(new.mean() - old.mean()))))
    ours = _took(took, "closed_form", lambda: distribution_change(
        StructuralModel.fit(made.variables))).mechanisms["mean"]
    truth = made.effect["cart"] * RISE
    told = [("planted_part", truth, "1"), ("dowhy", theirs["cart"], "1"),
            ("closed_form", ours["cart"], "1"),
            ("largest_difference", (theirs - ours[theirs.index]).abs().max(), "1"),
            *((f"seconds_{who}", seconds, "s") for who, seconds in took.items())]
    return [figure("linear", "distribution_change", metric, value, unit)
            for metric, value, unit in told]


def of_dowhy(gcm, made: Variables):
    """The same graph with dowhy's linear mechanisms."""
    model = gcm.ProbabilisticCausalModel(nx.DiGraph(made.graph.edges))
    for name in model.graph:
        root = not model.graph.in_degree(name)
        model.set_causal_mechanism(name, gcm.EmpiricalDistribution() if root else
                                   gcm.AdditiveNoiseModel(gcm.ml.create_linear_regressor()))
    return model


if __name__ == "__main__":
    main()
