"""OTLP/HTTP: POST /v1/traces, /v1/logs, /v1/metrics; protobuf or JSON, plain or gzip.

Source: https://opentelemetry.io/docs/specs/otlp/#otlphttp
"""

from __future__ import annotations

import socket
import threading
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, cast

import orjson
from google.rpc import status_pb2  # type: ignore[import-untyped]

from aiops.errors import DecodeError, InputError
from aiops.otlp import json, messages

if TYPE_CHECKING:
    from aiops.otlp.receiver import Receiver

MAX_REQUEST_BYTES = 64 * 2**20
NO_TOKEN = "This receiver wants 'authorization: Bearer <token>'; the token was missing or wrong."
_PROTOBUF, _JSON = "application/x-protobuf", "application/json"


class Refusal(Exception):
    """An answer other than 200."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Server:
    """The HTTP half of a Receiver, in threads of its own."""

    def __init__(self, receiver: Receiver, host: str, port: int) -> None:
        try:
            self._server = _Listener(receiver, host, port)
        except OSError as error:
            raise InputError(
                f"Port {port} of {host} cannot be bound for OTLP/HTTP ({error}): is another "
                f"receiver running? Choose another port, or 0 for any."
            ) from error
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,),
                                        name="otlp-http", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.hang_up()
        self._server.server_close()


class _Listener(ThreadingHTTPServer):
    daemon_threads = False  # so that server_close waits for requests under way

    def __init__(self, receiver: Receiver, host: str, port: int) -> None:
        self.receiver = receiver
        self.idle: set[socket.socket] = set()
        self.closing = False
        self.guard = threading.Lock()
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Request)

    def hang_up(self) -> None:
        """Close connections kept alive between requests; busy ones close after theirs."""
        with self.guard:
            self.closing = True
            for connection in self.idle:
                connection.shutdown(socket.SHUT_RD)


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60  # seconds of silence on one connection
    server: Any
    connection: socket.socket

    def handle_one_request(self) -> None:
        with self.server.guard:
            if self.server.closing:
                self.close_connection = True
                return
            self.server.idle.add(self.connection)
        try:
            super().handle_one_request()
        finally:
            with self.server.guard:
                self.server.idle.discard(self.connection)

    def parse_request(self) -> bool:
        with self.server.guard:
            self.server.idle.discard(self.connection)
        return super().parse_request()

    def do_POST(self) -> None:
        receiver = cast("Receiver", self.server.receiver)
        try:
            if not receiver.allows(self.headers.get("authorization")):
                raise Refusal(401, NO_TOKEN)
            signal, data = self._read(receiver)
            receiver.accept(signal, data)
        except Refusal as refusal:
            self._fail(refusal.status, str(refusal))
        except DecodeError as error:
            self._fail(400, str(error))
        except Exception as error:  # noqa: BLE001 - the sink's; the Receiver has counted it
            self._fail(503, f"Not stored, try again: {error}")
        else:
            self._answer(200, b"{}" if self._is_json else b"")

    def do_GET(self) -> None:
        self._fail(405, "OTLP/HTTP takes POST to /v1/traces, /v1/logs and /v1/metrics.")

    @property
    def _is_json(self) -> bool:
        return self.headers.get_content_type() == _JSON

    def _read(self, receiver: Receiver) -> tuple[str, bytes]:
        try:
            signal, kind = self._signal(), self.headers.get_content_type()
            if kind not in (_PROTOBUF, _JSON):
                raise Refusal(415, f"Content-Type must be {_PROTOBUF} or {_JSON}. Got {kind}.")
            body = self._body()
            return signal, json.to_protobuf(signal, body) if self._is_json else body
        except (Refusal, DecodeError):
            receiver.count("refused")
            raise

    def _signal(self) -> str:
        signal = self.path.split("?")[0].rstrip("/").removeprefix("/v1/")
        if signal not in messages.SIGNALS:
            raise Refusal(404, f"No {self.path}: there are /v1/traces, /v1/logs, /v1/metrics.")
        return signal

    def _body(self) -> bytes:
        length = self.headers.get("content-length", "")
        if not length.isdigit():
            raise Refusal(411, "Content-Length is missing; chunked bodies are not taken.")
        if int(length) > MAX_REQUEST_BYTES:
            raise Refusal(413, f"A request may have {MAX_REQUEST_BYTES} bytes. Got {length}.")
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise Refusal(400, f"The body ended after {len(body)} of {length} bytes.")
        self._unread = False
        coding = self.headers.get("content-encoding", "identity").lower()
        if coding == "identity":
            return body
        if coding in ("gzip", "deflate"):
            return inflate(body)
        raise Refusal(415, f"Content-Encoding must be gzip or deflate. Got {coding}.")

    _unread = True

    def _fail(self, status: int, message: str) -> None:
        if self._unread:
            self.close_connection = True  # what follows is the body, not a request
        detail = {"code": {400: 3, 401: 16, 404: 5, 503: 14}.get(status, 3), "message": message}
        if self._is_json:
            self._answer(status, orjson.dumps(detail))
        else:
            self._answer(status, status_pb2.Status(**detail).SerializeToString())

    def _answer(self, status: int, body: bytes) -> None:
        self._unread = True
        self.send_response(status)
        self.send_header("Content-Type", _JSON if self._is_json else _PROTOBUF)
        self.send_header("Content-Length", str(len(body)))
        if status == 503:
            self.send_header("Retry-After", "1")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass  # counts tell; the answer said why


def inflate(body: bytes) -> bytes:
    """A gzip or zlib body, no larger than a request may be."""
    machine = zlib.decompressobj(zlib.MAX_WBITS | 32)
    try:
        data = machine.decompress(body, MAX_REQUEST_BYTES + 1)
    except zlib.error as error:
        raise DecodeError(f"The compressed body cannot be read: {error}.") from error
    if len(data) > MAX_REQUEST_BYTES:
        raise Refusal(413, f"The body unpacks to more than {MAX_REQUEST_BYTES} bytes.")
    if not machine.eof:
        raise DecodeError(f"The compressed body ends early, after {len(body)} bytes.")
    return data
