"""``aiops bench``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aiops.commands.output import Json, reporting

bench = typer.Typer(no_args_is_help=True, help="Judge models on labelled data.")


@bench.callback()
def _bench() -> None:
    pass


@bench.command()
def rca(
    targets: Annotated[list[str], typer.Argument(help="Data sets: names, or folders of Cases.")],
    ranker: Annotated[str, typer.Option(help="A ranker's name, or all.")] = "all",
    layout: Annotated[
        str | None, typer.Option(help="Layout of the folder, where its files do not tell.")
    ] = None,
    stress: Annotated[
        bool, typer.Option("--stress", help="Score each incident also made harder: decoys, "
                           "fewer spans, lost signals, wrong edges, late alerts, two faults.")
    ] = False,
    seeds: Annotated[
        int, typer.Option(help="How often a stress is drawn, where it is.", min=1)
    ] = 5,
    as_json: Json = False,
) -> None:
    """Score root-cause rankers on labelled incidents, with chance level and 95 % intervals."""
    from aiops.workflows.bench import bench_rca, narrow

    rankers = None if ranker == "all" else [ranker]
    with reporting(as_json) as report:
        figures = [f for name in targets
                   for f in bench_rca(name, rankers, layout, stress, seeds)]
        report([vars(f) for f in figures] if as_json else narrow(figures))


@bench.command()
def leaderboard(
    target: Annotated[
        list[str] | None,
        typer.Option("--set", help="Rank on this set alone; may be given repeatedly."),
    ] = None,
    ranker: Annotated[
        list[str] | None, typer.Option(help="Ask this ranker alone; may be given repeatedly.")
    ] = None,
    seeds: Annotated[
        int, typer.Option(help="How often a stress is drawn for the default; others once.", min=1)
    ] = 5,
    quick: Annotated[
        bool, typer.Option("--quick", help="Plain, and of the stresses decoys alone, one seed.")
    ] = False,
    limit: Annotated[
        int | None, typer.Option(help="The first cases of each set only, to try it out.", min=1)
    ] = None,
    published: Annotated[
        bool, typer.Option("--published", help="Rank nothing: write the page of what is "
                           "published, and say what of it is stale.")
    ] = False,
    out: Annotated[
        Path, typer.Option(help="The page to write, .md; its figures are published beside it as "
                           ".json, its picture goes to ../pictures.")
    ] = Path("docs/leaderboards/rca.md"),
    as_json: Json = False,
) -> None:
    """Every root-cause ranker on every development set, plain and stressed: the page of it.

    The page shows what is published beside it, in git, with what this run measured in its place.
    Rankings are kept below experiments/leaderboard; only those are made that are not there, or
    whose code or data changed. Public sets are found through AIOPS_DATA.
    """
    from aiops.errors import UsageError
    from aiops.workflows.leaderboard.publish import again, lead
    from aiops.workflows.plan import Effort

    if published and (target or ranker or quick or limit):
        raise UsageError("--published ranks nothing. Leave out --set, --ranker, --quick and "
                         "--limit, or leave out --published.")
    with reporting(as_json) as report:
        report(again(out) if published else lead(out, Effort(seeds, quick=quick, limit=limit),
                                                 target, ranker))


@bench.command()
def detection(
    targets: Annotated[list[str], typer.Argument(
        help="Recorded data sets: names, folders, or folders that pipeline featurize wrote.")],
    detector: Annotated[str, typer.Option(help="A detector's name, or all.")] = "all",
    window: Annotated[
        float, typer.Option(help="Length of the windows made in seconds.", min=0.001)
    ] = 5.0,
    as_json: Json = False,
) -> None:
    """Score detectors on recorded incidents: trained on normal traffic, chance and intervals."""
    from aiops.workflows.bench import table
    from aiops.workflows.detection import bench_detection

    detectors = None if detector == "all" else [detector]
    with reporting(as_json) as report:
        figures = [f for name in targets for f in bench_detection(name, detectors, window)]
        report([vars(f) for f in figures] if as_json else table(figures))
