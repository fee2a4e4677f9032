"""``aiops testbed``."""

from __future__ import annotations

import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aiops.commands.interrupts import handled
from aiops.commands.output import Json, reporting
from aiops.errors import TestbedError

if TYPE_CHECKING:
    from aiops.otlp import Receiver
    from aiops.testbed.shop import Shop

testbed = typer.Typer(no_args_is_help=True, help="A real shop with load and planted faults.")

Into = Annotated[Path, typer.Option("--into", help="Folder for the telemetry, as OTLP files.")]
Rate = Annotated[float, typer.Option(help="Mean requests per second.", min=0.1)]
Seed = Annotated[int, typer.Option(help="Draws traffic, content and order.")]


@testbed.command()
def up(into: Into = Path("experiments/testbed"), as_json: Json = False) -> None:
    """Start the shop and write its telemetry, until Ctrl-C or SIGTERM."""
    stop = threading.Event()
    with (reporting(as_json) as report,
          handled(lambda *_: stop.set(), signal.SIGINT, signal.SIGTERM)):
        with _running(into) as (shop, receiver):
            typer.echo(f"The shop answers on 127.0.0.1:{shop.ports['gateway']}. Load it: "
                       f"aiops testbed load {shop.ports['gateway']}. Ctrl-C ends it.", err=True)
            stop.wait()
        report(dict(receiver.counts))


@testbed.command()
def load(
    port: Annotated[int, typer.Argument(
        help="Port of the shop's gateway, as `up` says it.", min=1, max=65535)],
    seconds: Annotated[float, typer.Option(help="How long.", min=1)] = 60,
    rate: Rate = 10.0,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Send open-loop load of several journeys to a shop and sum up the answers.

    Exits with 1 when not one request was answered.
    """
    with reporting(as_json) as report:
        seen = _loaded(port, seconds, rate, seed)
        report(seen)
    if not seen["outcomes"]["answered"]:
        raise TestbedError(f"Nothing answered on port {port} of 127.0.0.1. Give the port that "
                           "`aiops testbed up` says, while it runs.")


@testbed.command()
def fault(
    name: Annotated[str, typer.Argument(help="The fault, or `list` for all of them.")],
    target: Annotated[str | None, typer.Option(help="Where; the first possible without.")] = None,
    before: Annotated[float, typer.Option(help="Seconds of load without the fault.", min=1)] = 60,
    during: Annotated[float, typer.Option(help="Seconds of load with the fault.", min=1)] = 45,
    strength: Annotated[str, typer.Option(
        help="How strong: `fair`, or `slow-burn` where the fault can grow.")] = "fair",
    rate: Rate = 10.0,
    seed: Seed = 0,
    into: Into = Path("experiments/testbed"),
    as_json: Json = False,
) -> None:
    """Start a shop, load it, plant one fault in it and sum up the answers before and during."""
    from aiops.testbed import faults

    with reporting(as_json) as report:
        if name == "list":
            report([{"fault": f.name, "layer": f.layer, "targets": ", ".join(f.targets),
                     "strengths": ", ".join(f.strengths)} for f in faults.KNOWN.values()])
            return
        planted = faults.find(name)
        where = target or planted.targets[0]
        truth = planted.truth(where, strength)
        with _running(into) as (shop, _):
            port = shop.ports["gateway"]
            normal = _loaded(port, before, rate, seed)
            with planted.planted(shop, where, strength):
                abnormal = _loaded(port, during, rate, seed + 1)
        report({"truth": truth, "before": normal, "during": abnormal})


@testbed.command()
def record(
    folder: Annotated[Path, typer.Argument(help="Folder of the data set; gone on with if begun.")],
    seed: Seed = 1,
    plan: Annotated[str, typer.Option(
        help="What is recorded: `shop`, or `parts` (faults of several parts, 32 minutes).")
    ] = "shop",
    rate: Rate = 10.0,
    busy: Annotated[
        bool, typer.Option("--busy", help="Record on a busy machine too, and say so in the data.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Record a labelled data set of incidents, disturbances, controls and normal traffic.

    Takes about 100 minutes (`shop`), waits for a quiet machine, and goes on where it was cut off.
    """
    from aiops.testbed import plan as plans
    from aiops.testbed import record as recorder

    drawn, windows = plans.find(plan)
    with reporting(as_json) as report:
        truth = recorder.record(folder, seed, drawn(seed), only_quiet=not busy,
                                requests_per_s=rate, min_windows=windows,
                                say=lambda text: typer.echo(text, err=True))
        report([{"id": name, **entry} for name, entry in truth.items()])


@testbed.command()
def summary(
    folder: Annotated[Path, typer.Argument(help="Folder of a recorded data set.")],
    as_json: Json = False,
) -> None:
    """What a recorded data set holds: one row a recording, and the totals."""
    from aiops.testbed import summary as summaries

    with reporting(as_json) as report:
        rows = summaries.rows(folder)
        if as_json:
            report({"totals": summaries.totals(rows), "recordings": rows})
        else:
            shown = ("id", "role", "fault", "target", "noticed_s", "silent", "p95_ms", "spoilt")
            report([{key: row[key] for key in shown} for row in rows])
            report(summaries.totals(rows))


@contextmanager
def _running(into: Path) -> Iterator[tuple[Shop, Receiver]]:
    """A shop whose telemetry is written to files in ``into``."""
    from aiops.otlp import Receiver, files
    from aiops.testbed.shop import Shop

    writer = files.Writer(into)
    try:
        with (
            tempfile.TemporaryDirectory(prefix="aiops-shop-") as folder,
            Receiver(writer) as receiver,
            Shop(folder, f"127.0.0.1:{receiver.grpc_port}") as shop,
        ):
            yield shop, receiver
    finally:
        writer.close()


def _loaded(port: int, seconds: float, rate: float, seed: int) -> dict[str, Any]:
    from aiops.testbed import load as loads

    settings = loads.Settings(port, seed, seconds, time.time() + loads.HEADROOM_S, rate)
    with tempfile.TemporaryDirectory(prefix="aiops-load-") as folder:
        generator = loads.Load(settings, Path(folder) / "load.json").start()
        try:
            return loads.summary(generator.wait())
        finally:
            generator.stop()
