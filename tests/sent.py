"""What services send, as OTLP requests: for tests of what becomes of it, not of the bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER = range(1, 6)
KINDS = {str: "string_value", int: "int_value"}


def attributes(told: Mapping[str, str | int]) -> list[KeyValue]:
    return [KeyValue(key=key, value={KINDS[type(value)]: value}) for key, value in told.items()]


def span(service: str, start_ns: int, duration_ns: int = 0, *, failed: bool = False,
         told: Mapping[str, str | int] | None = None, **fields: Any) -> ResourceSpans:
    """One span under its service; ``told`` are its attributes, ``fields`` as OTLP names them."""
    made = Span(start_time_unix_nano=start_ns, end_time_unix_nano=start_ns + duration_ns,
                attributes=attributes(told or {}), status={"code": 2 if failed else 0}, **fields)
    return ResourceSpans(resource={"attributes": attributes({"service.name": service})},
                         scope_spans=[{"spans": [made]}])


def traces(spans: Iterable[ResourceSpans]) -> bytes:
    return ExportTraceServiceRequest(resource_spans=spans).SerializeToString()


def metrics(service: str, sent: Iterable[Metric]) -> bytes:
    return ExportMetricsServiceRequest(resource_metrics=[{
        "resource": {"attributes": attributes({"service.name": service})},
        "scope_metrics": [{"metrics": sent}]}]).SerializeToString()
