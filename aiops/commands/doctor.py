"""``aiops doctor``."""

from __future__ import annotations

import typer

from aiops.commands.output import Json, reporting


def doctor(as_json: Json = False) -> None:
    """Say what works on this machine, and what to install for the rest.

    Exits with 1 when something is missing without which `make demo` cannot run.
    """
    from aiops.workflows.doctor import examine

    with reporting(as_json) as report:
        findings = examine()
        report([finding.row() for finding in findings])
    if any(finding.needed and not finding.works for finding in findings):
        raise typer.Exit(1)
