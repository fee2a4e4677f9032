"""OTLP/HTTP: POST /v1/traces, /v1/logs, /v1/metrics; protobuf or JSON, plain or gzip, also chunked.

Source: https://opentelemetry.io/docs/specs/otlp/#otlphttp
"""

from __future__ import annotations

import logging
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, cast

import orjson
from google.rpc import status_pb2  # type: ignore[import-untyped]

from aiops.errors import DecodeError
from aiops.otlp import bodies, json, messages, ports
from aiops.otlp.bodies import Refusal

if TYPE_CHECKING:
    from aiops.otlp.receiver import Receiver

log = logging.getLogger(__name__)
NO_TOKEN = "This receiver wants 'authorization: Bearer <token>'; the token was missing or wrong."
_PROTOBUF, _JSON = "application/x-protobuf", "application/json"


class Server:
    """The HTTP half of a Receiver, in threads of its own."""

    def __init__(self, receiver: Receiver, host: str, port: int) -> None:
        try:
            self._server = _Listener(receiver, host, port)
        except OSError as error:
            raise ports.refusal(error, host, port, "--http-port") from error
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

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A sender that hung up before its answer is none of our errors."""
        if isinstance(error := sys.exception(), OSError):
            log.info("a sender hung up: %s", error)
        else:
            super().handle_error(request, client_address)


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
        try:
            body = bodies.read(self.rfile, self.headers)
        except OSError as error:  # silence, or a sender that hung up
            raise Refusal(408, f"The body did not come: {error}.") from error
        self._unread = False
        return bodies.unpack(body, self.headers.get("content-encoding", "identity").lower())

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
