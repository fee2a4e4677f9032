"""``aiops receive``, ``aiops ingest`` and ``aiops lake``."""

from __future__ import annotations

import signal
import threading
from functools import cache
from pathlib import Path
from typing import Annotated

import typer

from aiops.commands.interrupts import handled
from aiops.commands.output import Json, reporting
from aiops.errors import DecodeError

Lake = Annotated[Path, typer.Option("--lake", help="The lake's folder; writers make it.")]

lake = typer.Typer(no_args_is_help=True, help="Ask the lake.")


def ingest(
    path: Annotated[Path, typer.Argument(help="An OTLP file, or a folder of them.")],
    into: Lake = Path("experiments/lake"),
    as_json: Json = False,
) -> None:
    """Read OTLP files into the lake and count what came.

    The Collector file exporter's JSON lines and length-prefixed protobuf; plain, gzip or zstd.
    A file of the same bytes is added once; a second run says so. Exits with 1 when something
    was refused; what was good beside it is added all the same.
    """
    from aiops import lake as lakes

    with reporting(as_json) as report:
        lakes.files_of(path)  # raises before a lake is made for nothing
        counts = lakes.open(into).ingest(path)
        report(counts)
    if counts["refused"]:
        raise DecodeError(f"{path}: {counts['refused']} refused, for the reasons above. What was "
                          f"good of it, {counts['requests']} requests, is in the lake {into}.")


def receive(
    into: Lake = Path("experiments/lake"),
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    grpc_port: Annotated[
        int, typer.Option(help="Port of OTLP/gRPC; 0 takes a free one.", min=0, max=65535)
    ] = 4317,
    http_port: Annotated[
        int, typer.Option(help="Port of OTLP/HTTP; 0 takes a free one.", min=0, max=65535)
    ] = 4318,
    token: Annotated[
        str | None,
        typer.Option(envvar="AIOPS_TOKEN", help="Bearer token, needed to bind beyond loopback."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Receive OTLP over gRPC and HTTP into the lake, until Ctrl-C or SIGTERM."""
    from aiops import lake as lakes
    from aiops.otlp import Receiver, decode

    stop, lock = threading.Event(), threading.Lock()
    opened = cache(lambda: lakes.open(into))  # made once the ports are ours

    def store(kind: str, data: bytes) -> None:
        with lock:
            opened().append(decode(kind, data))

    with (reporting(as_json) as report,
          handled(lambda *_: stop.set(), signal.SIGINT, signal.SIGTERM)):
        with Receiver(store, host, grpc_port, http_port, token) as receiver:
            with lock:
                opened()
            typer.echo(
                f"OTLP/gRPC on {host}:{receiver.grpc_port}, OTLP/HTTP on {host}:"
                f"{receiver.http_port}, into {into}. Ctrl-C ends it.",
                err=True,
            )
            stop.wait()
        report(dict(receiver.counts))


@lake.command()
def query(
    sql: Annotated[str, typer.Argument(help="SQL over the lake's views, as DuckDB takes it.")],
    into: Lake = Path("experiments/lake"),
    as_json: Json = False,
) -> None:
    """Run SQL over the lake and print the rows."""
    from aiops import lake as lakes

    with reporting(as_json) as report:
        report(lakes.open(into, create=False).sql(sql))


@lake.command()
def info(into: Lake = Path("experiments/lake"), as_json: Json = False) -> None:
    """Say what the lake holds: rows, times and bytes."""
    from aiops import lake as lakes

    with reporting(as_json) as report:
        report(lakes.open(into, create=False).info())
