"""``aiops serve`` and ``aiops models``."""

from __future__ import annotations

import signal
from typing import Annotated, Any

import typer

from aiops.commands.interrupts import handled
from aiops.commands.output import Json, reporting

Dataset = Annotated[str | None, typer.Argument(
    help="Data set, or its folder, that the model was trained on.", show_default="shop")]
Model = Annotated[str | None, typer.Option(
    help="Name of a registered model, instead of a data set.", show_default="DATASET-detector")]
# Figures for people, where a run has them.
SHOWN = ("vus_pr", "pr_auc", "event_recall", "false_alarms_per_hour", "ac_at_1", "ac_at_3")


def serve(
    dataset: Dataset = None,
    model: Model = None,
    version: Annotated[str, typer.Option(help="A version's number, or an alias.")] = "champion",
    host: Annotated[str, typer.Option(help="Loopback address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 5001,
    as_json: Json = False,
) -> None:
    """Serve a registered detector or ranker over HTTP, until Ctrl-C or SIGTERM.

    A detector scores rows of features; a ranker (`--model rank`) ranks the suspects of a Case.
    """
    from aiops import serving

    name = _name(dataset, model)
    url = f"http://{host}:{port}/invocations"
    with (reporting(as_json) as report,
          handled(signal.default_int_handler, signal.SIGTERM)):  # which ends it as Ctrl-C does
        serving.serve(name, version, host, port, lambda number: report(
            {"model": name, "version": number, "url": url}))


def models(dataset: Dataset = None, model: Model = None, as_json: Json = False) -> None:
    """List the registered versions of a model, with aliases and the figures of their runs.

    For people the main figures; with `--json` all.
    """
    from aiops import tracking

    name = _name(dataset, model)
    with reporting(as_json) as report:
        if dataset or model:
            tracking.known(name)
        rows = [_row(version, tracking.figures(version.run_id) if version.run_id else {})
                for version in tracking.versions(name)]
        report(rows if as_json else [_short(row) for row in rows])


def _name(dataset: str | None, model: str | None) -> str:
    from aiops import tracking

    if dataset and model:
        raise typer.BadParameter(f"Give a data set or --model, not both. Got {dataset}, {model}.")
    return model or tracking.named(dataset or "shop")


def _row(version: Any, figures: dict[str, float]) -> dict[str, Any]:
    from datetime import UTC, datetime

    return {"version": version.number, "aliases": list(version.aliases),
            "registered": datetime.fromtimestamp(version.created_ms / 1000, UTC).isoformat(),
            "run_id": version.run_id, "content": version.content, "figures": figures}


def _short(row: dict[str, Any]) -> dict[str, Any]:
    return {"version": row["version"], "aliases": ", ".join(row["aliases"]),
            "registered": row["registered"][:19],
            **{name: row["figures"][name] for name in SHOWN if name in row["figures"]}}
