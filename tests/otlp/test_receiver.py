"""The receiver against the real SDK's exporters, and against bytes that are no OTLP."""

import gzip
import logging
import urllib.error
import urllib.request

import grpc
import orjson
import pytest
from google.rpc import status_pb2
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from aiops.errors import InputError
from aiops.otlp import Receiver
from aiops.otlp.messages import parse

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


@pytest.fixture
def inbox():
    return []


@pytest.fixture
def receiver(inbox):
    with Receiver(lambda signal, data: inbox.append((signal, data))) as receiver:
        yield receiver


def post(receiver, path, body, **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(
        f"http://127.0.0.1:{receiver.http_port}{path}", body, headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def call(receiver, data, metadata=()):
    with grpc.insecure_channel(f"127.0.0.1:{receiver.grpc_port}") as channel:
        return channel.unary_unary(EXPORT)(data, metadata=metadata, timeout=10)


@pytest.mark.parametrize("protocol", ["grpc", "grpc+gzip", "http", "http+gzip"])
def test_takes_spans_of_the_sdk(receiver, inbox, protocol):
    gzipped = protocol.endswith("gzip")
    if protocol.startswith("grpc"):
        exporter = GrpcExporter(
            f"http://127.0.0.1:{receiver.grpc_port}", insecure=True,
            compression=grpc.Compression.Gzip if gzipped else None)
    else:
        exporter = HttpExporter(
            f"http://127.0.0.1:{receiver.http_port}/v1/traces",
            compression=Compression.Gzip if gzipped else Compression.NoCompression)
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with provider.get_tracer("t").start_as_current_span("buy", attributes={"n": 3}) as span:
        pass
    provider.shutdown()
    [(signal, data)] = inbox
    sent = parse(signal, data).resource_spans[0].scope_spans[0].spans[0]
    assert signal == "traces"
    assert sent.name == "buy"
    assert sent.span_id == span.context.span_id.to_bytes(8, "big")
    assert receiver.counts["traces"] == 1
    assert receiver.counts["refused"] == 0


def test_takes_json_and_hands_over_protobuf(receiver, inbox):
    line = orjson.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [
        {"timeUnixNano": "5", "traceId": "0aff", "body": {"stringValue": "hi"}}]}]}]})
    for body, headers in [(line, {}), (gzip.compress(line), {"content_encoding": "gzip"})]:
        answer = post(receiver, "/v1/logs", body, content_type="application/json", **headers)
        assert answer == (200, b"{}")
    assert inbox[0] == inbox[1]
    record = parse(*inbox[0]).resource_logs[0].scope_logs[0].log_records[0]
    assert (record.time_unix_nano, record.trace_id, record.body.string_value) == (
        5, b"\x0a\xff", "hi")


@pytest.mark.parametrize(("path", "body", "headers", "status", "says"), [
    ("/v1/traces", b"\xff\xff\xff", {"content_type": "application/x-protobuf"}, 400, "no OTLP"),
    ("/v1/traces", b"{", {"content_type": "application/json"}, 400, "no JSON"),
    ("/v1/traces", b"[]", {"content_type": "application/json"}, 400, "an object"),
    ("/v1/traces", b"", {"content_type": "text/plain"}, 415, "Content-Type"),
    ("/v1/traces", b"x", {"content_type": "application/json", "content_encoding": "br"}, 415,
     "Content-Encoding"),
    ("/v1/traces", b"x", {"content_type": "application/json", "content_encoding": "gzip"}, 400,
     "compressed"),
    ("/v1/traces", gzip.compress(b"{}")[:-4],
     {"content_type": "application/json", "content_encoding": "gzip"}, 400, "ends early"),
    ("/v1/profiles", b"", {"content_type": "application/json"}, 404, "/v1/traces"),
])
def test_refuses_with_the_reason_and_goes_on(receiver, inbox, path, body, headers, status, says):
    code, answer = post(receiver, path, body, **headers)
    is_json = headers["content_type"] == "application/json"
    message = (orjson.loads(answer)["message"] if is_json
               else status_pb2.Status.FromString(answer).message)
    assert code == status
    assert says in message
    assert receiver.counts["refused"] == 1
    assert not inbox
    assert post(receiver, "/v1/traces", b"{}", content_type="application/json")[0] == 200
    assert len(inbox) == 1


def test_refuses_a_gzip_bomb(receiver, inbox, monkeypatch):
    monkeypatch.setattr("aiops.otlp.http.MAX_REQUEST_BYTES", 1000)
    bomb = gzip.compress(bytes(100_000))
    assert post(receiver, "/v1/traces", bomb, content_type="application/x-protobuf",
                content_encoding="gzip")[0] == 413
    assert not inbox


def test_grpc_refuses_bad_bytes_and_goes_on(receiver, inbox):
    with pytest.raises(grpc.RpcError) as caught:
        call(receiver, b"\xff\xff\xff")
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert "no OTLP traces request" in caught.value.details()
    assert call(receiver, b"") == b""
    assert receiver.counts["refused"] == 1
    assert inbox == [("traces", b"")]


def test_a_failing_sink_makes_the_sender_try_again(caplog):
    def sink(signal, data):
        raise OSError("disk full")

    with Receiver(sink) as receiver, caplog.at_level(logging.CRITICAL, "aiops.otlp.receiver"):
        with pytest.raises(grpc.RpcError) as caught:
            call(receiver, b"")
        assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
        assert "disk full" in caught.value.details()
        status, _ = post(receiver, "/v1/traces", b"{}", content_type="application/json")
        assert status == 503
        assert receiver.counts["failed"] == 2


def test_beyond_loopback_only_with_a_token():
    with pytest.raises(InputError, match="token"):
        Receiver(print, host="0.0.0.0")
    with pytest.raises(InputError, match="token"):
        Receiver(print, host="example.org")
    assert Receiver(print, host="0.0.0.0", token="s3cret").token == "s3cret"


def test_a_token_is_asked_of_both_protocols(inbox):
    with Receiver(lambda *request: inbox.append(request), token="s3cret") as receiver:
        with pytest.raises(grpc.RpcError) as caught:
            call(receiver, b"")
        assert caught.value.code() == grpc.StatusCode.UNAUTHENTICATED
        kind = {"content_type": "application/json"}
        assert post(receiver, "/v1/traces", b"{}", **kind, authorization="Bearer no")[0] == 401
        assert not inbox
        assert receiver.counts["refused"] == 2
        call(receiver, b"", metadata=(("authorization", "Bearer s3cret"),))
        assert post(receiver, "/v1/traces", b"{}", **kind, authorization="Bearer s3cret")[0] == 200
        assert len(inbox) == 2


def test_a_taken_port_is_an_error_that_says_so(receiver):
    with pytest.raises(InputError, match="cannot be bound"):
        Receiver(print, http_port=receiver.http_port).start()
    with pytest.raises(InputError, match="cannot be bound"):
        Receiver(print, grpc_port=receiver.grpc_port).start()
