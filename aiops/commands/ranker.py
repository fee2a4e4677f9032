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
    ranker: Annotated[str | None, typer.Option(
        help="Another ranker than the default; it is registered as `rank-NAME`.")] = None,
    as_json: Json = False,
) -> None:
    """Register a root-cause ranker once, the default one, so that `aiops serve` can serve it.

    As `rank`, or as `DATASET-rank` where it has seen that data set's past incidents.
    """
    from aiops import rca
    from aiops.workflows import ranker as workflow

    with reporting(as_json) as report:
        report(workflow.register(dataset, metrics, ranker or rca.DEFAULT))
