"""How often change impact and the canary's judgement are wrong: python benchmarks/changes.py

1. Placebo releases: requests of recorded calm time (the first window of each recording of a data
   set), a share of which is declared new by lot, service by service. Nothing changed, so any
   verdict but "no effect seen" is false.
2. Releases that were recorded: verdict, effects and intervals beside what was planted.
3. Simulated releases, looked at every 250 requests until 10,000: a hundred that are no worse than
   the old version, and a hundred that are worse by just what is tolerated in one outcome.
"""

import argparse
from collections.abc import Iterator

import numpy as np
import pandas as pd

from aiops import datasets
from aiops.case import Case
from aiops.changes import Change, find, impacts
from aiops.changes.canary import PROMOTE, ROLL_BACK, Counts, judge
from aiops.changes.counting import count
from aiops.changes.impact import AT_SERVICE, at_service, blamed
from aiops.changes.requests import requests
from aiops.commands.output import show
from aiops.evaluation.figures import Figure, to_json

ALL = ("datasets/shop", "datasets/shop-2")
NEW_SHARE, REQUESTS = 0.3, 150  # of a placebo release, as of a canary that was recorded
TOLERANCE = {"failed": 0.01, "slow": 0.05}
USUAL = {"failed": 0.005, "slow": 0.05}
EDGE = ({"failed": 0.015}, {"slow": 0.10})
STEP, LOOKS = 250, 40


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", default=ALL, help="data sets with releases")
    parser.add_argument("--draws", type=int, default=10, help="placebo releases a service")
    parser.add_argument("--releases", type=int, default=100, help="simulated ones of each kind")
    parser.add_argument("--json", action="store_true", help="print all figures as a JSON list")
    options = parser.parse_args()
    cases = [(f"{target}/{name}", case) for target in options.targets
             for name, case in datasets.load(target).cases()]
    figures = [*placebos(cases, options.draws), *simulated(options.releases)]
    if options.json:
        print(to_json(figures))
        return
    show(list(recorded(cases)))
    show([{"slice": f.slice, "metric": f.metric, "value": f.value, "n": f.n} for f in figures])


def placebos(cases: list[tuple[str, Case]], draws: int) -> list[Figure]:
    """Share of placebo releases that are blamed, and that any interval of them finds something."""
    found = [each for name, case in cases for each in _placebos(case, draws)]
    figures = [("blamed", [bool(blamed(effects)) for effects in found])]
    figures += [(f"found_{how}_{what}", [effects[at].side != 0 for effects in found])
                for at, (how, what) in enumerate(AT_SERVICE)]
    return [Figure("changes", "recorded", "impact", "placebo releases", metric,
                   float(np.mean(wrong)), None, None, len(wrong), None, "share")
            for metric, wrong in figures]


def _placebos(case: Case, draws: int) -> Iterator[list]:
    calm = Case(normal=case.normal[:1], abnormal=case.abnormal, traces=case.traces)
    services = sorted(set(calm.traces["service"]))
    for number, service in enumerate(services):
        table = _served(calm, service)
        rng = np.random.default_rng(number)
        for _ in range(draws if len(table) >= REQUESTS else 0):
            some = table.iloc[rng.choice(len(table), REQUESTS, replace=False)]
            yield at_service(some.assign(new=rng.random(REQUESTS) < NEW_SHARE), ["route"])


def _served(case: Case, service: str) -> pd.DataFrame:
    """Requests of calm time that a service served, whichever version it has."""
    told = Change(service, "service.version", "1.4.0", "none", *case.abnormal)
    table = requests(case, told)
    return table[table["start"] < case.abnormal[0]]


def recorded(cases: list[tuple[str, Case]]) -> Iterator[dict[str, object]]:
    """A row a release."""
    for name, case in cases:
        if not find(case):
            continue
        for told in impacts(case):
            mean, typical, share = told.effects
            counts = count(case, told.change)
            yield {"incident": name.removeprefix("datasets/"), "service": told.change.service,
                   "verdict": told.verdict, "canary": judge(counts, TOLERANCE).decision,
                   "new/old": f"{mean.n_new}/{mean.n_old}",
                   **{how: f"{e.value:+.3g} [{e.low:+.3g}, {e.high:+.3g}]" for how, e in
                      (("mean ms", mean), ("typical ms", typical), ("failed", share))}}


def simulated(n: int) -> list[Figure]:
    """Shares of wrong and right decisions, and requests until one is made."""
    same = [release(seed, USUAL) for seed in range(n)]
    edge = [release(10_000 + seed, USUAL | EDGE[seed % len(EDGE)]) for seed in range(n)]
    made = []
    for name, runs, right, wrong in (("no worse", same, PROMOTE, ROLL_BACK),
                                     ("worse by the tolerance", edge, ROLL_BACK, PROMOTE)):
        decided = [when for decision, when in runs if decision == right]
        told = [(f"wrong ({wrong})", np.mean([d == wrong for d, _ in runs]), "share"),
                (f"right ({right})", np.mean([d == right for d, _ in runs]), "share"),
                ("requests_p50", np.median(decided) if decided else np.nan, "count")]
        made += [Figure("changes", "simulated", "canary", name, metric, float(value), None, None,
                        n, None, unit) for metric, value, unit in told]
    return made


def release(seed: int, new: dict[str, float]) -> tuple[str, int]:
    """The decision on a simulated release, and after how many requests."""
    rng = np.random.default_rng(seed)
    n, bad = [0, 0], {name: [0, 0] for name in USUAL}
    for look in range(LOOKS):
        theirs = int(rng.binomial(STEP, NEW_SHARE))
        for arm, size in ((1, theirs), (0, STEP - theirs)):
            n[arm] += size
            for name in USUAL:
                bad[name][arm] += rng.binomial(size, (new if arm else USUAL)[name])
        told = judge({name: Counts(n[1], bad[name][1], n[0], bad[name][0]) for name in USUAL},
                     TOLERANCE)
        if told.decision in (PROMOTE, ROLL_BACK):
            return told.decision, (look + 1) * STEP
    return told.decision, LOOKS * STEP


if __name__ == "__main__":
    main()
