"""``aiops changes`` and ``aiops canary``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aiops.commands.incident import Folder, Id, Set
from aiops.commands.output import Json, reporting

# Exit codes of ``aiops canary``, so that a pipeline needs to read nothing.
EXIT = {"promote": 0, "hold": 10, "roll back": 11, "not enough data": 12}

Attributes = Annotated[
    list[str] | None, typer.Option("--attribute", help="Span attribute that tells what served a "
                                   "request; may be given repeatedly. Otherwise "
                                   "service.version, feature flags and deployment.id.")
]
Cluster = Annotated[
    str | None, typer.Option(help="Span attribute, as session.id, whose requests are alike: name "
                             "it where a session stays on one version.")
]
Segments = Annotated[
    list[str] | None, typer.Option("--segment", help="Attribute of a request's first span that "
                                   "tells kinds of requests; may be given repeatedly. Otherwise "
                                   "region, cloud.region, tenant and tenant.id.")
]
Level = Annotated[float, typer.Option(help="Of the intervals.", min=0.5, max=0.999)]


def changes(
    case: Folder = None, incident: Id = None, dataset: Set = None, attribute: Attributes = None,
    segment: Segments = None, cluster: Cluster = None, level: Level = 0.95,
    uplift: Annotated[
        bool, typer.Option("--uplift", help="Say whom it hit most as well, by combinations of "
                           "route and segments (CausalML; takes some seconds).")
    ] = False,
    as_json: Json = False,
) -> None:
    """Say what each release, flag or configuration change did to latency and failures.

    Requests on the new and the old version are compared side by side, with placebos; where all
    changed at once it says so, and shows a before and after as what it is.
    """
    from aiops.changes.words import to_dict, uplift_dict, uplift_text
    from aiops.workflows import change_impact

    _one(case, incident, dataset)
    asked = change_impact.Asked(attribute, segment, cluster)
    with reporting(as_json) as report:
        name, found, most = change_impact.of(case, incident, dataset, asked, level, uplift)
        if as_json:
            told = [to_dict(each) for each in found]
            told = [{**each, "uplift": uplift_dict(hit)} for each, hit in
                    zip(told, most, strict=True)] if uplift else told
            report({"incident": name, "changes": told})
        else:
            words = [f"{each}\n{uplift_text(hit)}" for each, hit in
                     zip(found, most, strict=True)] if uplift else list(map(str, found))
            typer.echo("\n\n".join([f"{name}: {len(found)} change{'s' * (len(found) != 1)}",
                                    *words]))


def canary(
    case: Folder = None, incident: Id = None, dataset: Set = None, attribute: Attributes = None,
    service: Annotated[
        str | None, typer.Option(help="Whose change is judged, where several changed.")
    ] = None,
    counts: Annotated[
        Path | None, typer.Option(help="Instead of a Case, a file of counts (JSON; - is standard "
                                  "input): {outcome: {new, new_bad, old, old_bad}}.")
    ] = None,
    cluster: Cluster = None,
    failed: Annotated[
        float, typer.Option(help="Accepted rise of the share of requests that fail.",
                            min=0.0001, max=0.9999)
    ] = 0.01,
    slow: Annotated[
        float, typer.Option(help="Accepted rise of the share that is slower than usual.",
                            min=0.0001, max=0.9999)
    ] = 0.05,
    alpha: Annotated[
        float, typer.Option(help="Chance of a wrong decision, over all looks together.",
                            min=0.0001, max=0.5)
    ] = 0.05,
    as_json: Json = False,
) -> None:
    """Promote a canary, hold it, or roll it back; look as often as you like.

    Exit codes: 0 promote, 10 hold, 11 roll back, 12 not enough data; 1 and 2 are errors.
    """
    from aiops.changes.words import judged_dict, judged_text
    from aiops.workflows import change_impact

    if counts is None or case or incident or dataset:
        _one(case, incident, dataset, counts)
    if counts and (service or attribute or cluster):
        raise typer.BadParameter("--service, --attribute and --cluster are of a Case. Leave them "
                                 "out, or give the Case instead of --counts.")
    with reporting(as_json) as report:
        found, apart = (change_impact.read_counts(counts), None) if counts else \
            change_impact.counted(case, incident, dataset,
                                  change_impact.Asked(attribute, cluster=cluster), service)
        unit = f"values of {cluster}" if cluster else "requests"
        told = change_impact.judged(found, {"failed": failed, "slow": slow}, alpha, apart, unit)
        if as_json:
            report({**judged_dict(told), "unit": unit})
        else:
            typer.echo(judged_text(told, unit))
    raise typer.Exit(EXIT[told.decision])


def _one(case: Path | None, incident: str | None, dataset: str | None,
         counts: Path | None = None) -> None:
    if (case is None) + (incident is None) != 1 or (dataset and case) or counts:
        raise typer.BadParameter("Give the folder of a Case, or --incident ID [--dataset NAME].")
