"""``aiops notebook``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aiops.commands.output import Json, reporting
from aiops.commands.settings import named


def notebook(
    path: Annotated[Path, typer.Argument(help="The notebook.")],
    parameter: Annotated[
        list[str] | None, typer.Option("--parameter", "-p", help="NAME=VALUE, as YAML; repeatable.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the executed copy and the report.")] = Path(
        "experiments/notebooks"
    ),
    clean: Annotated[bool, typer.Option("--clean", help="Strip its outputs, run nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Run a notebook with parameters: leaves the executed copy and an HTML report.

    A parameter that the notebook does not know is an error.
    """
    from aiops.workflows import notebooks

    with reporting(as_json) as report:
        notebooks.check_parameters(path, given := named(parameter, "--parameter"))
        if clean:
            report({"notebook": str(path), "changed": notebooks.clean(path)})
        else:
            report(vars(notebooks.run(path, out, given)))
