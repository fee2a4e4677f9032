"""Spans and metrics by hand, after the semantic conventions: servers, clients, databases."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from opentelemetry import metrics, propagate, trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from aiops.testbed.names import PORTS, SECONDS

_HISTOGRAMS = ("http.server.request.duration", "http.client.request.duration",
               "rpc.server.call.duration", "rpc.client.call.duration",
               "db.client.operation.duration")
_COUNTERS = {"app.orders": "{order}", "app.revenue": "{USD}", "app.cart.items": "{item}",
             "app.cache.requests": "{request}", "app.payments": "{payment}",
             "app.notifications": "{notification}"}
Attributes = dict[str, Any]


class Call:
    """One operation under way: its span, and what its histogram point will carry."""

    def __init__(self, span: Span, point: Attributes) -> None:
        self.span, self.point = span, point

    def add(self, **both: Any) -> None:
        """Attributes of the span and the point; ``__`` stands for a dot."""
        for key, value in both.items():
            self.span.set_attribute(key.replace("__", "."), value)
            self.point[key.replace("__", ".")] = value

    def fail(self, error: str) -> None:
        self.add(error__type=error)
        self.span.set_status(Status(StatusCode.ERROR))


class Instruments:
    """The tracer and instruments of one service."""

    def __init__(self, service: str) -> None:
        self.service = service
        self.tracer = trace.get_tracer("aiops.testbed")
        meter = metrics.get_meter("aiops.testbed")
        self.meter = meter
        self._durations = {name: meter.create_histogram(
            name, unit="s", explicit_bucket_boundaries_advisory=SECONDS) for name in _HISTOGRAMS}
        self._counters = {name: meter.create_counter(name, unit=unit)
                          for name, unit in _COUNTERS.items()}

    def count(self, name: str, amount: float = 1, **attributes: str) -> None:
        self._counters[name].add(
            amount, {key.replace("__", "."): value for key, value in attributes.items()})

    @contextmanager
    def _timed(self, metric: str, name: str, kind: SpanKind, span: Attributes,
               point: Attributes, carrier: Any = None) -> Iterator[Call]:
        started = time.perf_counter()
        parent = None if carrier is None else propagate.extract(carrier)
        with self.tracer.start_as_current_span(
                name, context=parent, kind=kind, attributes={**span, **point},
                record_exception=False, set_status_on_exception=False) as current:
            call = Call(current, dict(point))
            try:
                yield call
            except BaseException as error:
                call.fail(type(error).__name__)
                raise
            finally:
                self._durations[metric].record(time.perf_counter() - started, call.point)

    def http_server(self, method: str, route: str, path: str, version: str,
                    carrier: Any) -> Any:
        return self._timed(
            "http.server.request.duration", f"{method} {route}", SpanKind.SERVER,
            {"url.path": path, "server.address": self.service,
             "server.port": PORTS[self.service], "service.version": version},
            {"http.request.method": method, "http.route": route}, carrier)

    def http_client(self, callee: str, method: str, route: str, path: str) -> Any:
        return self._timed(
            "http.client.request.duration", f"{method} {route}", SpanKind.CLIENT,
            {"url.full": f"http://{callee}:{PORTS[callee]}{path}", "peer.service": callee,
             "server.port": PORTS[callee]},
            {"http.request.method": method, "server.address": callee})

    def rpc_server(self, method: str, version: str, carrier: Any) -> Any:
        return self._timed(
            "rpc.server.call.duration", method, SpanKind.SERVER,
            {"server.address": self.service, "server.port": PORTS[self.service],
             "service.version": version},
            {"rpc.system.name": "grpc", "rpc.method": method}, carrier)

    def rpc_client(self, callee: str, method: str) -> Any:
        return self._timed(
            "rpc.client.call.duration", method, SpanKind.CLIENT,
            {"peer.service": callee, "server.port": PORTS[callee]},
            {"rpc.system.name": "grpc", "rpc.method": method, "server.address": callee})

    def database(self, system: str, operation: str, collection: str = "",
                 text: str = "") -> Any:
        point = {"db.system.name": system, "db.operation.name": operation,
                 "server.address": system}
        if collection:
            point["db.collection.name"] = collection
        span = {"server.port": PORTS[system], "peer.service": system}
        if text:
            span |= {"db.query.text": text, "db.namespace": "shop"}
        return self._timed("db.client.operation.duration", f"{operation} {collection}".strip(),
                           SpanKind.CLIENT, span, point)
