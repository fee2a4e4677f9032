"""Takes OTLP from the network: gRPC and HTTP, protobuf and JSON, gzip.

A request is validated, handed to a sink as serialised protobuf, then acknowledged; what
is no OTLP is refused with the reason and counted, and the receiver goes on.
"""

from __future__ import annotations

import hmac
import logging
import os
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self

os.environ.setdefault("GRPC_VERBOSITY", "ERROR")  # else it tells of every process started
import grpc

from aiops.errors import DecodeError, UsageError
from aiops.otlp import bodies, http, messages, ports
from aiops.otlp.loopback import is_loopback

log = logging.getLogger(__name__)
Sink = Callable[[str, bytes], Any]
_SERVICES = {
    "/opentelemetry.proto.collector.trace.v1.TraceService/Export": "traces",
    "/opentelemetry.proto.collector.logs.v1.LogsService/Export": "logs",
    "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export": "metrics",
}


class Receiver:
    """Hands every valid request to ``sink(signal, bytes)``, from threads of its own.

    ``host`` other than loopback needs a ``token``, which senders give as
    ``authorization: Bearer <token>``. Port 0 takes a free one; after ``start`` the
    attributes ``grpc_port`` and ``http_port`` tell which. ``counts`` holds accepted
    requests by signal, ``refused`` ones (no OTLP, or no token) and ``failed`` ones (the
    sink raised; the sender is told to try again).
    """

    def __init__(self, sink: Sink, host: str = "127.0.0.1", grpc_port: int = 0,
                 http_port: int = 0, token: str | None = None) -> None:
        if not token and not is_loopback(host):
            raise UsageError(
                f"Receiver would listen on {host!r} for anyone. Give a token, or bind "
                f"to loopback (127.0.0.1)."
            )
        self.sink, self.host, self.token = sink, host, token
        self.grpc_port, self.http_port = grpc_port, http_port
        names = (*messages.SIGNALS, "refused", "failed")
        self.counts: Counter[str] = Counter(dict.fromkeys(names, 0))
        self._lock = threading.Lock()
        self._grpc: grpc.Server | None = None
        self._http: http.Server | None = None

    def start(self) -> Self:
        server = grpc.server(
            ThreadPoolExecutor(4, "otlp-grpc"), handlers=[_Handler(self)],
            options=[("grpc.max_receive_message_length", bodies.MAX_REQUEST_BYTES),
                     ("grpc.so_reuseport", 0)],
        )
        # gRPC binds by itself, and tells why it cannot in its own log lines alone: ask before.
        ports.listening(self.host, self.grpc_port, "--grpc-port").close()
        self._http = http.Server(self, self.host, self.http_port)
        self.http_port = self._http.port
        host = f"[{self.host}]" if ":" in self.host else self.host
        self.grpc_port = server.add_insecure_port(f"{host}:{self.grpc_port}")
        self._grpc = server
        server.start()
        self._http.start()
        return self

    def stop(self) -> None:
        """Finish the requests under way, then release the ports."""
        if self._grpc:
            self._grpc.stop(grace=2).wait()
        if self._http:
            self._http.stop()
        self._grpc = self._http = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.stop()

    def allows(self, authorization: str | None) -> bool:
        """Whether this header opens the door; a refusal is counted."""
        if not self.token:
            return True
        expected = f"Bearer {self.token}".encode()
        if hmac.compare_digest((authorization or "").encode(), expected):
            return True
        self.count("refused")
        return False

    def accept(self, signal: str, data: bytes) -> None:
        """Validate, hand over, count. Raises DecodeError, or what the sink raised."""
        try:
            messages.parse(signal, data)
        except DecodeError:
            self.count("refused")
            raise
        try:
            self.sink(signal, data)
        except Exception:
            self.count("failed")
            log.exception("the sink failed on a %s request of %d bytes", signal, len(data))
            raise
        self.count(signal)

    def count(self, what: str) -> None:
        with self._lock:
            self.counts[what] += 1


class _Handler(grpc.GenericRpcHandler):
    """Takes the three Export calls as raw bytes."""

    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver

    def service(self, handler_call_details: Any) -> grpc.RpcMethodHandler | None:
        signal = _SERVICES.get(handler_call_details.method)
        if signal is None:
            return None

        def export(data: bytes, context: grpc.ServicerContext) -> bytes:
            return self.export(signal, data, context)

        return grpc.unary_unary_rpc_method_handler(export)

    def export(self, signal: str, data: bytes, context: grpc.ServicerContext) -> bytes:
        headers = dict(context.invocation_metadata())
        if not self.receiver.allows(headers.get("authorization")):
            context.abort(grpc.StatusCode.UNAUTHENTICATED, http.NO_TOKEN)
        try:
            self.receiver.accept(signal, data)
        except DecodeError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        except Exception as error:  # noqa: BLE001 - the sink's; accept has counted it
            context.abort(grpc.StatusCode.UNAVAILABLE, f"Not stored, try again: {error}")
        return b""
