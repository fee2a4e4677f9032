"""Every fault of the bundled set `shop` is felt where its truth says: a fault on paper is none."""

from pathlib import Path

import pandas as pd
import pytest

from aiops import datasets
from aiops.case import Case

SHOP = Path(datasets.BUNDLED) / "shop"


@pytest.fixture(scope="module")
def incidents() -> list[tuple[str, dict, Case]]:
    shop = datasets.load(SHOP)
    return [(name, shop.truth[name], case) for name, case in shop.cases()
            if shop.truth[name]["culprits"]]


def within(frame: pd.DataFrame, column: str, window: tuple) -> pd.DataFrame:
    return frame[(frame[column] >= window[0]) & (frame[column] < window[1])]


def spans(case: Case, culprit: str, window: tuple) -> pd.DataFrame:
    """What callers saw of the culprit (a stopped process does not time itself); else its own."""
    found = within(case.traces, "start", window)
    if "->" in culprit:
        caller, culprit = culprit.split("->")
        found = found[found["service"] == caller]
    asked = found[found["peer_service"] == culprit]
    own = found[(found["service"] == culprit) & (found["kind"] == "server")]
    return own if asked.empty else asked


def points(case: Case, name: str, window: tuple, service: str | None = None) -> pd.DataFrame:
    found = within(case.metrics, "time", window)
    found = found[found["name"].str.startswith(name)]
    return found if service is None else found[found["service"] == service]


def hit_rate(case: Case, culprit: str, window: tuple) -> float:
    asked = points(case, "app.cache.requests", window)
    return asked.loc[asked["name"].str.contains("=hit"), "value"].sum() / asked["value"].sum()


def rate(name: str, culprit_only: bool = True):
    def per_second(case: Case, culprit: str, window: tuple) -> float:
        found = points(case, name, window, culprit if culprit_only else None)
        return found["value"].sum() / (window[1] - window[0]).total_seconds()
    return per_second


def latency_ms(case: Case, culprit: str, window: tuple) -> float:
    return spans(case, culprit, window)["duration_ns"].mean() / 1e6


def error_share(case: Case, culprit: str, window: tuple) -> float:
    return (spans(case, culprit, window)["status_code"] == "error").mean()


def memory_mb(case: Case, culprit: str, window: tuple) -> float:
    return points(case, "process.memory.usage", window, culprit)["value"].max() / 1e6


def whole_ms(case: Case, culprit: str, window: tuple) -> float:
    """A host belongs to all services."""
    return within(case.traces, "start", window)["duration_ns"].mean() / 1e6


FELT = {  # what the truth's `metric` means -> (measure, factor that it must change by)
    "latency": (latency_ms, 1.3), "pool": (latency_ms, 1.3), "errors": (error_share, 1.3),
    "cpu": (rate("process.cpu.time"), 1.5), "memory": (memory_mb, 1.05),
    "revenue": (rate("app.revenue", culprit_only=False), 0.6), "hit_rate": (hit_rate, 0.8),
}


def test_every_fault_is_felt_at_its_culprit(incidents):
    unfelt = []
    for name, truth, case in incidents:
        measure, factor = FELT[truth["metric"]]
        if truth["kind"] == "host":
            measure, factor = whole_ms, 1.2
        before, after = (measure(case, truth["culprits"][0], window)
                         for window in (case.normal[0], case.abnormal))
        if not (after > before * factor if factor > 1 else after < before * factor):
            unfelt.append((name, truth["fault"], truth["culprits"], before, after))
    assert not unfelt
    assert len(incidents) >= 24


def test_kinds_canaries_and_services_are_those_promised(incidents):
    faults = [truth["fault"] for _, truth, _ in incidents]
    assert len(set(faults)) >= 14
    assert faults.count("canary") == 3
    services = {truth["culprits"][0] for _, truth, _ in incidents if truth["kind"] == "service"}
    assert len(services) == 8
