"""The frames a Detector takes: its columns, null as nan, and no window that nobody was heard in."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from aiops import features, schema
from aiops.errors import InputError, SchemaError
from tests.features.telemetry import S, lake, point, span, word

W = 5 * S


@pytest.fixture(scope="module")
def table():
    """a is heard in windows 0 and 3, b in 1: nobody is in 2."""
    return features.windows(lake(
        spans=[span(0, "a", 0, status="error"), span(1, "b", W), span(2, "a", 3 * W)],
        metrics=[point(0, "process.memory.usage", 3 * W, 64.0, type="gauge", temporality=None),
                 point(1, "process.cpu.time", 3 * W, 1.0, start=3 * W - W, temporality=1)],
        metric_attributes=[word(1, "cpu.mode", "user")]), 5)


def at(window):
    return pd.Timestamp(window * W, tz="UTC")


def test_a_model_frame_is_one_service_in_order_of_time(table):
    shuffled = table.take(np.random.default_rng(0).permutation(len(table)))
    for given in (table, shuffled):
        frame = features.model_frame(given, "a")
        assert tuple(frame.columns) == schema.MODEL_FEATURES
        assert set(frame.dtypes) == {np.dtype("float64")}
        assert frame.index.name == "window_start"
        assert frame.index.tolist() == [at(0), at(1), at(3)]


def test_null_is_nan_and_zero_is_zero(table):
    frame = features.model_frame(table, "a")
    assert frame["request_rate_per_s"].tolist() == [0.2, 0.0, 0.2]
    assert frame["error_rate"].tolist()[::2] == [1.0, 0.0]
    assert np.isnan(frame["error_rate"].iloc[1])
    assert frame["memory_growth_bytes_per_s"].isna().all()  # no level in the window before
    assert frame["log_count"].isna().all()


def test_neither_the_clock_nor_what_merges_reaches_a_model(table):
    columns = set(features.model_frame(table, "a"))
    assert not columns & {*schema.CALENDAR, "timezone", "window_s", "latency_sum_ns",
                          "latency_histogram", "service_version", "region", "tenant"}


def test_a_system_frame_has_a_column_for_each_service_and_feature_that_is_ever_there(table):
    frame = features.system_frame(table)
    assert frame.index.tolist() == [at(0), at(1), at(3)]
    assert frame.columns.tolist() == sorted(frame.columns)
    for name in frame.columns:
        service, feature = name.split(":")
        expected = features.model_frame(table, service)[feature]
        pd.testing.assert_series_equal(frame[name], expected, check_names=False, check_freq=False)
    assert "a:cpu_cores" in frame
    assert "b:cpu_cores" not in frame
    assert "a:log_count" not in frame


def test_a_service_that_is_not_there_is_an_error_that_names_those_that_are(table):
    with pytest.raises(InputError, match=r"one of \['a', 'b'\], got 'c'"):
        features.model_frame(table, "c")


@pytest.mark.parametrize("make", [lambda t: features.model_frame(t, "a"), features.system_frame])
def test_a_table_that_lacks_a_column_is_refused(table, make):
    with pytest.raises(SchemaError, match=r"lack \['error_rate'\]"):
        make(table.drop_columns("error_rate"))


def test_neither_the_clock_nor_a_counter_since_start_reaches_a_model() -> None:
    """A service that does the same in every window looks the same in every window."""
    windows, w = range(1, 41), W
    midnight = 1_767_225_600 * S - 20 * w  # the 20th window begins a year, a month, a day
    counters = {"process.cpu.time": ("cpu.mode", "user"),
                "process.disk.io": ("disk.io.direction", "read"),
                "process.network.io": ("network.io.direction", "receive")}
    points, words = [], []
    for n in windows:
        for name, (key, value) in counters.items():
            words.append(word(len(points), key, value))
            points.append(point(len(points), name, midnight + n * w, n * 2.5, start=midnight,
                                temporality=2))
        points.append(point(len(points), "process.memory.usage", midnight + n * w, 1e8,
                            type="gauge", temporality=None))
    made = lake(
        spans=[span(3 * n + k, "a", midnight + n * w + k) for n in windows for k in range(3)],
        logs=[{"row_id": n, "service_name": "a", "resource_id": 1, "time": midnight + n * w,
               "severity_number": 13} for n in windows],
        metrics=points, metric_attributes=words)
    rows = features.model_rows(features.windows(made, 5))
    later = rows[rows["window_start"] > rows["window_start"].min()]  # which sets the counters' base
    assert len(later) == 39
    seen = later[list(schema.MODEL_FEATURES)].dropna(axis=1, how="all")
    assert {"cpu_cores", "disk_read_bytes_per_s", "network_in_bytes_per_s",
            "memory_growth_bytes_per_s", "latency_p99_ms", "log_warn_count"} <= set(seen)
    assert (seen.max() - seen.min()).max() == pytest.approx(0.0, abs=1e-9)
    assert not set(schema.CALENDAR) & set(rows)
