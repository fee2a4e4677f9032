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
    window: Annotated[float, typer.Option(help="Length of the base window in seconds.")] = 60.0,
    timezone: Annotated[str, typer.Option(help="IANA time zone of the calendar columns.")] = "UTC",
    as_json: Json = False,
) -> None:
    """Compute the feature row of each service and window, and the service graph, from a lake.

    Writes features.parquet and topology.parquet.
    """
    import pyarrow.parquet as pq

    from aiops import features
    from aiops import lake as lakes

    with reporting(as_json) as report:
        connection = lakes.open(lake, create=False).connection
        tables = {
            "features": features.windows(connection, window, timezone=timezone),
            "topology": features.topology(connection, window),
        }
        out.mkdir(parents=True, exist_ok=True)
        for name, table in tables.items():
            part = out / f"{name}.parquet.part"
            pq.write_table(table, part, compression="zstd")
            part.replace(out / f"{name}.parquet")
        report([{"table": name, "rows": len(table), "path": str(out / f"{name}.parquet")}
                for name, table in tables.items()])
