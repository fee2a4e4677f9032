"""Rankers on a made graph of a thousand services: python benchmarks/large_graph.py [--json]

Requests walk a random call tree; one service becomes slow in the last minute of eleven. What is
measured is the time of `rank` in this process, wall clock and processor, and the culprit's rank:
whether a ranker stays under a second where a graph is large, not how good it is there.
"""

import argparse
import time

import numpy as np
import pandas as pd

from aiops import rca
from aiops.case import Case
from aiops.commands.output import show
from aiops.errors import CaseError
from aiops.evaluation.figures import Figure, to_json
from aiops.evaluation.ranking import ranks

STARTED = pd.Timestamp("2026-03-02T09:00:00Z")
SPAN = pd.Timedelta("11min")
ALARM = STARTED + pd.Timedelta("10min")
DEPTH = 12  # spans of a request at most
SLOWER = 5.0
METRICS = ("cpu", "memory")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--services", type=int, default=1000)
    parser.add_argument("--spans", type=int, default=60_000)
    parser.add_argument("--seeds", type=int, default=5, help="graphs and incidents drawn")
    parser.add_argument("--ranker", action="append", help="default: fusion; may be repeated")
    parser.add_argument("--json", action="store_true", help="print all figures as a JSON list")
    options = parser.parse_args()
    figures = [figure for name in options.ranker or [rca.DEFAULT]
               for figure in measured(name, options.services, options.spans, options.seeds)]
    print(to_json(figures)) if options.json else show(table(figures))


def measured(name: str, services: int, spans: int, seeds: int) -> list[Figure]:
    """Seconds a Case and the culprit's rank, over Cases of this size; the first Case warms up."""
    rows = []
    for seed in (0, *range(seeds)):
        case, culprit = made(services, spans, seed)
        wall, processor = time.perf_counter(), time.process_time()
        try:
            blame = rca.make(name).rank(case)
        except CaseError:
            return []
        rows.append((time.perf_counter() - wall, time.process_time() - processor,
                     float(ranks(blame, case.suspects)[culprit])))
    wall_s, cpu_s, rank = np.array(rows[1:]).T
    size = f"services={services},spans={spans}"
    told = [("seconds_p50", np.median(wall_s), "s"), ("seconds_max", wall_s.max(), "s"),
            ("cpu_seconds_max", cpu_s.max(), "s"), ("rank_worst", rank.max(), "count")]
    return [Figure("large-graph", "made", name, size, metric, float(value), None, None, seeds,
                   None, unit) for metric, value, unit in told]


def made(services: int, spans: int, seed: int) -> tuple[Case, str]:
    """A Case of that many services and about that many spans, and its culprit."""
    rng = np.random.default_rng(seed)
    names = np.array([f"s{number:04d}" for number in range(services)], dtype=object)
    caller = np.r_[-1, [rng.integers(max(0, n - 50), n) for n in range(1, services)]]
    culprit = int(rng.integers(services // 2, services))
    traces = _traces(rng, names, caller, culprit, spans)
    topology = pd.DataFrame({"caller": names[caller[1:]], "callee": names[1:]})
    case = Case(normal=((STARTED, ALARM),), abnormal=(ALARM, STARTED + SPAN), traces=traces,
                metrics=_metrics(rng, names), topology=topology, suspects=tuple(names),
                entry_service=str(names[0]))
    return case, str(names[culprit])


def _traces(rng: np.random.Generator, names: np.ndarray, caller: np.ndarray, culprit: int,
            spans: int) -> pd.DataFrame:
    """Each request is the way from the entry down to a service; a tenth go to the culprit."""
    rows, number = [], 0
    while len(rows) < spans:
        target = culprit if rng.random() < 0.1 else int(rng.integers(len(names)))
        way = [target]
        while caller[way[-1]] >= 0 and len(way) < DEPTH:
            way.append(int(caller[way[-1]]))
        begun = STARTED + rng.random() * SPAN
        own = rng.lognormal(0.7, 0.3, len(way)) * np.where(
            (np.array(way) == culprit) & (begun >= ALARM), SLOWER, 1.0)
        for depth, service in enumerate(reversed(way)):
            inside = own[:len(way) - depth].sum()
            rows.append((f"{number:08x}", f"{number:08x}{depth:02x}",
                         f"{number:08x}{depth - 1:02x}" if depth else None, names[service],
                         begun + pd.Timedelta(milliseconds=depth), int(inside * 1e6)))
        number += 1
    made = pd.DataFrame(rows, columns=["trace_id", "span_id", "parent_span_id", "service",
                                       "start", "duration_ns"])
    return made.assign(operation="op", kind="server", status_code="ok",
                       start=made["start"].dt.as_unit("ns"))


def _metrics(rng: np.random.Generator, names: np.ndarray) -> pd.DataFrame:
    times = pd.date_range(STARTED, STARTED + SPAN, freq="15s", inclusive="left", unit="ns")
    value = rng.normal(1.0, 0.1, (len(METRICS), len(names), len(times)))
    index = pd.MultiIndex.from_product([METRICS, names, times], names=["name", "service", "time"])
    return pd.DataFrame({"value": value.ravel()}, index=index).reset_index().assign(unit="1")


def table(figures: list[Figure]) -> list[dict[str, object]]:
    """A row a ranker."""
    rows: dict[str, dict[str, object]] = {}
    for each in figures:
        rows.setdefault(each.model, {"ranker": each.model, "size": each.slice, "n": each.n})[
            each.metric] = each.value
    return list(rows.values())


if __name__ == "__main__":
    main()
