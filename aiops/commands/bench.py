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
    only: Annotated[
        list[str] | None, typer.Option(help="Rank on this set alone; may be given repeatedly.")
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
    kept: Annotated[
        bool, typer.Option("--kept", help="Rank nothing: write the page of what is kept.")
    ] = False,
    out: Annotated[
        Path, typer.Option(help="The page to write; its picture goes to ../pictures.")
    ] = Path("docs/leaderboards/rca.md"),
    as_json: Json = False,
) -> None:
    """Every root-cause ranker on every development set, plain and stressed: the page of it.

    Rankings are kept below experiments/leaderboard; only those are made that are not there, or
    whose code or data changed. Public sets are found through AIOPS_DATA. The page shows all sets.
    """
    from aiops.workflows.leaderboard.sheets import lead
    from aiops.workflows.plan import Effort

    effort = Effort(seeds, quick=quick, limit=limit)
    with reporting(as_json) as report:
        report(lead(out, effort, only, ranker, rank=not kept))


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
