"""How often change impact and the canary's judgement are wrong: python benchmarks/changes.py

1. Placebo releases: requests of recorded calm time (the first window of each recording of a data
   set), a share of which is declared new by lot, service by service. Nothing changed, so any
   verdict but "no effect seen" is false.
2. Releases that were recorded: verdict, effects and intervals beside what was planted.
3. Simulated releases, looked at every 250 requests until 10,000: a hundred that are no worse than
   the old version, and a hundred that are worse by just what is tolerated in one outcome.
4. Sticky sessions, simulated: placebo releases of sessions that are slow, or fail, in their own
   way, judged as if requests stood for themselves, and by session; canaries of them as well.
5. Whom it hits, simulated: a release that harms one tenant on one route, two routes in one region
   and the others elsewhere, one tenant, all alike, or nobody. The X-learner (halves), the textbook
   alone (every combination of up to two attributes, Bonferroni), Cochran's Q by attribute.
"""

import argparse
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from aiops import datasets
from aiops.case import Case
from aiops.changes import Change, find, impacts, uplift
from aiops.changes.canary import PROMOTE, ROLL_BACK, Counts, judge
from aiops.changes.counting import count
from aiops.changes.impact import AT_SERVICE, at_service, blamed, by_segment
from aiops.changes.requests import requests
from aiops.changes.uplift import among
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
    parser.add_argument("--whom", type=int, default=20, help="simulated releases of each of 5.")
    parser.add_argument("--json", action="store_true", help="print all figures as a JSON list")
    options = parser.parse_args()
    cases = [(f"{target}/{name}", case) for target in options.targets
             for name, case in datasets.load(target).cases()]
    figures = [*placebos(cases, options.draws), *simulated(options.releases),
               *sticky_releases(options.releases), *sticky_canaries(options.releases),
               *whom(options.whom)]
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


def sticky_releases(n: int) -> list[Figure]:
    """Share of placebo releases by session that are blamed, without and with the session told."""
    made = [_sessions(seed) for seed in range(n)]
    told = {"requests": [each.drop(columns="cluster") for each in made], "sessions": made}
    return [_share("impact", f"sticky placebos, by {name}", "blamed",
                   [bool(blamed(at_service(each, ["route"]))) for each in tables])
            for name, tables in told.items()]


def _sessions(seed: int, n: int = 400, sessions: int = 40) -> pd.DataFrame:
    """Requests of sessions of unlike length, each slow by its own factor, on one version."""
    rng = np.random.default_rng(seed)
    of = rng.choice(sessions, n, p=rng.dirichlet(np.full(sessions, 2.0)))
    slow, failing = np.exp(rng.normal(0, 0.5, sessions)), rng.beta(0.2, 3.8, sessions)
    return pd.DataFrame({"new": (rng.random(sessions) < NEW_SHARE)[of], "cluster": of,
                         "latency_ms": rng.gamma(2, 3, n) * slow[of],
                         "failed": rng.random(n) < failing[of], "route": rng.integers(0, 3, n)})


def sticky_canaries(n: int) -> list[Figure]:
    """Decisions on canaries of 25 new sessions a look, of some 11 requests, over 40 looks."""
    runs = {name: [sticky_release(seed, new) for seed in range(n)]
            for name, new in (("no worse", USUAL), ("worse", USUAL | {"slow": 0.3}))}
    return [_share("canary", f"sticky, {kind}, by {unit}", decision,
                   [each[unit] == decision for each in made])
            for kind, made in runs.items() for unit in ("requests", "sessions")
            for decision in (ROLL_BACK, PROMOTE)]


def sticky_release(seed: int, worse: dict[str, float], a_look: int = 25) -> dict[str, str]:
    """The decision by requests, and by sessions, which are alike by a correlation of a half."""
    rng, sessions = np.random.default_rng(seed), a_look * LOOKS
    new = rng.random(sessions) < NEW_SHARE
    of = np.repeat(np.arange(sessions), rng.poisson(10, sessions) + 1)
    at = of / a_look + rng.exponential(1.0, len(of))
    of, at = of[np.argsort(at)], np.sort(at)
    chance = {name: np.where(new, worse[name], USUAL[name]) for name in USUAL}
    bad = {name: rng.random(len(of)) < rng.beta(p, 1 - p)[of] for name, p in chance.items()}
    return {unit: _decided(at, lambda m, unit=unit: {
        name: _counted(of[:m], each[:m], new, unit) for name, each in bad.items()})
        for unit in ("requests", "sessions")}


def _decided(at: np.ndarray, counts: Callable[[int], dict[str, Counts]]) -> str:
    for look in range(1, LOOKS + 1):
        told = judge(counts(int(np.searchsorted(at, look))), TOLERANCE).decision
        if told in (PROMOTE, ROLL_BACK):
            return told
    return told


def _counted(of: np.ndarray, bad: np.ndarray, new: np.ndarray, unit: str) -> Counts:
    size = np.bincount(of, minlength=len(new)).astype(float)
    wrong = np.bincount(of, bad, len(new))
    if unit == "sessions":
        wrong, size = wrong / np.maximum(size, 1), (size > 0).astype(float)
    return Counts(int(size[new].sum()), float(wrong[new].sum()), int(size[~new].sum()),
                  float(wrong[~new].sum()))


ATTRIBUTES = ["route", "region", "tenant"]
PLANTED = "route=/buy, tenant=t1"
WHOM = {"nobody": 0.0, "all alike": 10.0, "one tenant on one route, 10 ms": 10.0,
        "one tenant on one route, 4 ms": 4.0, "one tenant, 2 ms": 2.0, "crossed, 2 ms": 2.0}


def whom(n: int) -> list[Figure]:
    """How often each way finds that requests are hit unlike, and names what was planted."""
    figures = []
    for kind, ms in WHOM.items():
        tables = [kinds(seed, kind, ms) for seed in range(n)]
        learned = [among(table, ATTRIBUTES, seed=seed).sure for seed, table in enumerate(tables)]
        scanned = [_scan(table) for table in tables]
        q = [by_segment(table, ATTRIBUTES) for table in tables]
        told = {"X-learner finds": [len(each) > 0 for each in learned],
                "X-learner names the combination": [PLANTED in set(each["combination"])
                                                    for each in learned],
                "all pairs find": [len(each) > 0 for each in scanned],
                "all pairs name it first": [each[:1] == [PLANTED] for each in scanned],
                "Q finds": [each["p_equal"].min() * len(ATTRIBUTES) * 3 <= 0.05 for each in q]}
        figures += [_share("uplift", kind, metric, seen) for metric, seen in told.items()]
    return figures


def kinds(seed: int, kind: str, ms: float, n: int = 2_000) -> pd.DataFrame:
    """Requests of four routes, three regions and five tenants; whom the new version slows down."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({"route": rng.choice(["/", "/buy", "/item", "/cart"], n),
                          "region": rng.choice(["ap", "eu", "us"], n),
                          "tenant": rng.choice([f"t{at}" for at in range(5)], n),
                          "new": rng.random(n) < NEW_SHARE, "failed": rng.random(n) < 0.01})
    buys, mine = table["route"] == "/buy", table["tenant"] == "t1"
    hit = {"one tenant on": buys & mine, "one tenant, 2": mine, "crossed, 2 ms":
           table["route"].isin(["/", "/buy"]) == (table["region"] == "eu")}.get(kind[:13], True)
    usual = 5 + rng.gamma(2, 3, n) + 8 * (table["route"] == "/item") + 4 * (table["tenant"] == "t0")
    return table.assign(latency_ms=usual + ms * (table["new"] & hit))


def _scan(table: pd.DataFrame) -> list[str]:
    """Every combination of up to two attributes on all requests, the surest first."""
    asked = [pair for pair in uplift.all_kinds(table, ATTRIBUTES) if len(pair) <= 2]
    found = uplift.of_kinds(table, asked, ATTRIBUTES)
    return list(found.loc[found["p"] <= 0.05, "combination"])


def _share(model: str, slice: str, metric: str, seen: list[bool]) -> Figure:
    return Figure("changes", "simulated", model, slice, metric, float(np.mean(seen)), None, None,
                  len(seen), None, "share")


if __name__ == "__main__":
    main()
