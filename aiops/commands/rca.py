"""``aiops rca``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from aiops.commands.incident import Folder, Id, Set
from aiops.commands.output import Json, reporting


def rca(
    case: Folder = None, incident: Id = None, dataset: Set = None,
    ranker: Annotated[
        str | None, typer.Option(help="A ranker's name.", show_default="fusion")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Also write a page with pictures.")] = None,
    top: Annotated[
        int, typer.Option(help="Suspects that are told of; with --json those with reasons.", min=1)
    ] = 5,
    as_json: Json = False,
) -> None:
    """Say who is to blame for an incident, and why: ranks, the way there, reasons, confidence.

    Past incidents in `history` beside the Case, or in the data set, are shown to the ranker first.
    """
    from aiops.explained.words import to_dict, to_text
    from aiops.rca import DEFAULT
    from aiops.workflows import root_cause

    if (case is None) == (incident is None) or (dataset and case):
        raise typer.BadParameter("Give the folder of a Case, or --incident ID [--dataset NAME].")
    if html and os.path.isdir(html):  # seen before the work is done
        raise typer.BadParameter(f"--html takes a file to write, and {html} is a folder. Name a "
                                 f"file in it: {html / 'incident.html'}.")
    with reporting(as_json) as report:
        name = ranker or DEFAULT
        model = root_cause.ranker(name)
        found = root_cause.from_folder(case) if case else \
            root_cause.from_dataset(str(incident), dataset or "shop")
        told = root_cause.explain(found, model, top)
        if html:
            root_cause.write_page(told, found, name, html)
        if as_json:
            report({"incident": found.name, "ranker": name, **to_dict(told)})
        else:
            typer.echo(f"{found.name}, ranked by {name}\n\n{to_text(told, top)}")
