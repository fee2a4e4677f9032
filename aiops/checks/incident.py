"""The made incident of the Rankers' contract: metrics, traces, logs, calls and a symptom."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from aiops.case import Case

ENTRY = "front"
CALLS = (("front", "checkout"), ("front", "cart"), ("checkout", "quote"), ("checkout", "ship"),
         ("cart", "db"))  # callers before their callees
SERVICES = tuple(sorted({service for call in CALLS for service in call}))
INSTANCES = tuple(f"{service}-{n}" for service in SERVICES for n in (0, 1))
COLUMNS = ("cpu", "memory", "retries", "restarts", "latency")
NORMAL_S, ABNORMAL_S = 120, 60
_T0 = pd.Timestamp("2026-01-05T10:00:00Z")
_NAMED = ("service", "peer_service", "caller", "callee", "instance", "peer")
_WRITTEN = ("operation", "body", "template")  # names of services may stand within


def made_case(seed: int = 0, culprit: str = "quote") -> Case:
    """Six services under constant load; one turns slow, busy and at times fails.

    Metrics: columns of several units, one a flag mostly at 0, one always at 0 but for once in
    the incident. The culprit's cpu rises by 30 deviations, its latency by 20, its callers' by
    less, for they wait for it at times; a byte column elsewhere moves by less than its own
    noise allows, which only a leak of units would put first. Traces: one request a second
    takes part of the tree, client and server spans; the culprit answers 100 ms later and fails
    every third call, and so do its callers. Logs: a line a server span, another one where it
    fails. The alert states the entry's latency.
    """
    made = _made(seed, culprit)
    return replace(made, **{name: frame.copy() for name, frame in made.tables.items()})


def made_of_instances(seed: int = 0, culprit: str = "quote-1") -> Case:
    """The same incident where each service runs twice, and the instances are the suspects.

    One of two instances turns slow and busy, and all who call its service wait for it. Metrics
    tell which instance they are of; spans, logs and calls tell services alone.
    """
    service, faulty = culprit.rsplit("-", 1)
    case = made_case(seed, service)
    waiting, calm = (_made(seed + n, slow).tables["metrics"] for n, slow in ((1, service), (2, "")))
    beside = pd.concat([waiting[waiting["service"] != service], calm[calm["service"] == service]])
    both = {faulty: case.tables["metrics"], "10"[int(faulty)]: beside}
    return replace(case, suspects=INSTANCES, metrics=pd.concat([
        metrics.assign(instance=metrics["service"] + f"-{n}") for n, metrics in both.items()]))


@lru_cache(maxsize=32)
def _made(seed: int, culprit: str) -> Case:
    rng = np.random.default_rng(seed)
    cut, end = (_T0 + pd.Timedelta(seconds=s) for s in (NORMAL_S, NORMAL_S + ABNORMAL_S))
    spans = _spans(rng, culprit)
    return Case(normal=((_T0, cut),), abnormal=(cut, end), metrics=_metrics(rng, culprit),
                traces=spans, logs=_logs(spans), entry_service=ENTRY,
                topology=pd.DataFrame(CALLS, columns=["caller", "callee"]),
                symptom={"service": ENTRY, "metric": "latency", "direction": "up"})


def _metrics(rng: np.random.Generator, culprit: str) -> pd.DataFrame:
    n = NORMAL_S + ABNORMAL_S
    times, late = pd.date_range(_T0, periods=n, freq="s"), np.arange(n) >= NORMAL_S
    parts, latency = [], {}
    for service in SERVICES:
        guilty = late * (service == culprit)
        latency[service] = rng.normal(10, 0.5, n) + 10 * guilty
        level = {"cpu": rng.normal(0.5, 0.02, n) + 0.6 * guilty,
                 "memory": rng.normal(2e8, 1e6, n),
                 "retries": (rng.random(n) < 0.1) * rng.integers(1, 4, n).astype(float),
                 "restarts": (np.arange(n) == rng.integers(NORMAL_S, n)).astype(float)}
        parts += [_column(times, service, *each) for each in level.items()]
    for caller, callee in reversed(CALLS):
        latency[caller] = latency[caller] + 0.6 * latency[callee]
    return pd.concat([*parts, *(_column(times, service, "latency", values)
                                for service, values in latency.items())], ignore_index=True)


def _column(times: pd.DatetimeIndex, service: str, name: str, values: np.ndarray) -> pd.DataFrame:
    unit = {"memory": "By", "latency": "ms"}.get(name, "1")
    return pd.DataFrame({"time": times, "service": service, "name": name, "value": values,
                         "unit": unit})


def _spans(rng: np.random.Generator, culprit: str) -> pd.DataFrame:
    """A request a second; times in ms from its start, made from the leaves up."""
    n = NORMAL_S + ABNORMAL_S
    late = np.arange(n) >= NORMAL_S
    taken = {ENTRY: np.full(n, True)}
    for caller, callee in CALLS:
        taken[callee] = taken[caller] & (rng.random(n) < 0.7)
    own = {s: rng.gamma(4, 2.5, n) + 100 * (late & (s == culprit)) for s in SERVICES}
    failed = {s: late & taken[s] & (s == culprit) & (rng.random(n) < 1 / 3) for s in SERVICES}
    whole = dict(own)
    for caller, callee in reversed(CALLS):
        whole[caller] = whole[caller] + (whole[callee] + 1) * taken[callee]
        failed[caller] = failed[caller] | failed[callee]
    begins, spent = {ENTRY: np.zeros(n)}, {s: own[s] / 4 for s in SERVICES}
    parts = [_kind(n, taken[ENTRY], ENTRY, "server", begins[ENTRY], whole[ENTRY], failed[ENTRY])]
    for caller, callee in CALLS:
        at = begins[caller] + spent[caller]
        spent[caller] = spent[caller] + (whole[callee] + 1) * taken[callee]
        begins[callee] = at + 0.5
        parts += [_kind(n, taken[callee], caller, "client", at, whole[callee] + 1,
                        failed[callee], callee, caller),
                  _kind(n, taken[callee], callee, "server", at + 0.5, whole[callee],
                        failed[callee], None, f"{caller}>{callee}")]
    return pd.concat(parts, ignore_index=True)


def _kind(n: int, taken: np.ndarray, service: str, kind: str, at: np.ndarray, ms: np.ndarray,
          failed: np.ndarray, peer: str | None = None, parent: str | None = None) -> pd.DataFrame:
    """The spans of one kind; a span's id within its trace is its place in the tree."""
    number = np.arange(n)
    place = {name: f"{i:08x}" for i, name in enumerate(
        [*SERVICES, *(f"{a}>{b}" for a, b in CALLS)])}
    start = _T0 + pd.to_timedelta(number, unit="s") + pd.to_timedelta(at, unit="ms")
    made = pd.DataFrame({
        "trace_id": [f"{i:016x}" for i in number],
        "span_id": place[f"{service}>{peer}" if peer else service],
        "parent_span_id": place[parent] if parent else None, "service": service,
        "operation": f"shop.{peer or service}/Handle", "start": start.astype(
            "datetime64[ns, UTC]"),
        "duration_ns": (ms * 1e6).astype("int64"), "kind": kind,
        "status_code": np.where(failed, "error", "ok"), "peer_service": peer})
    return made.astype({"parent_span_id": "object", "peer_service": "object"})[taken]


def _logs(spans: pd.DataFrame) -> pd.DataFrame:
    served = spans[spans["kind"] == "server"].reset_index(drop=True)
    failed = served["status_code"].eq("error")
    number = served.index.astype(str)
    said = served["service"] + np.where(failed, " gave up on request ", " took request ") + number
    return pd.DataFrame({
        "time": served["start"] + pd.to_timedelta(served["duration_ns"] // 2, unit="ns"),
        "service": served["service"], "severity_number": np.where(failed, 17, 9), "body": said,
        "trace_id": served["trace_id"], "span_id": served["span_id"]})


def renamed(case: Case, names: Mapping[str, str]) -> Case:
    """The same Case with services called otherwise, also within operations and log lines."""
    tables: dict[str, Any] = {}
    for table, frame in case.tables.items():
        new = {c: frame[c].map(lambda name: names.get(name, name)) for c in _NAMED if c in frame}
        new |= {c: _rewritten(frame[c], names) for c in _WRITTEN if c in frame}
        tables[table] = frame.assign(**new)
    told = case.symptom and {**case.symptom, "service": names.get(
        case.symptom["service"], case.symptom["service"])}
    entry = case.entry_service and names.get(case.entry_service, case.entry_service)
    return replace(case, **tables, suspects=tuple(names.get(s, s) for s in case.suspects),
                   symptom=told, entry_service=entry)


def _rewritten(texts: pd.Series, names: Mapping[str, str]) -> pd.Series:
    """Whole words that are names, replaced at once, so that two may change places."""
    words = re.compile("|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in sorted(
        names, key=len, reverse=True)))
    new = {text: words.sub(lambda found: names[found[0]], text)
           for text in texts.dropna().unique()}
    return texts.map(new)


def alike(case: Case) -> Case:
    """The same Case where every service has the telemetry of one, and nobody calls another."""
    one, tables = SERVICES[0], {}
    for table in ("metrics", "traces", "logs"):
        frame = getattr(case, table)
        own = frame[frame["service"] == one]
        if table == "traces":
            own = own[own["kind"] == "server"].assign(parent_span_id=None)
        tables[table] = pd.concat([_copied(own, one, service) for service in SERVICES])
    return replace(case, **tables, topology=pd.DataFrame(
        {"caller": SERVICES, "callee": SERVICES}))


def _copied(own: pd.DataFrame, one: str, service: str) -> pd.DataFrame:
    new: dict[str, Any] = {"service": service}
    new |= {c: _rewritten(own[c], {one: service}) for c in _WRITTEN if c in own}
    if "trace_id" in own:
        new["trace_id"] = service + own["trace_id"]
    return own.assign(**new)


def later(case: Case, by: pd.Timedelta) -> Case:
    """The same Case at another time."""
    tables: dict[str, Any] = {name: frame.assign(**{
        c: frame[c] + by for c in ("time", "start") if c in frame})
        for name, frame in case.tables.items()}
    return replace(case, **tables, normal=tuple((a + by, b + by) for a, b in case.normal),
                   abnormal=(case.abnormal[0] + by, case.abnormal[1] + by), detected_at=None)


def recoded(case: Case, seed: int) -> Case:
    """The same Case with other ids of traces and spans."""
    rng = np.random.default_rng(seed)
    assert case.traces is not None
    new = {c: {old: f"{number:016x}" for old, number in zip(
        old_ids, rng.permutation(10**6)[:len(old_ids)], strict=True)}
        for c in ("trace_id", "span_id") for old_ids in [sorted(case.traces[c].unique())]}
    new["parent_span_id"] = new["span_id"]
    tables: dict[str, Any] = {name: frame.assign(**{c: frame[c].map(new[c]) for c in new
                                                    if c in frame})
                              for name, frame in case.tables.items()}
    return replace(case, **tables)
