"""One service process: its server, its clients, its pool and cache, its control socket."""

import asyncio
import importlib
import json
import logging
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import grpc
import valkey.asyncio
from aiohttp import web
from opentelemetry import baggage, context, propagate
from opentelemetry.metrics import CallbackOptions, Observation
from psycopg_pool import AsyncConnectionPool

from aiops.errors import InputError
from aiops.testbed.hooks import Hooks
from aiops.testbed.instruments import Instruments
from aiops.testbed.names import CACHE_USERS, DATABASE_USERS, GRPC
from aiops.testbed.telemetry import Telemetry

Answer = dict[str, Any]
_CHANNEL = [("grpc.initial_reconnect_backoff_ms", 200), ("grpc.max_reconnect_backoff_ms", 1000),
            ("grpc.enable_http_proxy", 0)]


class InternalError(Exception):
    """What a handler did not foresee."""


class Refusal(Exception):
    """An answer other than 200."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Request:
    """What a handler gets, over HTTP and gRPC alike."""

    user: int = 0
    parts: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Settings:
    """What a service process is told at its start."""

    name: str
    version: str
    endpoint: str
    ports: dict[str, int]  # real ones; "nobody" is a port where nobody listens
    control: str  # path of the control socket


Handler = Callable[["Service", Request], Awaitable[Answer]]


class Service:
    """A running service; handlers get it as their first argument."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.name = settings, settings.name
        self.instruments = Instruments(settings.name)
        self.hooks = Hooks(settings.version)
        self.log = logging.getLogger(f"shop.{settings.name}")
        self._channels: dict[int, grpc.aio.Channel] = {}
        self._lag_s = 0.0

    async def run(self) -> None:
        """Serve until SIGTERM."""
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        await self._open()
        lag = asyncio.create_task(self._measure_lag())
        close = await (_serve_grpc(self) if self.name in GRPC else _serve_http(self))
        control = await asyncio.start_unix_server(self._control, self.settings.control)
        self.log.info("service %s %s started", self.name, self.settings.version)
        await stop.wait()
        control.close()
        await close()
        lag.cancel()
        await self._session.close()

    async def _open(self) -> None:
        ports = self.settings.ports
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=200, keepalive_timeout=30))
        if self.name in DATABASE_USERS:
            self.hooks.pool = self._pool = AsyncConnectionPool(
                f"host=127.0.0.1 port={ports['postgresql']} user=shop dbname=postgres "
                f"application_name={self.name}",
                min_size=1, max_size=4, open=False, kwargs={"autocommit": True})
            await self._pool.open(wait=True, timeout=15)
        if self.name in CACHE_USERS:
            self._cache = valkey.asyncio.Valkey(
                host="127.0.0.1", port=ports["valkey"], socket_timeout=1.0,
                socket_connect_timeout=0.5, decode_responses=True)
        self._observe()

    def _observe(self) -> None:
        meter = self.instruments.meter
        meter.create_observable_gauge(
            "app.event_loop.lag", [lambda _: [Observation(self._lag_s)]], unit="s")
        if self.hooks.pool is None:
            return
        pool = {"db.client.connection.pool.name": "shop"}

        def count(_: CallbackOptions) -> list[Observation]:
            stats = self._pool.get_stats()
            idle = stats.get("pool_available", 0)
            state = "db.client.connection.state"
            return [Observation(stats.get("pool_size", 0) - idle, {**pool, state: "used"}),
                    Observation(idle, {**pool, state: "idle"})]

        meter.create_observable_up_down_counter(
            "db.client.connection.count", [count], unit="{connection}")
        meter.create_observable_up_down_counter(
            "db.client.connection.pending_requests",
            [lambda _: [Observation(self._pool.get_stats().get("requests_waiting", 0), pool)]],
            unit="{request}")

    async def _measure_lag(self) -> None:
        """How late the loop wakes up: the worst of late, fading."""
        while True:
            due = time.perf_counter() + 0.25
            await asyncio.sleep(0.25)
            self._lag_s = max(time.perf_counter() - due, 0.8 * self._lag_s)

    async def _control(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            asked = json.loads(await reader.readline())
            if asked["verb"] == "set":
                await self.hooks.set(asked["hook"], asked["params"])
            elif asked["verb"] == "clear":
                await self.hooks.clear(asked["hook"])
            answer = "ok"
        except InputError as error:
            answer = str(error)
        writer.write(answer.encode())
        writer.close()
        await writer.wait_closed()

    # --- what handlers call ---------------------------------------------------------

    async def sql(self, table: str, text: str, *values: Any) -> list[tuple[Any, ...]]:
        """Rows of one statement; the span covers the wait for a connection (at most 2 s)."""
        with self.instruments.database("postgresql", text.split()[0], table, text):
            async with self._pool.connection(timeout=2) as connection:
                cursor = await connection.execute(text, values)
                return await cursor.fetchall() if cursor.description else []

    async def cache(self, command: str, *values: Any) -> Any:
        with self.instruments.database("valkey", command):
            return await self._cache.execute_command(command, *values)

    async def http(self, callee: str, method: str, route: str, body: Answer | None = None,
                   query: str = "", timeout_s: float = 3.0, **parts: Any) -> Answer:
        """The callee's answer to ``route`` filled with ``parts``; a Refusal is its 4xx or ours."""
        client = self.hooks.on.get("client", {})
        retries = client.get("retries", 0)
        for attempt in range(retries + 1):
            try:
                return await self._http(callee, method, route, route.format(**parts) + query,
                                        body, client.get("timeout_s") or timeout_s)
            except Refusal as refusal:
                if refusal.status < 500 or attempt == retries:
                    raise
                self.log.warning("retrying call to %s", callee,
                                 extra={"otel": {"app.attempt": attempt + 1}})
        raise AssertionError("unreachable")

    async def _http(self, callee: str, method: str, route: str, path: str,
                    body: Answer | None, timeout_s: float) -> Answer:
        url = f"http://127.0.0.1:{self._port(callee)}{path}"
        with self.instruments.http_client(callee, method, route, path) as call:
            headers: dict[str, str] = {}
            propagate.inject(headers)
            try:
                async with self._session.request(
                        method, url, json=body, headers=headers,
                        timeout=aiohttp.ClientTimeout(total=timeout_s)) as got:
                    answer: Answer = await got.json()
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                call.fail(type(error).__name__)
                raise self._failed(callee, type(error).__name__,
                                   isinstance(error, TimeoutError)) from error
            call.add(http__response__status_code=got.status)
            if got.status >= 400:
                call.fail(str(got.status))
                raise Refusal(502 if got.status >= 500 else got.status,
                              f"{callee} answered {got.status}")
            return answer

    async def rpc(self, callee: str, method: str, body: Answer,
                  timeout_s: float = 3.0) -> Answer:
        full = f"shop.{callee.capitalize()}/{method}"
        with self.instruments.rpc_client(callee, full) as call:
            headers: dict[str, str] = {}
            propagate.inject(headers)
            ask = self._channel(self._port(callee)).unary_unary(
                f"/{full}", request_serializer=_dumps, response_deserializer=json.loads)
            try:
                answer: Answer = await ask(body, timeout=timeout_s,
                                           metadata=tuple(headers.items()))
            except grpc.aio.AioRpcError as error:
                code = error.code().name
                call.add(rpc__response__status_code=code)
                call.fail(code)
                raise self._failed(callee, code, code == "DEADLINE_EXCEEDED") from error
            call.add(rpc__response__status_code="OK")
            return answer

    def _failed(self, callee: str, error: str, late: bool) -> Refusal:
        self.log.error("call to %s failed: %s", callee, error,
                       extra={"otel": {"peer.service": callee, "error.type": error}})
        return Refusal(504 if late else 503, f"{callee}: {error}")

    def _port(self, callee: str) -> int:
        if self.hooks.refuses(callee):
            return self.settings.ports["nobody"]
        redirected = self.hooks.on.get("redirect", {}).get("ports", {})
        return int(redirected.get(callee, self.settings.ports[callee]))

    def _channel(self, port: int) -> grpc.aio.Channel:
        if port not in self._channels:
            self._channels[port] = grpc.aio.insecure_channel(f"127.0.0.1:{port}", _CHANNEL)
        return self._channels[port]


def _dumps(value: Any) -> bytes:
    return json.dumps(value).encode()


async def _answer(service: Service, handler: Handler, route: str, version: str,
                  request: Request) -> tuple[int, Answer, str]:
    """Status, answer and error type of one request, whatever the handler does."""
    try:
        if wrong := await service.hooks.before(route, version):
            raise InternalError(wrong)
        return 200, await handler(service, request), ""
    except Refusal as refusal:
        return refusal.status, {"error": str(refusal)}, str(refusal.status)
    except Exception as error:  # a server answers 500 to what it did not foresee, and says so
        kind = type(error).__name__
        service.log.exception("unhandled error in %s", route)
        return 500, {"error": kind}, kind


async def _serve_http(service: Service) -> Callable[[], Awaitable[None]]:
    app = web.Application()
    module = importlib.import_module(f"aiops.testbed.services.{service.name}")
    for (method, route), handler in module.ROUTES.items():
        app.router.add_route(method, route, _http_handler(service, method, route, handler))
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", service.settings.ports[service.name],
                      reuse_port=True).start()
    return runner.cleanup


def _http_handler(service: Service, method: str, route: str, handler: Handler) -> Any:
    async def handle(got: web.Request) -> web.Response:
        headers = {key.lower(): value for key, value in got.headers.items()}
        session = _session(headers)
        request = Request(int(headers.get("x-user", 0)), dict(got.match_info), dict(got.query),
                          await got.json() if got.can_read_body else {})
        version = service.hooks.version(session)
        token = context.attach(baggage.set_baggage("session.id", session,
                                                   propagate.extract(headers)))
        try:
            with service.instruments.http_server(
                    method, route, got.path, version, None) as call:
                status, answer, error = await _answer(
                    service, handler, f"{method} {route}", version, request)
                call.add(http__response__status_code=status)
                if status >= 500:
                    call.fail(error)
                    if service.name == "gateway":
                        service.log.error("request failed", extra={"otel": {
                            "http.route": route, "http.response.status_code": status}})
        finally:
            context.detach(token)
        return web.Response(body=_dumps(answer), status=status, content_type="application/json")
    return handle


def _session(headers: dict[str, str]) -> str:
    """The session a request belongs to: what the caller passed on, else the user's."""
    passed = baggage.get_baggage("session.id", propagate.extract(headers))
    return str(passed or headers.get("x-session") or headers.get("x-user", "0"))


class _Methods(grpc.GenericRpcHandler):
    def __init__(self, service: Service, methods: dict[str, Handler]) -> None:
        self._service, self._methods = service, methods

    def service(self, details: grpc.HandlerCallDetails) -> Any:
        full = str(details.method)[1:]
        handler = self._methods.get(full.rpartition("/")[2])
        if handler is None:
            return None
        return grpc.unary_unary_rpc_method_handler(
            _grpc_handler(self._service, full, handler),
            request_deserializer=json.loads, response_serializer=_dumps)


def _grpc_handler(service: Service, full: str, handler: Handler) -> Any:
    async def handle(body: Answer, rpc: grpc.aio.ServicerContext) -> Answer:
        headers = {str(key): str(value) for key, value in rpc.invocation_metadata() or ()}
        version = service.hooks.version(_session(headers))
        with service.instruments.rpc_server(full, version, headers) as call:
            status, answer, error = await _answer(service, handler, full.rpartition("/")[2],
                                                  version, Request(body=body))
            call.add(rpc__response__status_code="OK" if status == 200 else "INTERNAL")
            if status != 200:
                call.fail(error)
        if status != 200:
            await rpc.abort(grpc.StatusCode.INTERNAL, str(answer["error"]))
        return answer
    return handle


async def _serve_grpc(service: Service) -> Callable[[], Awaitable[None]]:
    module = importlib.import_module(f"aiops.testbed.services.{service.name}")
    server = grpc.aio.server(options=[("grpc.so_reuseport", 1)])
    server.add_generic_rpc_handlers((_Methods(service, module.METHODS),))
    server.add_insecure_port(f"127.0.0.1:{service.settings.ports[service.name]}")
    await server.start()

    async def close() -> None:
        await server.stop(0.5)
    return close


def main(settings: Settings) -> None:
    """Body of a service process."""
    telemetry = Telemetry(settings.name, settings.version, settings.endpoint)
    try:
        Path(settings.control).unlink(missing_ok=True)
        asyncio.run(Service(settings).run())
    finally:
        telemetry.shutdown()
