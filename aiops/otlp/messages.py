"""The three export requests: the only messages that travel alone."""

from __future__ import annotations

from typing import Any

from google.protobuf.message import DecodeError as ProtobufError
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as traces

from aiops.errors import DecodeError

SIGNALS = ("traces", "logs", "metrics")
REQUESTS: dict[str, type[Message]] = {
    "traces": traces.ExportTraceServiceRequest,
    "logs": logs.ExportLogsServiceRequest,
    "metrics": metrics.ExportMetricsServiceRequest,
}


def check_signal(signal: str) -> str:
    if signal not in SIGNALS:
        raise DecodeError(f"A signal must be one of {', '.join(SIGNALS)}. Got {signal!r} instead.")
    return signal


def parse(signal: str, data: bytes) -> Any:
    """The export request in protobuf bytes; DecodeError when they are none."""
    request = REQUESTS[check_signal(signal)]()
    try:
        request.ParseFromString(data)
    except ProtobufError as error:
        raise DecodeError(
            f"{len(data)} bytes are no OTLP {signal} request ({error}). Expected a serialised "
            f"{request.DESCRIPTOR.name}; check that the sender speaks OTLP protobuf, "
            f"uncompressed or with its compression named."
        ) from error
    return request
