"""Requests to tables: nothing dropped, every value as sent."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

from aiops.errors import DecodeError
from aiops.otlp import decode
from aiops.schema import LAKE

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


def test_all_metric_types_and_unset_values():
    request = ExportMetricsServiceRequest()
    metrics = request.resource_metrics.add().scope_metrics.add().metrics
    metrics.add(name="g").gauge.data_points.add(as_int=2**62 + 1)
    metrics.add(name="s").sum.data_points.add(as_double=0.5)
    metrics.add(name="h").histogram.data_points.add(
        count=3, bucket_counts=[1, 2], explicit_bounds=[0.1])
    point = metrics.add(name="e").exponential_histogram.data_points.add(count=2, sum=0.0, scale=-1)
    point.positive.bucket_counts.extend([2])
    quantiles = metrics.add(name="q").summary.data_points.add(count=1, sum=4.0).quantile_values
    quantiles.add(quantile=0.5, value=4.0)
    metrics.add(name="none").gauge.SetInParent()
    rows = {r["name"]: r for r in decode("metrics", request.SerializeToString())[
        "metrics"].to_pylist()}
    assert [rows[n]["type"] for n in rows] == [
        "gauge", "sum", "histogram", "exponential_histogram", "summary", "gauge"]
    assert rows["g"]["value_int"] == 2**62 + 1
    assert rows["g"]["value_double"] is None
    assert rows["s"]["value_double"] == 0.5
    assert rows["s"]["value_int"] is None
    assert rows["h"]["sum"] is None
    assert rows["h"]["bucket_counts"] == [1, 2]
    assert rows["e"]["sum"] == 0.0
    assert rows["e"]["negative_offset"] is None
    assert rows["e"]["positive_bucket_counts"] == [2]
    assert rows["e"]["scale"] == -1
    assert rows["q"]["quantiles"] == [0.5]
    assert rows["q"]["quantile_values"] == [4.0]
    assert rows["none"]["value_int"] is None
    assert rows["none"]["count"] is None


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
