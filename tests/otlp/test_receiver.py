"""The receiver against the real SDK's exporters, and against bytes that are no OTLP."""

import gzip
import logging
import random
import socket
import urllib.error
import urllib.request

import grpc
import httpx
import orjson
import pytest
from google.rpc import status_pb2
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from aiops.errors import InputError
from aiops.otlp import Receiver, decode
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
    monkeypatch.setattr("aiops.otlp.bodies.MAX_REQUEST_BYTES", 1000)
    bomb = gzip.compress(bytes(100_000))
    assert post(receiver, "/v1/traces", bomb, content_type="application/x-protobuf",
                content_encoding="gzip")[0] == 413
    assert not inbox


PROTOBUF = {"content-type": "application/x-protobuf"}
JSON = {"content-type": "application/json"}


@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_takes_a_chunked_body_of_a_real_client_on_one_connection(receiver, inbox, coding):
    line = orjson.dumps({"resourceLogs": [{"schemaUrl": "x" * 10_000}]})
    body = gzip.compress(line) if coding == "gzip" else line
    with httpx.Client(base_url=f"http://127.0.0.1:{receiver.http_port}") as client:
        for size in (1, 7, len(body)):
            parts = (body[i:i + size] for i in range(0, len(body), size))
            answer = client.post("/v1/logs", content=parts,
                                 headers={**JSON, "content-encoding": coding})
            assert answer.request.headers["transfer-encoding"] == "chunked"
            assert "content-length" not in answer.request.headers
            assert (answer.status_code, answer.content) == (200, b"{}")
    assert [parse(*request).resource_logs[0].schema_url for request in inbox] == ["x" * 10_000] * 3
    assert receiver.counts["refused"] == 0


@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_a_chunked_body_has_the_same_limits(receiver, inbox, monkeypatch, coding):
    monkeypatch.setattr("aiops.otlp.bodies.MAX_REQUEST_BYTES", 1000)
    body = gzip.compress(bytes(100_000)) if coding == "gzip" else bytes(1001)
    answer = httpx.post(f"http://127.0.0.1:{receiver.http_port}/v1/traces", content=iter([body]),
                        headers={**PROTOBUF, "content-encoding": coding})
    assert answer.status_code == 413
    assert receiver.counts["refused"] == 1
    assert not inbox


def test_a_gzip_body_of_two_members_is_read_whole(receiver, inbox):
    line = orjson.dumps({"resourceLogs": [{"schemaUrl": "a"}]})
    body = gzip.compress(line[:9]) + gzip.compress(line[9:])
    assert post(receiver, "/v1/logs", body, content_type="application/json",
                content_encoding="gzip")[0] == 200
    assert parse(*inbox[0]).resource_logs[0].schema_url == "a"


def speak(receiver, *parts):
    """Send raw bytes, hang up, and read what comes back."""
    with socket.create_connection(("127.0.0.1", receiver.http_port), timeout=10) as connection:
        for part in parts:
            connection.sendall(part)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


HEAD = b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n"


@pytest.mark.parametrize(("sent", "status", "says"), [
    (CHUNKED + b"\r\n2\r\n{}\r\n0\r\n\r\n", 200, b"{}"),
    (CHUNKED + b"\r\n2;name=value\r\n{}\r\n0\r\nTrailer: x\r\n\r\n", 200, b"{}"),
    (CHUNKED + b"\r\n2\r\n{}\r\n", 400, b"breaks off"),
    (CHUNKED + b"\r\n9\r\n{}\r\n", 400, b"ended after 4 of 9"),
    (CHUNKED + b"\r\n1\r\n{}\r\n0\r\n\r\n", 400, b"longer than it said"),
    (CHUNKED + b"\r\n-2\r\n{}\r\n0\r\n\r\n", 400, b"size in hex"),
    (CHUNKED + b"\r\n0x2\r\n{}\r\n0\r\n\r\n", 400, b"size in hex"),
    (CHUNKED + b"\r\n" + b"f" * 4000 + b"\r\n", 400, b"size in hex"),
    (CHUNKED + b"\r\n" + b"f" * 16 + b"\r\n", 413, b"may have"),
    (CHUNKED + b"\r\n" + b"1" * 5000, 400, b"4096 bytes long"),
    (CHUNKED + b"\r\n0\r\n" + b"a: b\r\n" * 200, 400, b"trailers"),
    (CHUNKED + b"Content-Length: 2\r\n\r\n{}", 400, b"exclude each other"),
    (HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n", 501, b"must be chunked"),
    (HEAD + b"\r\n{}", 411, b"Content-Length"),
    (HEAD + b"Content-Length: -2\r\n\r\n{}", 411, b"Content-Length"),
    (HEAD + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", 411, b"Content-Length"),
    (HEAD + b"Content-Length: 99999999999\r\n\r\n", 413, b"may have"),
    (HEAD + b"Content-Length: 9\r\n\r\n{}", 400, b"ended after 2 of 9"),
])
def test_how_a_body_ends_decides_what_is_taken(receiver, inbox, sent, status, says):
    answer = speak(receiver, sent)
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert says in answer
    assert receiver.counts["refused"] == len(inbox) ^ 1 == (status != 200)
    assert answer.count(b"HTTP/1.1") == 1  # the rest of a bad body is no second request
    assert post(receiver, "/v1/traces", b"{}", content_type="application/json")[0] == 200


def test_a_sender_that_hangs_up_is_counted_and_others_are_served(receiver, inbox, capfd):
    for sent in (CHUNKED + b"\r\n2\r\n{", HEAD + b"Content-Length: 9\r\n\r\n{", HEAD, b"\x16\x03"):
        connection = socket.create_connection(("127.0.0.1", receiver.http_port), timeout=10)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.sendall(sent)
        connection.close()  # with SO_LINGER 0: reset, not ended
    assert post(receiver, "/v1/traces", b"{}", content_type="application/json")[0] == 200
    receiver.stop()
    assert receiver.counts["traces"] == len(inbox) == 1
    assert receiver.counts["refused"] == 2
    assert "Traceback" not in capfd.readouterr().err


def test_silence_in_a_body_ends_in_a_refusal(receiver, monkeypatch):
    monkeypatch.setattr("aiops.otlp.http._Request.timeout", 0.2)
    with socket.create_connection(("127.0.0.1", receiver.http_port), timeout=10) as connection:
        connection.sendall(HEAD + b"Content-Length: 9\r\n\r\n{")
        assert connection.recv(65536).startswith(b"HTTP/1.1 408 ")
    assert receiver.counts["refused"] == 1


def test_mangled_requests_never_stop_the_receiver(receiver, inbox):
    good = parse("traces", b"")
    for i in range(20):
        span = good.resource_spans.add().scope_spans.add().spans.add(name=f"s{i}", trace_id=b"t")
        span.attributes.add(key="k").value.string_value = "v"
    draw, good = random.Random(0), good.SerializeToString()
    with httpx.Client(base_url=f"http://127.0.0.1:{receiver.http_port}") as client:
        for _ in range(300):
            mangled = bytearray(good)
            for _ in range(draw.randint(1, 8)):
                mangled[draw.randrange(len(good))] = draw.randrange(256)
            answer = client.post("/v1/traces", content=bytes(mangled), headers=PROTOBUF)
            assert answer.status_code in (200, 400)
        assert client.post("/v1/traces", content=good, headers=PROTOBUF).status_code == 200
    assert receiver.counts["traces"] == len(inbox)
    assert receiver.counts["traces"] + receiver.counts["refused"] == 301
    assert receiver.counts["refused"] > 100
    assert all(decode("traces", data)["spans"].num_rows <= 20 for _, data in inbox)


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
    with pytest.raises(InputError, match="is taken by another process"):
        Receiver(print, http_port=receiver.http_port).start()
    with pytest.raises(InputError, match="is taken by another process"):
        Receiver(print, grpc_port=receiver.grpc_port).start()


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
def test_grpc_refuses_what_is_too_large_also_when_unpacked(inbox, monkeypatch, compression):
    monkeypatch.setattr("aiops.otlp.bodies.MAX_REQUEST_BYTES", 10_000)
    large = parse("traces", b"")
    large.resource_spans.add(schema_url="x" * 100_000)
    with (Receiver(lambda *request: inbox.append(request)) as receiver,
          grpc.insecure_channel(f"127.0.0.1:{receiver.grpc_port}") as channel):
        export = channel.unary_unary(EXPORT)
        with pytest.raises(grpc.RpcError) as caught:
            export(large.SerializeToString(), timeout=10, compression=compression)
        assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert export(b"", timeout=10) == b""
    assert inbox == [("traces", b"")]
