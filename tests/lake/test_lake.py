"""The lake: what was sent is what SQL and the Case show; appends are all or none."""

import subprocess
import sys
from dataclasses import replace

import pandas as pd
import pytest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

import aiops.lake
import aiops.rca
from aiops import features
from aiops.errors import CaseError, InputError, SchemaError
from aiops.evidence import spans as evidence
from aiops.lake.store import Store
from aiops.otlp import decode
from aiops.rca import traversal
from aiops.schema import LAKE
from aiops.workflows import incident_report
from tests import sent

START = 1_790_000_000_123_456_789


def traces(trace=b"\x01" * 16):
    """a calls b, and a database that sends no spans."""
    spans = [("a", 1, b"", sent.CLIENT, {"peer.service": "b"}),
             ("b", 2, b"\x01" * 8, sent.SERVER, {}),
             ("a", 3, b"", sent.CLIENT, {"peer.service": "db"})]
    return sent.traces(sent.span(
        service, START + number, number, trace_id=trace, span_id=bytes([number]) * 8,
        parent_span_id=parent, kind=kind, name="s", told=told)
        for service, number, parent, kind, told in spans)


@pytest.fixture
def lake(tmp_path):
    return aiops.lake.open(tmp_path / "lake")


def test_every_view_exists_in_an_empty_lake(lake):
    for table, schema in LAKE.items():
        frame = lake.sql(f"SELECT * FROM {table}")
        assert frame.columns.tolist() == schema.names
        assert frame.empty
    assert lake.info()["services"] == []


def test_views_show_hex_words_and_nanoseconds(lake):
    lake.append(decode("traces", traces()))
    first = lake.sql("SELECT * FROM spans ORDER BY row_id").iloc[0]
    assert first["trace_id"] == "01" * 16
    assert first["span_id"] == "01" * 8
    assert pd.isna(first["parent_span_id"])
    assert (first["kind"], first["status_code"]) == ("client", "unset")
    assert first["start_time"] == pd.Timestamp(START + 1, tz="UTC")
    assert first["start_time"].nanosecond == 790
    filtered = lake.sql(f"SELECT * FROM spans WHERE epoch_ns(start_time) = {START + 2}")
    assert filtered["service_name"].tolist() == ["b"]


def test_row_ids_join_attributes_after_many_appends(lake):
    for _ in range(3):
        lake.append(decode("traces", traces()))
    joined = lake.sql("SELECT s.row_id, span_id, string FROM spans s "
                      "JOIN span_attributes a USING (row_id) ORDER BY 1")
    assert joined["row_id"].is_unique
    assert len(joined) == 6
    assert set(zip(joined["span_id"], joined["string"], strict=True)) == {
        ("01" * 8, "b"), ("03" * 8, "db")}
    assert len(lake.sql("FROM resources")) == 2 == len(lake.sql("FROM resource_attributes"))


def test_two_processes_append_at_once(lake, tmp_path):
    script = ("import sys, aiops.lake\nfrom aiops.otlp import decode\n"
              "lake = aiops.lake.open(sys.argv[1])\n"
              "data = open(sys.argv[2], 'rb').read()\n"
              "for _ in range(10): lake.append(decode('traces', data))\n")
    (tmp_path / "request").write_bytes(traces())
    command = [sys.executable, "-c", script, str(lake.path), str(tmp_path / "request")]
    running = [subprocess.Popen(command) for _ in range(2)]
    assert [process.wait(timeout=60) for process in running] == [0, 0]
    counts = lake.sql("SELECT count(*) AS n, count(DISTINCT row_id) AS ids FROM spans").iloc[0]
    assert counts.tolist() == [60, 60]
    assert list((lake.path / ".staging").iterdir()) == []


def test_a_crash_before_the_commit_leaves_nothing(lake, monkeypatch):
    monkeypatch.setattr("aiops.lake.store._sync", _fail)
    monkeypatch.setattr(Store, "_reserve", lambda self, n: None)
    with pytest.raises(OSError, match="crash"):
        lake.append(decode("traces", traces()))
    monkeypatch.undo()
    lake.append(decode("traces", traces()))
    assert len(lake.sql("FROM spans")) == 3
    assert len(lake.sql("FROM span_attributes")) == 2


def test_a_crash_while_moving_is_finished_by_the_next_append(lake, monkeypatch):
    monkeypatch.setattr(Store, "_publish", _fail)
    with pytest.raises(OSError, match="crash"):
        lake.append(decode("traces", traces()))
    assert lake.sql("FROM spans").empty
    monkeypatch.undo()
    lake.append(decode("traces", traces()))
    assert len(lake.sql("FROM spans")) == 6
    assert lake.sql("FROM spans")["row_id"].is_unique


def _fail(*args):
    raise OSError("crash")


def test_a_wrong_table_is_refused(lake):
    with pytest.raises(SchemaError, match="no table 'span'"):
        lake.append({"span": LAKE["spans"].empty_table()})
    with pytest.raises(SchemaError, match="'spans' must have"):
        lake.append({"spans": LAKE["logs"].empty_table()})
    with pytest.raises(InputError, match="views are"):
        lake.sql("SELECT nothing FROM nowhere")
    with pytest.raises(InputError, match="no lake"):
        aiops.lake.open(lake.path / "x", create=False)


def test_a_case_is_cut_by_the_first_span_of_a_trace(lake):
    lake.append(decode("traces", traces()))
    start = pd.Timestamp(START, tz="UTC")
    one = pd.Timedelta(1, "ns")
    case = lake.case([(start - one * 9, start)], (start + one, start + 2 * one))
    assert case.traces["span_id"].tolist() == ["01" * 8, "02" * 8, "03" * 8]
    edges = case.topology.itertuples(index=False)
    assert sorted((edge.caller, edge.callee) for edge in edges) == [("a", "b"), ("a", "db")]
    outside = lake.case([(start - one * 9, start)], (start + 2 * one, start + 9 * one),
                        suspects=["a"])
    assert outside.tables == {}  # a table without rows is none


@pytest.mark.parametrize("naive", ["2026-03-02T09:00", pd.Timestamp("2026-03-02T09:00"), None])
def test_a_time_without_zone_cuts_no_case(lake, naive):
    good = "2026-03-02T09:00Z", "2026-03-02T09:10Z"
    with pytest.raises(CaseError, match=r"The end of normal\[1\] must be a timestamp with a time"):
        lake.case([good, (good[0], naive)], good)
    with pytest.raises(CaseError, match="The start of abnormal must be a timestamp with a time"):
        lake.case([good], (naive, good[1]))


def test_metrics_alone_become_a_case_that_can_be_told(lake):
    points = [{"time_unix_nano": START + second * 10**9, "as_double": 9.0 if second >= 90 else 1.0}
              for second in range(120)]
    cpu = Metric(name="cpu", gauge={"data_points": points})
    lake.append(decode("metrics", sent.metrics("a", [cpu])))
    start = pd.Timestamp(START, tz="UTC")
    broke = start + pd.Timedelta("90s")
    case = lake.case([(start, broke)], (broke, start + pd.Timedelta("120s")))
    assert list(case.tables) == ["metrics"]
    blame = aiops.rca.rank(case, "baro")
    assert "no symptom is told" in incident_report.summary("r1", case, blame, "baro")
    assert incident_report.symptom(case).empty
    assert len(incident_report.timeline(case)) == 2
    assert "1 of its 1 metric left" in incident_report.next_steps(case, blame)
    assert "no traces" in incident_report.drawn(case, "traces", lambda: 1 / 0).data


@pytest.mark.parametrize(("kind", "told", "peer"), [
    (3, {"peer.service": "cache", "db.system.name": "valkey", "server.address": "x"}, "cache"),
    (3, {"db.system.name": "postgresql", "server.address": "orders-db.internal"},
     "orders-db.internal"),
    (3, {"db.system": "postgresql", "server.address": "10.0.0.7"}, "postgresql"),
    (3, {"db.system.name": "postgresql", "server.address": "::1"}, "postgresql"),
    (4, {"messaging.system": "kafka", "server.address": "10.0.0.7"}, "kafka"),
    (4, {"messaging.system": "kafka", "server.address": "broker-2.internal"}, "kafka"),
    (3, {"http.request.method": "GET", "net.peer.name": "billing.internal"}, "billing.internal"),
    (3, {"http.request.method": "GET", "server.address": "10.0.0.1"}, "10.0.0.1"),
    (3, {"http.request.method": "GET"}, None),
    (2, {"server.address": "myself", "peer.service": "caller"}, None)])
def test_a_case_and_the_features_name_the_same_peer(lake, kind, told, peer):
    span = sent.span("a", START, 5, trace_id=b"\x01" * 16, span_id=b"\x02" * 8, kind=kind, name="s",
                     told=told)
    lake.append(decode("traces", sent.traces([span])))
    start = pd.Timestamp(START, tz="UTC")
    second = pd.Timedelta("1s")
    case = lake.case([(start - second, start)], (start, start + second))
    assert case.traces["peer_service"].dropna().tolist() == [peer] * bool(peer)
    callees = features.topology(lake.connection, 5)["callee"].to_pylist()
    assert callees == [peer] * bool(peer)
    assert lake.sql("SELECT peer FROM span_peers")["peer"].tolist() == callees


def test_who_calls_whom_is_the_same_for_a_case_the_features_evidence_and_a_ranker(lake):
    """A client that names a host where a service answers, a database's with a step of its own, a
    message that two take, and a caller without a client span."""
    def span(service, number, parent, kind, ms, **told):
        return sent.span(service, START + number, ms * 10**6, trace_id=b"\x01" * 16, name="s",
                         span_id=bytes([number] * 8), kind=kind, told=told,
                         parent_span_id=bytes([parent] * 8) if parent else b"")

    lake.append(decode("traces", sent.traces([
        span("cart", 1, 0, sent.SERVER, 100),
        span("cart", 2, 1, sent.CLIENT, 60, **{"server.address": "pay.svc.local"}),
        span("payment", 3, 2, sent.SERVER, 50),
        span("cart", 4, 1, sent.CLIENT, 30, **{"db.system.name": "postgresql"}),
        span("cart", 5, 4, sent.INTERNAL, 20),
        span("cart", 6, 1, sent.PRODUCER, 1, **{"messaging.system": "kafka"}),
        span("audit", 7, 6, sent.CONSUMER, 5), span("mail", 8, 6, sent.CONSUMER, 5),
        span("ship", 9, 1, sent.SERVER, 10)])))
    start = pd.Timestamp(START, tz="UTC")
    second = pd.Timedelta("1s")
    case = lake.case([(start - second, start)], (start, start + second))
    called = ["audit", "mail", "payment", "postgresql", "ship"]
    calls = [("cart", callee) for callee in called]

    def pairs(frame):
        return sorted(frame[["caller", "callee"]].itertuples(index=False, name=None))

    assert sorted(case.suspects) == sorted(["cart", *called])
    assert pairs(case.topology) == calls
    assert pairs(features.topology(lake.connection, 5).to_pandas()) == calls
    assert pairs(evidence.calls(evidence.prepare(case.traces))) == calls
    told = case.traces.assign(peer_service=case.traces["peer_service"].replace(
        "payment", "pay.svc.local"))  # as a Case that others made may have it
    assert sorted(traversal.call_graph(replace(case, traces=told, topology=None)).edges) == calls


def test_metrics_of_a_case_are_series_with_their_attributes(lake):
    point = {"time_unix_nano": START, "as_int": 3, "attributes": sent.attributes({"core": 1})}
    latency = {"time_unix_nano": START, "count": 4, "sum": 2.0}
    lake.append(decode("metrics", sent.metrics("a", [
        Metric(name="cpu", gauge={"data_points": [point]}),
        Metric(name="lat", histogram={"data_points": [latency]})])))
    start = pd.Timestamp(START, tz="UTC")
    case = lake.case([(start - pd.Timedelta("1s"), start)], (start, start + pd.Timedelta("1s")))
    values = dict(zip(case.metrics["name"], case.metrics["value"], strict=True))
    assert values == {"cpu{core=1}": 3.0, "lat.count": 4.0, "lat.mean": 0.5}
