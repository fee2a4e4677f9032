"""The feature row: golden outcomes, and a plain oracle over generated telemetry."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiops import features
from aiops.errors import InputError
from tests.features.telemetry import S, lake, point, span, word

W = 5 * S


def rows(connection, **arguments) -> pd.DataFrame:
    table = features.windows(connection, 5, **arguments)
    frame = table.to_pandas()
    frame["w"] = frame["window_start"].astype("int64") // W
    return frame.set_index(["service", "w"])


def test_a_span_belongs_to_the_window_in_which_it_starts_to_the_nanosecond():
    got = rows(lake(spans=[span(0, "a", 2 * W), span(1, "a", 2 * W - 1, 9 * S),
                           span(2, "a", 3 * W - 1, status="error")]))
    assert got["request_count"].to_dict() == {("a", 1): 1, ("a", 2): 2}
    assert got["error_rate"].to_dict() == {("a", 1): 0.0, ("a", 2): 0.5}
    assert got["request_rate_per_s"].tolist() == [0.2, 0.4]
    assert got["latency_p50_ms"].tolist() == [9000.0, 1.0]


def test_a_silent_service_has_a_row_that_says_so_and_an_unheard_window_counts_nothing():
    got = rows(lake(spans=[span(0, "a", 0), span(1, "b", W), span(2, "a", 3 * W)]))
    assert got["request_count"].loc["b"].tolist()[:2] == [0, 1]
    assert got["request_count"].loc["a"].isna().tolist() == [False, False, True, False]
    assert got.loc[("b", 0), ["latency_p50_ms", "error_rate", "latency_sum_ns"]].isna().all()
    assert got["log_count"].isna().all()


def test_requests_are_roots_of_any_kind_only_where_a_service_has_no_server_span():
    got = rows(lake(spans=[span(0, "job", 0, kind="internal"),
                           span(1, "job", 0, kind="internal", parent="0"),
                           span(2, "web", 0, kind="internal"), span(3, "web", W)]))
    assert got["request_count"].to_dict() == {
        ("job", 0): 1, ("job", 1): 0, ("web", 0): 0, ("web", 1): 1}


def test_logs_count_by_severity_number():
    levels = [0, 1, 4, 5, 9, 12, 13, 17, 20, 21, 24, None]
    got = rows(lake(logs=[{"row_id": i, "service_name": "a", "resource_id": 1, "time": 7,
                           "severity_number": n} for i, n in enumerate(levels)])).iloc[0]
    assert got.filter(like="log_").tolist() == [12, 2, 1, 2, 1, 2, 2]
    assert np.isnan(got["request_count"])


def test_cpu_sums_states_and_leaves_waiting_out():
    modes = {0: "user", 1: "system", 2: "wait"}
    got = rows(lake(
        metrics=[point(i, "process.cpu.time", W + 1, v, start=1)
                 for i, v in enumerate([2.0, 0.5, 40.0])],
        metric_attributes=[word(i, "cpu.mode", m) for i, m in modes.items()]))
    assert got.loc[("a", 1), "cpu_cores"] == pytest.approx(0.5)


def test_a_cumulative_counter_gives_its_steps_and_survives_a_reset():
    values = [(1, 100.0, 0), (2, 105.0, 0), (3, 107.5, 0), (4, 1.0, 0), (5, 6.0, 4 * W + 3 * S)]
    got = rows(lake(metrics=[
        point(i, "process.cpu.time", n * W, v, start=start, temporality=2)
        for i, (n, v, start) in enumerate(reversed(values))]))
    # 5: begun again 2 s before: 6 CPU seconds in 2 s
    assert got["cpu_cores"].dropna().tolist() == pytest.approx([1.0, 0.5, 0.2, 3.0])
    assert np.isnan(got.loc[("a", 1), "cpu_cores"])


def test_memory_is_the_mean_of_each_process_summed():
    got = rows(lake(metrics=[
        point(0, "process.memory.usage", 1, 10, type="gauge", temporality=None),
        point(1, "process.memory.usage", 2, 30, type="gauge", temporality=None),
        point(2, "process.memory.usage", 2, 5, type="gauge", temporality=None, resource=2)]))
    assert got["memory_bytes"].tolist() == [25.0]


def test_memory_grows_since_the_window_before_and_no_other():
    got = rows(lake(metrics=[
        point(n, "process.memory.usage", window * W, value, type="gauge", temporality=None)
        for n, (window, value) in enumerate([(0, 10), (1, 60), (2, 35), (4, 90)])]))
    growth = got["memory_growth_bytes_per_s"].dropna().to_dict()
    assert growth == {("a", 1): 10.0, ("a", 2): -5.0}


def test_disk_and_network_by_direction_from_the_process_else_from_its_system():
    got = rows(lake(
        metrics=[point(0, "process.disk.io", W, 50, start=0),
                 point(1, "system.disk.io", W, 5e6, start=0),
                 point(2, "system.disk.io", W, 5e3, start=0),
                 point(3, "system.network.io", W, 500, start=0),
                 point(4, "system.network.io", W, 250, start=0)],
        metric_attributes=[word(0, "disk.io.direction", "read"),
                           word(1, "disk.io.direction", "read"),
                           word(2, "disk.io.direction", "write"),
                           word(3, "network.io.direction", "receive"), word(3, "device", "x"),
                           word(4, "network.io.direction", "receive"), word(4, "device", "y")]))
    row = got.loc[("a", 1)]
    assert (row["disk_read_bytes_per_s"], row["disk_write_bytes_per_s"]) == (10, 1000)
    assert row["network_in_bytes_per_s"] == 150
    assert np.isnan(row["network_out_bytes_per_s"])


def test_versions_of_a_canary_and_dimensions_of_the_resource():
    got = rows(lake(
        spans=[span(0, "a", 0), span(1, "a", 1), span(2, "b", 0, resource=2)],
        resources=[{"resource_id": 1, "service_version": "1.4"}, {"resource_id": 2}],
        resource_attributes=[{"resource_id": 1, "key": "cloud.region", "string": "eu"},
                             {"resource_id": 1, "key": "tenant.id", "string": "t"}],
        span_attributes=[word(1, "service.version", "1.5")]))
    dimensions = ["service_version", "region", "tenant"]
    assert got.loc[("a", 0), dimensions].tolist() == ["1.4,1.5", "eu", "t"]
    assert got.loc[("b", 0), dimensions].isna().all()


def test_dependencies_are_those_of_the_window():
    got = rows(lake(spans=[span(0, "a", 0, kind="client"), span(1, "b", 1, parent="0"),
                           span(2, "a", W)]))
    assert got.loc[("a", 0), "downstream_services"].tolist() == ["b"]
    assert got.loc[("b", 0), "upstream_services"].tolist() == ["a"]
    assert got["dependency_count"].to_dict() == {
        ("a", 0): 1, ("a", 1): 0, ("b", 0): 0, ("b", 1): 0}


def test_a_range_takes_whole_windows_and_changes_no_row():
    connection = lake(spans=[span(i, "ab"[i % 2], i * S, 1000 * i) for i in range(40)])
    whole = rows(connection)
    start, end = (pd.Timestamp(s, unit="s", tz="UTC") for s in (12, 21))
    part = rows(connection, start=start, end=end)
    assert sorted(set(part.index.get_level_values("w"))) == [2, 3, 4]
    pd.testing.assert_frame_equal(part, whole.loc[part.index])


@pytest.mark.parametrize(("arguments", "told"), [
    ({"start": pd.Timestamp("2026-01-01")}, "time zone"), ({"timezone": "Mars/Base"}, "IANA"),
    ({"start": pd.Timestamp(9, tz="UTC"), "end": pd.Timestamp(8, tz="UTC")}, "before start"),
    ({"end": pd.Timestamp("2026-01-01", tz="UTC")}, "wrong clock")])
def test_a_bad_argument_is_refused(arguments, told):
    with pytest.raises(InputError, match=told):
        rows(lake(spans=[span(0, "a", 0)]), **arguments)


def test_a_window_length_must_be_positive():
    with pytest.raises(InputError, match="positive"):
        features.windows(lake(), 0)


def test_an_empty_lake_gives_an_empty_table():
    assert len(features.windows(lake(), 5)) == 0


spans = st.lists(st.tuples(
    st.sampled_from("abc"), st.integers(0, 4 * W), st.integers(0, 700 * S),
    st.sampled_from(["server", "consumer", "client", "internal"]),
    st.sampled_from(["unset", "ok", "error"]), st.sampled_from([None, "ff"])), max_size=40)


@settings(max_examples=60, deadline=None)
@given(spans)
def test_traffic_and_latency_agree_with_a_plain_oracle(drawn):
    got = rows(lake(spans=[span(i, s, t, d, kind=k, status=e, parent=p)
                           for i, (s, t, d, k, e, p) in enumerate(drawn)]))
    frame = pd.DataFrame(drawn, columns=["service", "t", "d", "kind", "status", "parent"])
    frame["w"] = [t // W for t in frame["t"]]
    assert set(got.index.get_level_values("service")) == set(frame["service"])
    for (service, w), row in got.iterrows():
        own = frame[frame["service"] == service]
        serving = own[own["kind"].isin(["server", "consumer"])]
        requests = serving if len(serving) else own[own["parent"].isna()]
        requests = requests[requests["w"] == w]
        if not (frame["w"] == w).any():
            assert np.isnan(row["request_count"])
            continue
        assert row["request_count"] == len(requests)
        assert row["error_count"] == sum(requests["status"] == "error")
        if len(requests):
            want = np.quantile(requests["d"], [0.5, 0.95, 0.99], method="inverted_cdf") / 1e6
            assert row.filter(like="latency_p").tolist() == want.tolist()
            places = np.searchsorted(features.bounds_ns(), requests["d"]).clip(max=159)
            assert row["latency_histogram"].tolist() == np.bincount(places, minlength=160).tolist()


def test_windows_wholly_inside_the_spans_alone_have_rows():
    made = lake(spans=[span(n, "a", n * W) for n in range(12)])
    at = [pd.Timestamp(s, unit="s", tz="UTC") for s in range(61)]
    whole, within = rows(made), rows(made, within=[(at[31], at[45]), (at[0], at[12])])
    assert within.index.get_level_values("w").tolist() == [0, 1, 7, 8]
    pd.testing.assert_frame_equal(within, whole.loc[within.index])
    assert rows(made, within=[(at[1], at[9])]).empty
    with pytest.raises(InputError, match="must not overlap"):
        rows(made, within=[(at[0], at[20]), (at[19], at[40])])


def test_a_gap_within_a_span_is_refused():
    made = lake(spans=[span(n, s, n * W) for n, s in enumerate("aabb")])
    at = [pd.Timestamp(s, unit="s", tz="UTC") for s in range(61)]
    spans = [(at[0], at[10]), (at[15], at[20])]
    table = features.windows(made, 5, within=spans)
    assert features.check(table, spans) is table
    with pytest.raises(InputError, match="a gap needs a row"):
        features.check(table.slice(1), spans)
    with pytest.raises(InputError, match="wholly inside a span"):
        features.check(table, spans[:1])
