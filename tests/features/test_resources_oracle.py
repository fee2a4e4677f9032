"""Counters, memory, logs and dimensions by SQL against plain oracles, over made telemetry."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiops import features
from aiops.schema import SEVERITIES
from tests.features.telemetry import S, lake, point, word

W = 5 * S
GENERATED = settings(max_examples=25, deadline=None)


def rows(connection) -> pd.DataFrame:
    frame = features.windows(connection, 5).to_pandas()
    frame["w"] = frame["window_start"].astype("int64") // W
    return frame.set_index(["service", "w"])


class Series(NamedTuple):
    """A counter of one process: what it grew by from report to report."""

    service: str
    process: int
    told: str  # mode or direction
    cumulative: bool
    steps: list  # (seconds since the last report, growth, begun anew meanwhile)


def series(told):
    return st.lists(
        st.builds(Series, st.sampled_from("ab"), st.integers(1, 2), st.sampled_from(told),
                  st.booleans(), st.lists(st.tuples(
                      st.integers(1, 9 * S), st.floats(0, 1e6), st.booleans()),
                      min_size=1, max_size=6)),
        max_size=4, unique_by=lambda s: (s.service, s.process, s.told))


class Report(NamedTuple):
    time: int
    begun: int
    value: float
    grown: float  # over covered_ns
    covered_ns: int


def reports(one: Series):
    """What the process sends, and the growth that each report tells of."""
    time, begun, total = S, S, 0.0
    for number, (gap, growth, anew) in enumerate(one.steps):
        since, time = time, time + gap
        anew = anew and gap > 1
        begun = time - gap // 2 if anew else begun
        total = growth if anew else total + growth
        # A sum kept in floats: what the reports differ by is not quite what was added.
        grown = growth if anew else total - (total - growth)
        if not one.cumulative:
            yield Report(time, since, growth, growth, gap)
        elif number:
            yield Report(time, begun, total, grown, time - (begun if anew else since))
        else:
            yield Report(time, begun, total, math.nan, 0)  # sets the base


def sent(name, key, drawn, first_row=0):
    """Points and attributes of all series, and (service, w, told, series) -> rate a second."""
    points, attributes, grown, covered = [], [], defaultdict(float), defaultdict(int)
    for one in drawn:
        for report in reports(one):
            row_id = first_row + len(points)
            points.append(point(row_id, name, report.time, report.value, start=report.begun,
                                service=one.service, resource=one.process,
                                temporality=2 if one.cumulative else 1))
            attributes.append(word(row_id, key, one.told))
            if report.covered_ns:
                at = (one.service, report.time // W, one.told, one.process)
                grown[at] += report.grown
                covered[at] += report.covered_ns
    return points, attributes, {at: grown[at] / covered[at] * S for at in grown}


def total(rates, told):
    """Rates summed over series, for those that tell one of these."""
    out: dict = defaultdict(float)
    for (service, w, said, _), rate in rates.items():
        if said in told:
            out[service, w] += rate
    return dict(out)


def same(got: pd.Series, want: dict):
    assert {at for at, value in got.items() if not np.isnan(value)} == set(want)
    for at, value in want.items():
        assert got[at] == pytest.approx(value, rel=1e-6, abs=1e-3), at


@GENERATED
@given(series(["user", "system", "wait", "idle", "iowait"]))
def test_cpu_agrees_with_an_oracle(drawn):
    points, attributes, rates = sent("process.cpu.time", "cpu.mode", drawn)
    got = rows(lake(metrics=points, metric_attributes=attributes))
    same(got["cpu_cores"], total(rates, {"user", "system"}))


@GENERATED
@given(series(["read", "write"]), series(["read", "write"]))
def test_disk_agrees_with_an_oracle_and_the_system_speaks_where_no_process_does(own, hosts):
    points, attributes, rates = sent("process.disk.io", "disk.io.direction", own)
    more, told, of_host = sent("system.disk.io", "disk.io.direction", hosts, len(points))
    got = rows(lake(metrics=points + more, metric_attributes=attributes + told))
    for direction in ("read", "write"):
        want = total(of_host, {direction}) | total(rates, {direction})
        same(got[f"disk_{direction}_bytes_per_s"], want)


@GENERATED
@given(st.lists(st.tuples(
    st.sampled_from("ab"), st.integers(1, 3), st.integers(0, 4 * W), st.floats(0, 1e12),
    st.sampled_from(["gauge", "cumulative", "delta"])), max_size=20))
def test_memory_agrees_with_an_oracle(drawn):
    got = rows(lake(metrics=[
        point(i, "process.memory.usage", t, value, service=service, resource=process,
              type="gauge" if kind == "gauge" else "sum",
              temporality={"gauge": None, "cumulative": 2, "delta": 1}[kind])
        for i, (service, process, t, value, kind) in enumerate(drawn)]))
    frame = pd.DataFrame(drawn, columns=["service", "process", "t", "value", "kind"])
    frame["w"] = [t // W for t in frame["t"]]
    levels = frame[frame["kind"] != "delta"]  # a difference is no level
    means = levels.groupby(["service", "w", "process"])["value"].mean()
    same(got["memory_bytes"], means.groupby(["service", "w"]).sum().to_dict())


@GENERATED
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 4 * W),
                          st.none() | st.integers(-1, 30)), max_size=30),
       st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 4 * W)), max_size=5))
def test_logs_agree_with_an_oracle(drawn, others):
    got = rows(lake(
        logs=[{"row_id": i, "service_name": service, "time": t, "severity_number": severity}
              for i, (service, t, severity) in enumerate(drawn)],
        metrics=[point(i, "other", t, 1.0, service=service)
                 for i, (service, t) in enumerate(others)]))
    heard = {t // W for _, t, *_ in [*drawn, *others]}
    speaking = {service for service, *_ in drawn}
    for (service, w), row in got.iterrows():
        levels = [severity for s, t, severity in drawn if s == service and t // W == w]
        counts = [row["log_count"], *(row[f"log_{level}_count"] for level in SEVERITIES)]
        if w not in heard or service not in speaking:
            assert np.isnan(counts).all()
            continue
        known = [(n - 1) // 4 for n in levels if n is not None and 1 <= n <= 24]
        assert counts == [len(levels), *np.bincount(known, minlength=6)]


@GENERATED
@given(st.dictionaries(st.integers(1, 3), st.tuples(*[
           st.none() | st.sampled_from(["1.9", "1.10", "x"])] * 3), max_size=3),
       st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 3), st.integers(0, 3 * W),
                          st.sampled_from(["span", "log", "metric"]),
                          st.none() | st.sampled_from(["2.0", "1.9"])), max_size=12))
def test_dimensions_agree_with_an_oracle(resources, drawn):
    """Version, region and tenant of every resource heard; of a span, the version it names."""
    tables = {"span": [], "log": [], "metric": []}
    named, want = [], defaultdict(lambda: (set(), set(), set()))
    for i, (service, resource, t, signal, version) in enumerate(drawn):
        about = {"row_id": i, "service_name": service, "resource_id": resource,
                 "start_time" if signal == "span" else "time": t}
        if signal == "span":
            about |= {"duration_ns": 1, "kind": "client", "status_code": "unset"}
        tables[signal].append(about)
        if version:
            named.append(word(i, "service.version", version))
        told = [{value} for value in resources.get(resource, (None,) * 3)]
        told[0] |= {version} if signal == "span" else set()
        for seen, values in zip(want[service, t // W], told, strict=True):
            seen |= values - {None}
    got = rows(lake(
        spans=tables["span"], logs=tables["log"], metrics=tables["metric"],
        span_attributes=[a for a in named if drawn[a["row_id"]][3] == "span"],
        resources=[{"resource_id": id, "service_version": v[0]} for id, v in resources.items()],
        resource_attributes=[
            {"resource_id": id, "key": key, "string": value} for id, v in resources.items()
            for key, value in zip(["cloud.region", "tenant.id"], v[1:], strict=True) if value]))
    for at, row in got.iterrows():
        expected = [",".join(sorted(seen)) or None for seen in want[at]]
        read = [row[name] if isinstance(row[name], str) else None
                for name in ("service_version", "region", "tenant")]
        assert read == expected, at
