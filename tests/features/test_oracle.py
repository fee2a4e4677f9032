"""The feature row by SQL against an oracle in plain pandas, over made requests in a real lake."""

import math
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aiops import features, lake
from aiops.errors import InputError
from aiops.otlp import decode
from tests import sent

START = 1_700_000_000_000_000_000  # a multiple of 5 s
WINDOW_NS = 5_000_000_000
SERVICES = ("cart", "gateway", "shipping")

SPANS = st.lists(
    st.tuples(st.sampled_from(SERVICES),
              st.integers(0, 4 * WINDOW_NS - 1) | st.sampled_from([0, WINDOW_NS - 1, WINDOW_NS]),
              st.integers(1, 10**10), st.booleans(), st.booleans()),
    min_size=1, max_size=30)


def request(spans):
    """Server spans; one that was called is the child of a client span of the gateway."""
    made = []
    for number, (service, offset, duration, failed, called) in enumerate(spans, 1):
        about = {"failed": failed, "trace_id": number.to_bytes(16), "name": "op"}
        caller = (number * 2 + 1).to_bytes(8) if called else b""
        if called:
            made.append(sent.span("gateway", START + offset, duration, kind=sent.CLIENT,
                                  span_id=caller, **about))
        made.append(sent.span(service, START + offset, duration, kind=sent.SERVER,
                              span_id=(number * 2).to_bytes(8), parent_span_id=caller, **about))
    return sent.traces(made)


def by_sql(spans, compute):
    with tempfile.TemporaryDirectory() as made:
        opened = lake.open(Path(made) / "lake")
        opened.append(decode("traces", request(spans)))
        return compute(opened.connection)


def frame(spans):
    made = pd.DataFrame(spans, columns=["service", "offset", "duration", "failed", "called"])
    made["window"] = made.offset // WINDOW_NS
    return made


def requests(spans):
    """What counts as a request: roots of any kind for a service that serves nobody."""
    served = frame(spans)
    if "gateway" in set(served.service):
        return served
    return pd.concat([served, served[served.called].assign(service="gateway")])


def nearest_rank(values, q):
    return sorted(values)[max(1, math.ceil(q * len(values) - 1e-9)) - 1]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(SPANS)
def test_counts_and_latency_are_those_of_pandas(spans):
    table = by_sql(spans, lambda connection: features.windows(connection, 5.0))
    features.check(table)
    rows = table.to_pandas()
    rows["window"] = (rows.window_start.dt.as_unit("ns").astype("int64") - START) // WINDOW_NS
    told = rows[rows.request_count > 0].set_index(["service", "window"])
    asked = requests(spans).groupby(["service", "window"])
    assert set(told.index) == set(asked.groups)
    for key, group in asked:
        row, durations = told.loc[key], group.duration.tolist()
        assert (row.request_count, row.error_count) == (len(group), group.failed.sum())
        assert row.request_rate_per_s == pytest.approx(len(group) / 5)
        assert row.error_rate == pytest.approx(group.failed.mean())
        assert row.latency_sum_ns == sum(durations)
        assert row.latency_p50_ms == nearest_rank(durations, 0.5) / 1e6
        assert row.latency_p99_ms == nearest_rank(durations, 0.99) / 1e6
        expected = np.bincount(np.minimum(np.searchsorted(features.bounds_ns(), durations), 159),
                               minlength=160)
        assert row.latency_histogram.tolist() == expected.tolist()


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(SPANS)
def test_edges_are_those_of_pandas(spans):
    table = by_sql(spans, lambda connection: features.topology(connection, 5.0))
    rows = table.to_pandas()
    told = {(r.callee, (r.window_start.value - START) // WINDOW_NS): (r.call_count, r.error_count)
            for r in rows.itertuples() if r.caller == "gateway"}
    made = frame(spans)
    crossed = made[made.called & (made.service != "gateway")]
    assert told == {key: (len(group), group.failed.sum())
                    for key, group in crossed.groupby(["service", "window"])}
    assert set(rows.caller) <= {"gateway"}


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(SPANS)
def test_merged_windows_read_quantiles_within_the_stated_error(spans):
    merged = by_sql(spans, lambda connection: features.merge(
        features.windows(connection, 5.0), 1_700_000_000.0)).to_pandas().set_index("service")
    for service, group in requests(spans).groupby("service"):
        row = merged.loc[service]
        assert row.request_count == len(group)
        exact = nearest_rank(group.duration, 0.95) / 1e6
        assert abs(row.latency_p95_ms - exact) <= max(0.059 * exact, 0.005)


def test_what_the_telemetry_lacks_is_null():
    table = by_sql([("cart", 0, 10, False, False)], lambda c: features.windows(c, 5.0))
    row = table.to_pandas().iloc[0]
    for column in ("cpu_cores", "memory_bytes", "network_in_bytes_per_s", "log_count", "region"):
        assert pd.isna(row[column]), column


def test_the_calendar_follows_the_stated_time_zone():
    def hour(timezone):
        table = by_sql([("cart", 0, 10, False, False)],
                       lambda c: features.windows(c, 5.0, timezone=timezone))
        return table["hour_of_day"][0].as_py()
    assert (hour("UTC"), hour("Asia/Tokyo")) == (22, 7)  # 2023-11-14 22:13:20 UTC


def test_a_broken_invariant_is_refused():
    table = by_sql([("cart", 0, 10, False, False)], lambda c: features.windows(c, 5.0))
    at = table.schema.get_field_index("error_rate")
    broken = table.set_column(at, table.schema.field(at), pa.array([1.5]))
    with pytest.raises(InputError, match="error_rate"):
        features.check(broken)
