"""The OpenTelemetry SDK of one service: resource, providers, log handler, process metrics."""

import logging
import os
import random
import threading
import time
from collections.abc import Iterable
from pathlib import Path

import psutil
from opentelemetry import context, metrics, trace
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider, ObservableCounter
from opentelemetry.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator

METRIC_INTERVAL_S = 5
FLUSH_DEADLINE_S = 5.0  # with the receiver down the SDK's own shutdown takes 30 s
_CLONE = f"{Path(__file__).resolve().parents[2]}/"
_SEVERITY = {10: SeverityNumber.DEBUG, 20: SeverityNumber.INFO, 30: SeverityNumber.WARN,
             40: SeverityNumber.ERROR, 50: SeverityNumber.FATAL}


class Ids(IdGenerator):
    """Random trace ids, span ids counted from a random start: they pack to half the bytes."""

    def __init__(self) -> None:
        self._random = random.Random()  # of its own: random.seed() elsewhere repeats nothing
        self._next = self._random.getrandbits(63)

    def generate_trace_id(self) -> int:
        return self._random.getrandbits(128) or 1

    def generate_span_id(self) -> int:
        self._next = (self._next + 1) & (2**64 - 1) or 1
        return self._next


class Handler(logging.Handler):
    """Log records to OTLP, linked to the current span; ``extra={"otel": {...}}`` is attributes."""

    def __init__(self, provider: LoggerProvider) -> None:
        super().__init__()
        self._provider = provider

    def emit(self, record: logging.LogRecord) -> None:
        # the exporter's own complaints would multiply while the receiver is down
        if record.name.startswith(("opentelemetry", "grpc")):
            return
        attributes = dict(getattr(record, "otel", {}))
        if record.exc_info and record.exc_info[0]:
            attributes["exception.type"] = record.exc_info[0].__name__
            attributes["exception.message"] = str(record.exc_info[1])
            attributes["exception.stacktrace"] = logging.Formatter().formatException(
                record.exc_info).replace(_CLONE, "")  # whose machine it was is nobody's business
        self._provider.get_logger(record.name).emit(LogRecord(
            timestamp=int(record.created * 1e9), observed_timestamp=time.time_ns(),
            context=context.get_current(), severity_text=record.levelname,
            severity_number=_SEVERITY.get(record.levelno, SeverityNumber.INFO),
            body=record.getMessage(), attributes=attributes))


class Telemetry:
    """The three providers of this process, exporting OTLP/gRPC to ``endpoint``."""

    def __init__(self, service: str, version: str, endpoint: str) -> None:
        resource = Resource.create({
            "service.name": service, "service.namespace": "shop", "service.version": version,
            "service.instance.id": f"{service}-1", "process.pid": os.getpid(),
            "host.name": "shop-host"})
        target = f"http://{endpoint}"
        self.traces = TracerProvider(resource=resource, id_generator=Ids())
        self.traces.add_span_processor(BatchSpanProcessor(
            OTLPSpanExporter(endpoint=target, insecure=True),
            schedule_delay_millis=2000, max_queue_size=8192, max_export_batch_size=2048))
        delta = AggregationTemporality.DELTA
        self.metrics = MeterProvider(resource=resource, metric_readers=[
            PeriodicExportingMetricReader(
                OTLPMetricExporter(endpoint=target, insecure=True, preferred_temporality={
                    Counter: delta, Histogram: delta, ObservableCounter: delta}),
                export_interval_millis=METRIC_INTERVAL_S * 1000)])
        self.logs = LoggerProvider(resource=resource)
        self.logs.add_log_record_processor(BatchLogRecordProcessor(
            OTLPLogExporter(endpoint=target, insecure=True), schedule_delay_millis=2000))
        trace.set_tracer_provider(self.traces)
        metrics.set_meter_provider(self.metrics)
        root = logging.getLogger()
        root.setLevel(logging.INFO)
        root.addHandler(Handler(self.logs))
        for name in ("aiohttp.access", "asyncio"):
            logging.getLogger(name).setLevel(logging.WARNING)
        _process_metrics(self.metrics.get_meter("aiops.testbed.process"))

    def shutdown(self) -> None:
        """Flush and end, within the deadline."""
        ends = [threading.Thread(target=provider.shutdown, daemon=True)
                for provider in (self.traces, self.metrics, self.logs)]
        for end in ends:
            end.start()
        deadline = time.monotonic() + FLUSH_DEADLINE_S
        for end in ends:
            end.join(max(0.0, deadline - time.monotonic()))


def _process_metrics(meter: metrics.Meter) -> None:
    process = psutil.Process()

    def cpu(_: CallbackOptions) -> Iterable[Observation]:
        times = process.cpu_times()
        return [Observation(times.user, {"cpu.mode": "user"}),
                Observation(times.system, {"cpu.mode": "system"})]

    def disk(_: CallbackOptions) -> Iterable[Observation]:
        moved = process.io_counters()
        return [Observation(moved.read_bytes, {"disk.io.direction": "read"}),
                Observation(moved.write_bytes, {"disk.io.direction": "write"})]

    meter.create_observable_counter("process.cpu.time", [cpu], unit="s")
    meter.create_observable_counter("process.disk.io", [disk], unit="By")
    meter.create_observable_up_down_counter(
        "process.memory.usage", [lambda _: [Observation(process.memory_info().rss)]], unit="By")
    meter.create_observable_up_down_counter(
        "process.thread.count", [lambda _: [Observation(process.num_threads())]],
        unit="{thread}")
