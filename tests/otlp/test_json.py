"""OTLP/JSON: what it writes otherwise than protobuf's JSON, and that both mean the same."""

from __future__ import annotations

import base64
import json
import math

import orjson
import pytest
from google.protobuf.json_format import MessageToDict
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from aiops.errors import DecodeError
from aiops.otlp import decode
from aiops.otlp.json import MAX_DEPTH, UNKNOWN_KEYS, to_protobuf
from aiops.otlp.messages import REQUESTS, parse
from tests.otlp.made import requests

IDS = {"traceId", "spanId", "parentSpanId", "trace_id", "span_id", "parent_span_id"}


def as_json(request, **spelling):
    """OTLP/JSON by protobuf's own writer, with ids in hex as OTLP wants them."""
    def hexed(value, key=None):
        if isinstance(value, dict):
            return {k: hexed(v, k) for k, v in value.items()}
        if isinstance(value, list):
            return [hexed(v) for v in value]
        return base64.b64decode(value).hex() if key in IDS else value
    return json.dumps(hexed(MessageToDict(request, **spelling))).encode()


@pytest.mark.parametrize("signal", REQUESTS)
def test_protobuf_and_json_of_a_request_decode_to_equal_tables(signal):
    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(requests(REQUESTS[signal]), st.booleans(), st.booleans())
    def check(request, original_names, numbers):
        text = as_json(request, preserving_proto_field_name=original_names,
                       use_integers_for_enums=numbers)
        assert parse(signal, to_protobuf(signal, text)) == request
        binary = decode(signal, request.SerializeToString())
        for name, table in decode(signal, text, "json").items():
            assert table.equals(binary[name]), name
    check()


def span(**fields):
    text = orjson.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [fields]}]}]})
    return parse("traces", to_protobuf("traces", text)).resource_spans[0].scope_spans[0].spans[0]


def value(content):
    return span(attributes=[{"key": "k", "value": content}]).attributes[0].value


def point(**fields):
    text = orjson.dumps({"resourceMetrics": [{"scopeMetrics": [{"metrics": [
        {"name": "m", "gauge": {"dataPoints": [fields]}}]}]}]})
    return decode("metrics", text, "json")["metrics"].to_pylist()[0]


def test_ids_are_hex_in_either_case():
    assert span(traceId="0AFF", spanId="00ff", parentSpanId="") == Span(
        trace_id=b"\x0a\xff", span_id=b"\x00\xff")
    assert span(links=[{"traceId": "0a"}]).links[0].trace_id == b"\x0a"


def test_64_bit_integers_are_text_or_numbers_to_the_last_digit():
    assert span(startTimeUnixNano="1790000000123456789").start_time_unix_nano == (
        1790000000123456789)
    assert span(startTimeUnixNano=2**64 - 1).start_time_unix_nano == 2**64 - 1
    assert value({"intValue": str(-(2**63))}).int_value == -(2**63)
    assert value({"intValue": 2**53 + 1}).int_value == 2**53 + 1
    assert point(asInt="9007199254740993")["value_int"] == 9007199254740993


@pytest.mark.parametrize("kind", [3, "SPAN_KIND_CLIENT"])
def test_enumerations_are_numbers_or_names(kind):
    assert span(kind=kind).kind == Span.SPAN_KIND_CLIENT
    assert span(kind=77).kind == 77  # a number newer than ours


@pytest.mark.parametrize(("written", "meant"), [
    ("NaN", math.nan), ("Infinity", math.inf), ("-Infinity", -math.inf), (1, 1.0), ("2.5", 2.5)])
def test_doubles_that_json_has_no_number_for(written, meant):
    got = point(asDouble=written)["value_double"]
    assert got == meant or (math.isnan(got) and math.isnan(meant))


def test_nested_values_keep_their_types():
    made = value({"kvlistValue": {"values": [
        {"key": "raw", "value": {"bytesValue": "AP8="}},
        {"key": "list", "value": {"arrayValue": {"values": [
            {"intValue": "1"}, {"boolValue": True}, {"doubleValue": 0.5}, {}]}}}]}})
    raw, listed = made.kvlist_value.values
    assert raw.value.bytes_value == b"\x00\xff"
    assert [item.WhichOneof("value") for item in listed.value.array_value.values] == [
        "int_value", "bool_value", "double_value", None]
    assert value({"bytesValue": "_-8"}).bytes_value == b"\xff\xef"  # URL-safe, without padding


def test_null_is_unset_and_an_empty_object_is_set():
    assert span(name=None, attributes=None, status=None) == Span()
    assert span(status={}).HasField("status")


def test_keys_that_the_protocol_does_not_know_are_kept_at_every_level():
    text = orjson.dumps({"top": 1, "resourceSpans": [{
        "resource": {"x": [1, "a"]}, "scopeSpans": [{"spans": [
            {"name": "s", "mood": {"deep": None}, "events": [{"y": 2}], "links": [{"z": 3}]}]}]}]})
    tables = decode("traces", text, "json")
    kept = {name: [r["unknown_fields"] for r in tables[name].to_pylist() if r["unknown_fields"]]
            for name in ("spans", "span_events", "span_links", "resources")}
    for name, expected in [("spans", b'{"mood":{"deep":null}}'), ("span_events", b'{"y":2}'),
                           ("span_links", b'{"z":3}')]:
        assert [left[-len(expected):] for left in kept[name]] == [expected]
    assert sorted(text for left in kept["resources"] for text in (b'{"top":1}', b'{"x":[1,"a"]}')
                  if text in left) == [b'{"top":1}', b'{"x":[1,"a"]}']
    assert UNKNOWN_KEYS == 2**29 - 1  # written into lakes: a change would orphan what they keep


@pytest.mark.parametrize(("fields", "says"), [
    ({"traceId": "xy"}, r"traces.resourceSpans\[0\].scopeSpans\[0\].spans\[0\].traceId .* hex"),
    ({"traceId": 7}, "traceId must be text"),
    ({"startTimeUnixNano": "soon"}, "startTimeUnixNano must be a whole number"),
    ({"startTimeUnixNano": 1.5}, "whole number"), ({"startTimeUnixNano": True}, "whole number"),
    ({"startTimeUnixNano": "1_0"}, "whole number"), ({"startTimeUnixNano": -1}, "range"),
    ({"startTimeUnixNano": str(2**64)}, "64-bit"), ({"flags": 2**32}, "within flags's range"),
    ({"kind": "CLIENT"}, "one of SPAN_KIND_UNSPECIFIED"), ({"kind": 2**31}, "a number or one of"),
    ({"name": 1}, "name must be text"), ({"events": {}}, "events must be a list"),
    ({"events": [1]}, r"events\[0\] must be an object"), ({"status": "ok"}, "an object"),
    ({"attributes": [{"value": {"bytesValue": "?"}}]}, "base64"),
    ({"attributes": [{"value": {"boolValue": "yes"}}]}, "true or false"),
    ({"attributes": [{"value": {"doubleValue": "much"}}]}, "a number"),
    ({"attributes": [{"value": {"doubleValue": "1_0"}}]}, "a number"),
])
def test_a_wrong_value_is_refused_by_its_path_with_what_is_allowed(fields, says):
    with pytest.raises(DecodeError, match=says):
        span(**fields)


@pytest.mark.parametrize("text", [b"", b"[", b"\xff{}", b'{"a":"\\ud800"}', b"[" * 5000])
def test_what_is_no_json_is_refused(text):
    with pytest.raises(DecodeError, match="no JSON|an object"):
        to_protobuf("traces", text)


@pytest.mark.parametrize(("opened", "closed", "times", "says"), [
    (b'{"arrayValue":{"values":[', b"]}}", MAX_DEPTH, "nested deeper than 100"),
    (b'{"arrayValue":{"values":[', b"]}}", 5000, "no JSON"),
    (b'{"never":', b"}", 400, "cannot keep unknown keys"),
    (b'{"never":', b"}", 5000, "no JSON")])
def test_nesting_has_an_end(opened, closed, times, says):
    value = opened * times + b'{"stringValue":"bottom"}' + closed * times
    text = b'{"resourceSpans":[{"resource":{"attributes":[{"value":' + value + b"}]}}]}"
    with pytest.raises(DecodeError, match=says):
        to_protobuf("traces", text)
