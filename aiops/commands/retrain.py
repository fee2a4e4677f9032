"""``aiops retrain``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aiops.commands.output import Json, reporting
from aiops.commands.settings import named


def retrain(
    dataset: Annotated[Path, typer.Argument(help="Folder of a recorded data set, or its name.")],
    detector: Annotated[
        str | None, typer.Option(help="What to train.", show_default="that of params.yaml")
    ] = None,
    setting: Annotated[
        list[str] | None, typer.Option("--set", help="A setting of it, NAME=VALUE; repeatable.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for what is made.",
                     show_default="experiments/<data set>/retrain"),
    ] = None,
    allow_unpinned: Annotated[
        bool, typer.Option("--allow-unpinned", help="Take data that is not the pinned version.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Train, evaluate and register a challenger; promote it when better beyond noise.

    Runs in the project's folder. Exit code 0 whether promoted or kept: `decision` tells.
    """
    from aiops.workflows import retrain as work

    with reporting(as_json) as report:
        plan = work.plan(dataset, Path(), detector, named(setting, "--set"), out)
        report(work.retrain(plan, allow_unpinned))
