"""``aiops register-ranker``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aiops.commands.output import Json, reporting


def register_ranker(
    dataset: Annotated[str | None, typer.Argument(
        help="Data set, or its folder, whose past incidents the ranker sees, unlabelled.",
        show_default="none: it knows no system, and serves any")] = None,
    metrics: Annotated[Path | None, typer.Option(
        help="Folder of `aiops pipeline rank`'s figures, to keep with the run.",
        exists=True, file_okay=False)] = None,
    as_json: Json = False,
) -> None:
    """Register the default root-cause ranker once, so that `aiops serve` can serve it.

    As `rank`, or as `DATASET-rank` where it has seen that data set's past incidents.
    """
    from aiops.workflows import ranker

    with reporting(as_json) as report:
        report(ranker.register(dataset, metrics))
