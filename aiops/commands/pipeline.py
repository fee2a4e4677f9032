"""``aiops pipeline``: what the stages of ``dvc.yaml`` call."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aiops.commands.output import Json, reporting

pipeline = typer.Typer(no_args_is_help=True, help="The stages of dvc.yaml.")

Dataset = Annotated[
    Path, typer.Argument(help="Folder of a recorded data set.", exists=True, file_okay=False)
]
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
    from aiops.workflows import rank

    with reporting(as_json) as report:
        figures = rank.rank(dataset, out / "metrics")
        report({"figures": len(figures), "path": str(out / "metrics" / "rca.json")})


@pipeline.command()
def train(
    dataset: Dataset,
    out: Out,
    params: Annotated[
        Path, typer.Option(help="File whose section detector names it and its settings.")
    ] = Path("params.yaml"),
    as_json: Json = False,
) -> None:
    """Fit the detector of params.yaml on the data set's normal traffic."""
    from aiops.workflows import train

    with reporting(as_json) as report:
        made = train.train(out, out / "model", *train.chosen(params))
        report({**made, "path": str(out / "model")})


@pipeline.command()
def evaluate(dataset: Dataset, out: Out, as_json: Json = False) -> None:
    """Score the trained detector on the data set's incidents, and draw how it did."""
    from aiops.evaluation.figures import flat
    from aiops.workflows import evaluate

    with reporting(as_json) as report:
        made = evaluate.evaluate(out, out / "model", dataset.name, out)
        report(flat(made.figures))


@pipeline.command()
def report(
    notebook: Annotated[Path, typer.Argument(help="The notebook.")],
    dataset: Dataset,
    out: Out,
    as_json: Json = False,
) -> None:
    """Run a notebook on what the pipeline made: executed copy, HTML, and its findings."""
    from aiops.workflows import reports

    with reporting(as_json) as answer:
        answer(reports.report(notebook, dataset, out))


@pipeline.command()
def register(dataset: Dataset, out: Out, as_json: Json = False) -> None:
    """Register the trained detector once; it becomes champion when better beyond noise."""
    from aiops.workflows import champion

    with reporting(as_json) as report:
        report(champion.register(dataset, out))


@pipeline.command()
def summary(dataset: Dataset, out: Out, as_json: Json = False) -> None:
    """One short table of what the pipeline found, and where it lies."""
    from aiops.workflows import bench

    with reporting(as_json) as report:
        report(bench.summary(out / "metrics"))
        for name in ("lake", "features.parquet", "topology.parquet", "recordings.parquet",
                     "labels.parquet", "model", "metrics", "plots", "reports"):
            typer.echo(out / name, err=True)
