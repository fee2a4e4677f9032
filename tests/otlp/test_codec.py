"""Requests to tables: nothing dropped, every value as sent."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import Exemplar, Metric
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

from aiops.errors import DecodeError
from aiops.otlp import decode
from aiops.otlp.leftovers import OF_REQUEST, leftover
from aiops.otlp.messages import REQUESTS, parse
from aiops.otlp.wire import field
from aiops.schema import LAKE
from tests.otlp.made import requests

UNKNOWN = bytes([0xFA, 0x7, 3, 1, 2, 3])  # field 127, three bytes
VALUES = st.one_of(
    st.builds(lambda v: AnyValue(string_value=v), st.text()),
    st.builds(lambda v: AnyValue(int_value=v), st.integers(-(2**63), 2**63 - 1)),
    st.builds(lambda v: AnyValue(double_value=v), st.floats(allow_nan=False)),
    st.builds(lambda v: AnyValue(bool_value=v), st.booleans()),
    st.builds(lambda v: AnyValue(bytes_value=v), st.binary()),
    st.just(AnyValue()),
)
SPANS = st.builds(
    Span, trace_id=st.binary(max_size=20), span_id=st.binary(max_size=20), name=st.text(),
    start_time_unix_nano=st.integers(0, 2**64 - 1), end_time_unix_nano=st.integers(0, 2**64 - 1),
    kind=st.integers(0, 5), flags=st.integers(0, 2**32 - 1))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(SPANS, st.lists(st.tuples(st.text(), VALUES), max_size=4)), max_size=5))
def test_every_span_and_attribute_is_there_as_sent(made):
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    for span, attributes in made:
        for key, value in attributes:
            span.attributes.add(key=key, value=value)
        spans.append(span)
    tables = decode("traces", request.SerializeToString())
    rows = tables["spans"].to_pylist()
    assert len(rows) == len(made)
    stored = tables["span_attributes"].to_pylist()
    for row, (span, attributes) in zip(rows, made, strict=True):
        assert (row["trace_id"] or b"", row["span_id"] or b"") == (span.trace_id, span.span_id)
        assert (row["name"], row["kind"], row["flags"]) == (span.name, span.kind, span.flags)
        rest = Span.FromString(row["unknown_fields"] or b"")
        start = row["start_time"].value if row["start_time"] is not None else 0
        assert (start or rest.start_time_unix_nano) == span.start_time_unix_nano
        own = [a for a in stored if a["row_id"] == row["row_id"]]
        assert [a["key"] for a in own] == [key for key, _ in attributes]
        for got, (_, value) in zip(own, attributes, strict=True):
            kind = value.WhichOneof("value")
            assert got["type"] == (kind.removesuffix("_value") if kind else "empty")
            assert kind is None or got[got["type"]] == getattr(value, kind)


def test_unknown_fields_and_entity_refs_are_kept():
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    group.resource.entity_refs.add(type="host")
    group.scope_spans.add().spans.add(name="s").MergeFromString(UNKNOWN)
    tables = decode("traces", request.SerializeToString())
    assert tables["spans"]["unknown_fields"].to_pylist() == [UNKNOWN]
    kept = ResourceSpans.FromString(tables["resources"]["unknown_fields"][0].as_py())
    assert kept.resource.entity_refs[0].type == "host"


@pytest.mark.parametrize("signal", REQUESTS)
def test_what_the_request_itself_carries_is_kept(signal):
    request = REQUESTS[signal].FromString(UNKNOWN)
    [row] = decode(signal, request.SerializeToString())["resources"].to_pylist()
    assert row["unknown_fields"] == field(OF_REQUEST, UNKNOWN)
    assert OF_REQUEST == 2**29 - 2  # written into lakes: a change would orphan what they keep
    named = [value for key, value in row.items() if key not in ("resource_id", "unknown_fields")]
    assert not any(named)
    getattr(request, request.DESCRIPTOR.fields[0].name).add()
    both = decode(signal, [request.SerializeToString()] * 2)["resources"]
    assert both["unknown_fields"].to_pylist() == [None, field(OF_REQUEST, UNKNOWN)]


ITEMS = {"traces": ("resource_spans", "scope_spans", "spans", "span_attributes"),
         "logs": ("resource_logs", "scope_logs", "log_records", "log_attributes")}


@pytest.mark.parametrize("signal", ITEMS)
def test_every_item_of_any_request_has_its_row_and_what_no_column_holds(signal):
    groups, scopes, items, attributes = ITEMS[signal]

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(requests(REQUESTS[signal]))
    def check(request):
        tables = decode(signal, request.SerializeToString())
        found = [item for group in getattr(request, groups)
                 for scope in getattr(group, scopes) for item in getattr(scope, items)]
        rows = tables["spans" if signal == "traces" else "logs"]
        assert rows["unknown_fields"].to_pylist() == [leftover(item) for item in found]
        assert tables[attributes]["key"].to_pylist() == [a.key for i in found for a in i.attributes]
    check()


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(requests(ExportMetricsServiceRequest))
def test_every_point_of_any_request_has_its_row_and_what_no_column_holds(request):
    tables = decode("metrics", request.SerializeToString())
    metrics = [m for r in request.resource_metrics for s in r.scope_metrics for m in s.metrics]
    points = [list(getattr(m, m.WhichOneof("data") or "gauge").data_points) for m in metrics]
    names = [m.name for m, own in zip(metrics, points, strict=True) for _ in own or [None]]
    assert tables["metrics"]["name"].to_pylist() == names
    exemplars = [e for own in points for point in own for e in getattr(point, "exemplars", ())]
    assert tables["exemplars"]["unknown_fields"].to_pylist() == [leftover(e) for e in exemplars]
    ids = [i for name in ("metrics", "exemplars") for i in tables[name]["row_id"].to_pylist()]
    assert sorted(ids) == list(range(len(ids)))


def test_a_key_that_refers_to_a_table_of_strings_is_kept():
    request = ExportLogsServiceRequest()
    record = request.resource_logs.add().scope_logs.add().log_records.add()
    record.attributes.add(key_strindex=7).value.int_value = 1
    metric = Metric(gauge={"data_points": [{"as_int": 1}]})
    metric.gauge.data_points[0].attributes.add(key_strindex=7)
    [kept] = decode("logs", request.SerializeToString())["logs"]["unknown_fields"].to_pylist()
    assert type(record).FromString(kept).attributes == record.attributes
    [kept] = points_of(metric)["metrics"]["unknown_fields"].to_pylist()
    [point] = Metric.FromString(kept).gauge.data_points
    assert point.attributes[0].key_strindex == 7


SOURCE = {"resource_id", "scope_id", "service_name", "row_id"}


def cells(row):
    """The cells that hold something, but for the ids that the codec makes."""
    times = {k: v.value for k, v in row.items() if hasattr(v, "value")}
    return {k: v for k, v in {**row, **times}.items() if v is not None and k not in SOURCE}


def points_of(metric):
    request = ExportMetricsServiceRequest()
    request.resource_metrics.add().scope_metrics.add().metrics.append(metric)
    return decode("metrics", request.SerializeToString())


TIMES = {"start_time_unix_nano": 5, "time_unix_nano": 2**62 + 1, "flags": 1}
STAMPS = {"start_time": 5, "time": 2**62 + 1, "flags": 1}
NAMES = {"name": "m", "description": "d", "unit": "By"}


@pytest.mark.parametrize(("kind", "about", "point", "expected"), [
    ("gauge", {}, {"as_int": 2**62 + 1}, {"value_int": 2**62 + 1}),
    ("gauge", {}, {"as_double": -0.5}, {"value_double": -0.5}),
    ("sum", {"aggregation_temporality": 1, "is_monotonic": True}, {"as_double": 0.0},
     {"value_double": 0.0, "temporality": 1, "is_monotonic": True}),
    ("histogram", {"aggregation_temporality": 2},
     {"count": 3, "sum": 0.0, "min": 0.0, "max": 9.0, "bucket_counts": [1, 2],
      "explicit_bounds": [0.1]},
     {"count": 3, "sum": 0.0, "min": 0.0, "max": 9.0, "bucket_counts": [1, 2],
      "explicit_bounds": [0.1], "temporality": 2}),
    ("histogram", {}, {"count": 0},
     {"count": 0, "bucket_counts": [], "explicit_bounds": [], "temporality": 0}),
    ("exponential_histogram", {"aggregation_temporality": 1},
     {"count": 2**63, "sum": 1.5, "scale": -1, "zero_count": 4, "zero_threshold": 0.25,
      "min": -1.0, "max": 1.0, "positive": {"offset": -3, "bucket_counts": [2, 0, 1]},
      "negative": {"offset": 7, "bucket_counts": [2**64 - 1]}},
     {"count": 2**63, "sum": 1.5, "scale": -1, "zero_count": 4, "zero_threshold": 0.25,
      "min": -1.0, "max": 1.0, "positive_offset": -3, "positive_bucket_counts": [2, 0, 1],
      "negative_offset": 7, "negative_bucket_counts": [2**64 - 1], "temporality": 1}),
    ("exponential_histogram", {}, {},
     {"count": 0, "scale": 0, "zero_count": 0, "zero_threshold": 0.0, "temporality": 0}),
    ("summary", {}, {"count": 1, "sum": 4.0,
                     "quantile_values": [{"quantile": 0.5, "value": 4.0}, {"quantile": 1.0}]},
     {"count": 1, "sum": 4.0, "quantiles": [0.5, 1.0], "quantile_values": [4.0, 0.0]}),
])
def test_each_type_of_metric_fills_its_columns_and_no_others(kind, about, point, expected):
    metric = Metric(**NAMES, **{kind: {**about, "data_points": [{**point, **TIMES}]}})
    [row] = points_of(metric)["metrics"].to_pylist()
    assert cells(row) == {"type": kind, **NAMES, **STAMPS, **expected}


def test_points_of_a_metric_share_its_head_and_metadata():
    metric = Metric(**NAMES, sum={"data_points": [{"as_int": 1}, {"as_int": 2}]})
    metric.metadata.add(key="origin").value.string_value = "prometheus"
    metric.sum.data_points[1].attributes.add(key="core").value.int_value = 7
    tables = points_of(metric)
    rows = tables["metrics"].to_pylist()
    heads = [(r["name"], r["unit"], r["value_int"]) for r in rows]
    assert heads == [("m", "By", 1), ("m", "By", 2)]
    [attribute] = tables["metric_attributes"].to_pylist()
    assert (attribute["row_id"], attribute["key"], attribute["int"]) == (
        rows[1]["row_id"], "core", 7)
    told = tables["metric_metadata"].to_pylist()
    assert [(m["row_id"], m["string"]) for m in told] == [
        (row["row_id"], "prometheus") for row in rows]


def test_a_metric_without_points_has_a_row_that_says_its_type():
    [row] = points_of(Metric(name="none", gauge={}))["metrics"].to_pylist()
    assert cells(row) == {"name": "none", "type": "gauge"}
    [row] = points_of(Metric(name="bare"))["metrics"].to_pylist()
    assert cells(row) == {"name": "bare"}


@pytest.mark.parametrize("kind", ["gauge", "sum", "histogram", "exponential_histogram"])
def test_exemplars_link_a_point_to_its_trace(kind):
    exemplar = Exemplar(as_double=0.5, time_unix_nano=9, trace_id=b"t" * 16, span_id=b"s" * 8)
    exemplar.filtered_attributes.add(key="user").value.string_value = "u1"
    tables = points_of(Metric(**{kind: {"data_points": [{"exemplars": [exemplar, Exemplar()]}]}}))
    [point] = tables["metrics"].to_pylist()
    first, empty = tables["exemplars"].to_pylist()
    assert cells(first) == {"metric_row_id": point["row_id"], "time": 9, "value_double": 0.5,
                            "trace_id": b"t" * 16, "span_id": b"s" * 8}
    assert cells(empty) == {"metric_row_id": point["row_id"]}
    [attribute] = tables["exemplar_attributes"].to_pylist()
    assert (attribute["row_id"], attribute["string"]) == (first["row_id"], "u1")


def test_events_and_links_of_a_span_point_back_to_it():
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    spans.add(name="before")
    span = spans.add(name="s", start_time_unix_nano=3, end_time_unix_nano=10,
                     trace_state="a=1", dropped_events_count=1, dropped_links_count=2,
                     dropped_attributes_count=3, status={"code": 2, "message": "no"})
    event = span.events.add(name="exception", time_unix_nano=4, dropped_attributes_count=5)
    event.attributes.add(key="exception.type").value.string_value = "KeyError"
    link = span.links.add(trace_id=b"x" * 16, span_id=b"y" * 8, trace_state="b=2", flags=257,
                          dropped_attributes_count=6)
    link.attributes.add(key="why").value.bool_value = False
    tables = decode("traces", request.SerializeToString())
    before, row = tables["spans"].to_pylist()
    assert cells(row) == {
        "trace_state": "a=1", "flags": 0, "name": "s", "kind": 0, "start_time": 3, "end_time": 10,
        "duration_ns": 7, "status_code": 2, "status_message": "no", "dropped_events_count": 1,
        "dropped_links_count": 2, "dropped_attributes_count": 3}
    assert before["status_code"] is None  # not sent is not OK
    assert (before["duration_ns"], before["start_time"]) == (None, None)
    [got] = tables["span_events"].to_pylist()
    assert cells(got) == {"span_row_id": row["row_id"], "time": 4, "name": "exception",
                          "dropped_attributes_count": 5}
    assert tables["span_event_attributes"]["row_id"].to_pylist() == [got["row_id"]]
    [got] = tables["span_links"].to_pylist()
    assert cells(got) == {
        "span_row_id": row["row_id"], "time": 3, "trace_id": b"x" * 16, "span_id": b"y" * 8,
        "trace_state": "b=2", "flags": 257, "dropped_attributes_count": 6}
    [attribute] = tables["span_link_attributes"].to_pylist()
    assert (attribute["row_id"], attribute["bool"]) == (got["row_id"], False)


def test_a_log_record_keeps_both_times_its_trace_and_a_body_of_any_type():
    request = ExportLogsServiceRequest()
    records = request.resource_logs.add().scope_logs.add().log_records
    record = records.add(
        time_unix_nano=5, observed_time_unix_nano=6, severity_number=17, severity_text="ERROR",
        event_name="checkout", trace_id=b"t" * 16, span_id=b"s" * 8, flags=1,
        dropped_attributes_count=2, body={"string_value": "no stock"})
    record.attributes.add(key="item").value.int_value = 3
    records.add(observed_time_unix_nano=6, body={"kvlist_value": {"values": [
        {"key": "a", "value": {"int_value": 1}}]}})
    records.add(body={"string_value": ""})
    tables = decode("logs", request.SerializeToString())
    text, structured, empty = tables["logs"].to_pylist()
    assert cells(text) == {
        "time": 5, "event_time": 5, "observed_time": 6, "severity_number": 17,
        "severity_text": "ERROR", "event_name": "checkout", "body": "no stock",
        "trace_id": b"t" * 16, "span_id": b"s" * 8, "flags": 1, "dropped_attributes_count": 2}
    assert (structured["time"].value, structured["event_time"]) == (6, None)
    assert structured["body"] == '{"a":1}'
    assert AnyValue.FromString(structured["body_value"]) == records[1].body
    assert (empty["body"], empty["body_value"], empty["time"]) == ("", None, None)
    [attribute] = tables["log_attributes"].to_pylist()
    assert (attribute["row_id"], attribute["int"]) == (text["row_id"], 3)


def test_nested_attribute_values_are_json_to_read_and_bytes_to_keep():
    value = AnyValue()
    values = value.kvlist_value.values
    values.add(key="raw").value.bytes_value = b"\x00\xff"
    values.add(key="list").value.array_value.values.extend(
        [AnyValue(int_value=2**63 - 1), AnyValue(double_value=float("inf")), AnyValue()])
    values.add(key="list").value.string_value = "again"
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add()
    span.attributes.add(key="deep", value=value)
    span.attributes.add(key="many").value.array_value.SetInParent()
    deep, many = decode("traces", request.SerializeToString())["span_attributes"].to_pylist()
    assert (deep["type"], many["type"], many["string"]) == ("kvlist", "array", "[]")
    assert deep["string"] == '{"raw":"AP8=","list":"again"}'  # the last of a doubled key
    assert AnyValue.FromString(deep["bytes"]) == value  # both of it


def test_a_resource_is_one_row_a_batch_with_the_earliest_time_seen_under_it():
    request = ExportTraceServiceRequest()
    for start in (9, 4):
        group = request.resource_spans.add(schema_url="https://schema")
        for key, text in [("service.name", "cart"), ("service.namespace", "shop"),
                          ("service.version", "1.2"), ("service.instance.id", "i"),
                          ("host.name", "h")]:
            group.resource.attributes.add(key=key).value.string_value = text
        scope = group.scope_spans.add(schema_url="https://scope", scope={
            "name": "lib", "version": "3", "dropped_attributes_count": 1})
        scope.scope.attributes.add(key="short").value.bool_value = True
        scope.spans.add(start_time_unix_nano=start)
    tables = decode("traces", [request.SerializeToString()] * 2)
    [resource], [scope] = tables["resources"].to_pylist(), tables["scopes"].to_pylist()
    assert {k: v for k, v in cells(resource).items() if v} == {
        "first_seen": 4, "service_namespace": "shop", "service_version": "1.2",
        "service_instance_id": "i", "host_name": "h", "schema_url": "https://schema"}
    assert cells(scope) == {"first_seen": 4, "name": "lib", "version": "3",
                            "schema_url": "https://scope", "dropped_attributes_count": 1}
    assert set(tables["spans"]["resource_id"].to_pylist()) == {resource["resource_id"]}
    assert set(tables["spans"]["scope_id"].to_pylist()) == {scope["scope_id"]}
    assert set(tables["spans"]["service_name"].to_pylist()) == {"cart"}
    assert tables["scope_attributes"]["bool"].to_pylist() == [True]
    assert len(tables["resource_attributes"]) == 5


def test_one_bad_request_of_several_decodes_none():
    good = ExportTraceServiceRequest(resource_spans=[{}]).SerializeToString()
    assert len(parse("traces", good).resource_spans) == 1
    with pytest.raises(DecodeError, match="2 bytes are no OTLP traces"):
        decode("traces", [good, b"\xff\xff"])


def test_tables_have_the_schema_even_when_empty():
    for signal in ("traces", "logs", "metrics"):
        tables = decode(signal, b"")
        assert {name: table.schema for name, table in tables.items()} == LAKE


def test_bad_input_says_what_is_wrong():
    with pytest.raises(DecodeError, match="no OTLP traces"):
        decode("traces", b"\xff\xff")
    with pytest.raises(DecodeError, match="one of traces"):
        decode("spans", b"")
    with pytest.raises(DecodeError, match="encoding must be"):
        decode("traces", b"", encoding="xml")
