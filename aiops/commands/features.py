"""``aiops featurize``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aiops.commands.output import Json, reporting


def featurize(
    lake: Annotated[Path, typer.Option("--lake", help="Folder of the lake.")] = Path(
        "experiments/lake"
    ),
    out: Annotated[Path, typer.Option(help="Folder for both tables.")] = Path("experiments"),
    window: Annotated[
        float, typer.Option(help="Length of the base window in seconds.", min=0.001)
    ] = 60.0,
    timezone: Annotated[str, typer.Option(help="IANA time zone of the calendar columns.")] = "UTC",
    as_json: Json = False,
) -> None:
    """Compute the feature row of each service and window, and the service graph, from a lake.

    Writes features.parquet and topology.parquet.
    """
    from aiops.workflows import stages

    with reporting(as_json) as report:
        rows = stages.featurize(lake, out, window, timezone)
        report([{"table": name, "rows": count, "path": str(out / f"{name}.parquet")}
                for name, count in rows.items()])
