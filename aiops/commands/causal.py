"""``aiops causal``."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from aiops.commands.incident import Folder, Id, Set
from aiops.commands.output import Json, reporting


class LearnFrom(StrEnum):
    """What mechanisms are learned from."""

    NORMAL = "normal"
    BOTH = "both"


def causal(
    case: Folder = None, incident: Id = None, dataset: Set = None,
    if_usual: Annotated[
        list[str] | None, typer.Option(help="Whom to think of as usual: a service, or (demand); "
                                       "may be given repeatedly. Otherwise whoever explains most.")
    ] = None,
    learn_from: Annotated[
        LearnFrom, typer.Option(help="Normal operation alone, or mechanisms that may be steeper "
                                "where the incident asks for it, as the ranker takes them.")
    ] = LearnFrom.BOTH,
    resamples: Annotated[
        int, typer.Option(help="How often rows are drawn anew, for intervals and stability.", min=2)
    ] = 100,
    as_json: Json = False,
) -> None:
    """Say who made the symptom, which mechanism changed, and what if someone were as usual.

    Below each answer stands what was tried against it: the graph against the data, made-up causes,
    a random common cause, resamples.
    """
    from aiops.causal.words import to_dict, to_text
    from aiops.workflows import causal_report

    if (case is None) == (incident is None) or (dataset and case):
        raise typer.BadParameter("Give the folder of a Case, or --incident ID [--dataset NAME].")
    with reporting(as_json) as report:
        name, told = causal_report.of(case, incident, dataset, if_usual or (), learn_from.value,
                                      resamples)
        if as_json:
            report({"incident": name, "learn_from": learn_from.value, **to_dict(told)})
        else:
            typer.echo(f"{name}, mechanisms learned from {learn_from.value}\n\n{to_text(told)}")
