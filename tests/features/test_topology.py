"""Edges: who called whom, golden outcomes of the join and of what never answered."""

from __future__ import annotations

import pytest

from aiops import features
from aiops.errors import SchemaError
from tests.features.telemetry import S, lake, span, word

W = 5 * S


def edges(connection) -> dict[tuple[str, str], dict]:
    return {(row["caller"], row["callee"]): row
            for row in features.topology(connection, 5).to_pylist()}


def test_a_call_is_measured_at_the_callers_client_span():
    got = edges(lake(spans=[span(0, "a", W - 1, 9_000_000, kind="client", status="error"),
                            span(1, "b", W + 1, 2_000_000, parent="0")],
                     span_attributes=[word(0, "rpc.system", "grpc")]))
    edge = got.pop(("a", "b"))
    assert not got
    assert (edge["kind"], edge["protocol"], edge["latency_p50_ms"]) == ("calls", "grpc", 9.0)
    assert (edge["call_count"], edge["error_count"]) == (1, 1)
    assert edge["window_start"].timestamp() == 0  # its start, not the callee's


def test_without_a_client_span_each_callee_span_is_a_call():
    got = edges(lake(spans=[span(0, "a", 0, 9_000_000), span(1, "b", 1, 1_000_000, parent="0"),
                            span(2, "b", 2, 3_000_000, parent="0")]))
    assert got[("a", "b")]["call_count"] == 2
    assert got[("a", "b")]["latency_sum_ns"] == 4_000_000


def test_a_span_id_repeated_in_another_trace_joins_nothing():
    assert not edges(lake(spans=[span(0, "a", 0, kind="client", trace="t1", id="aa"),
                                 span(1, "b", 1, trace="t2", parent="aa")]))


def test_one_client_span_with_two_answers_of_a_service_is_one_call():
    got = edges(lake(spans=[span(0, "a", 0, kind="client"), span(1, "b", 1, parent="0"),
                            span(2, "b", 2, parent="0")]))
    assert got[("a", "b")]["call_count"] == 1


def test_a_refused_call_is_on_the_edge_to_the_service_it_names():
    got = edges(lake(spans=[span(0, "a", 0, kind="client", status="error"), span(1, "b", 0)],
                     span_attributes=[word(0, "server.address", "b")]))
    assert (got[("a", "b")]["kind"], got[("a", "b")]["error_count"]) == ("calls", 1)


@pytest.mark.parametrize(("told", "name"), [
    ({"db.system.name": "postgresql", "server.address": "127.0.0.1"}, "postgresql"),
    ({"db.system.name": "postgresql", "server.address": "orders-db"}, "orders-db"),
    ({"db.system.name": "valkey", "peer.service": "cache", "server.address": "x"}, "cache"),
    ({"http.request.method": "GET", "server.address": "10.0.0.1"}, "10.0.0.1")])
def test_what_sends_no_telemetry_is_accessed_by_the_best_name_told(told, name):
    got = edges(lake(spans=[span(0, "a", 0, kind="client")],
                     span_attributes=[word(0, k, v) for k, v in told.items()]))
    assert {callee: row["kind"] for (_, callee), row in got.items()} == {name: "accesses"}


def test_a_client_span_round_another_one_is_no_call_of_its_own():
    got = edges(lake(spans=[span(0, "a", 0, kind="client"),
                            span(1, "a", 1, kind="client", parent="0")],
                     span_attributes=[word(0, "server.address", "s3"),
                                      word(1, "server.address", "s3")]))
    assert got[("a", "s3")]["call_count"] == 1


def test_a_service_that_calls_itself_has_no_edge():
    assert not edges(lake(spans=[span(0, "a", 0, kind="client"), span(1, "a", 1, parent="0")],
                          span_attributes=[word(0, "peer.service", "elsewhere")]))


def test_the_graph_adds_windows_up_and_tells_services_from_externals():
    table = features.topology(lake(
        spans=[span(0, "a", 0, 2_000_000, kind="client"), span(1, "b", 1, parent="0"),
               span(2, "a", W, 4_000_000, kind="client", status="error"),
               span(3, "b", W + 1, parent="2"), span(4, "b", W, kind="client")],
        span_attributes=[word(4, "db.system.name", "valkey")]), 5)
    got = features.graph(table)
    assert dict(got.nodes(data="kind")) == {"a": "service", "b": "service", "valkey": "external"}
    edge = got.edges["a", "b"]
    assert (edge["call_count"], edge["error_rate"], edge["latency_mean_ms"]) == (2, 0.5, 3.0)
    assert (edge["last_seen"] - edge["first_seen"]).total_seconds() == 5
    with pytest.raises(SchemaError, match="call_count"):
        features.graph(table.drop_columns("call_count"))
