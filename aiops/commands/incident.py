"""How a command is told which incident it is about."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Folder = Annotated[
    Path | None, typer.Argument(help="Folder of one Case (case.json and its tables).")
]
Id = Annotated[
    str | None, typer.Option(help="Id of an incident in a data set, instead of a folder.")
]
Set = Annotated[
    str | None, typer.Option(help="Data set of the incident: a name, or a folder.",
                             show_default="shop")
]
