"""``aiops pipeline``: what the stages of ``dvc.yaml`` call."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from aiops.commands.output import Json, reporting

pipeline = typer.Typer(no_args_is_help=True, help="The stages of dvc.yaml.")

Dataset = Annotated[Path, typer.Argument(help="Folder of a recorded data set.")]
Out = Annotated[Path, typer.Argument(help="Folder that the pipeline's outputs go to.")]


@pipeline.command()
def ingest(dataset: Dataset, out: Out, as_json: Json = False) -> None:
    """Read every recording of a data set into a new lake."""
    from aiops.workflows import stages

    with reporting(as_json) as report:
        report(stages.ingest(dataset / "recordings", out / "lake"))


@pipeline.command()
def featurize(
    dataset: Dataset,
    out: Out,
    window: Annotated[float, typer.Option(help="Length of the base window in seconds.")] = 5.0,
    timezone: Annotated[str, typer.Option(help="IANA time zone of the calendar columns.")] = "UTC",
    as_json: Json = False,
) -> None:
    """Write features, topology, recordings and labels of the lake as Parquet."""
    from aiops.workflows import stages

    with reporting(as_json) as report:
        report(stages.featurize(out / "lake", out, window, timezone, dataset))


@pipeline.command()
def rank(dataset: Dataset, out: Out, as_json: Json = False) -> None:
    """Score every root-cause ranker on the data set's incidents."""
    from aiops.workflows import stages

    with reporting(as_json) as report:
        figures = stages.rank(dataset, out / "metrics")
        report({"figures": len(figures), "path": str(out / "metrics" / "rca.json")})


@pipeline.command()
def summary(dataset: Dataset, out: Out, as_json: Json = False) -> None:
    """One short table of what the pipeline found, and where it lies."""
    import json

    figures: list[dict[str, Any]] = json.loads((out / "metrics" / "rca.json").read_text())
    shown = ("model", "metric", "value", "low", "high", "chance", "n")
    with reporting(as_json) as report:
        report([{key: f[key] for key in shown} for f in figures
                if f["slice"] == "all" and f["metric"] in ("ac@1", "ac@3", "avg@5")])
        for name in ("lake", "features.parquet", "topology.parquet", "recordings.parquet",
                     "labels.parquet", "metrics"):
            typer.echo(out / name, err=True)
