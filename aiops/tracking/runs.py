"""Runs: what was tried, on what, and what came of it."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow

from aiops.errors import InputError
from aiops.evaluation.figures import Figure, to_json
from aiops.tracking.location import root
from aiops.tracking.provenance import dataset_version, git_state
from aiops.tracking.store import connect, experiment

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture


@contextmanager
def start(experiment_name: str, run_name: str, params: Mapping[str, Any] | None = None,
          tags: Mapping[str, str] | None = None, dataset: Path | str | None = None,
          ) -> Iterator[str]:
    """A run that the functions below log into; gives its id.

    Args:
        params: what the run was asked to do.
        tags: words to find it by.
        dataset: the data set's folder, ``datasets/<name>``; its name and DVC version become
            tags. The git commit, and whether files differ from it, always do.

    An exception ends the run as FAILED. Runs do not nest.

    Raises:
        InputError: a run is active already, or the data set has no recordings.
    """
    if (active := mlflow.active_run()) is not None:
        raise InputError(f"run {active.info.run_id} is still active. End it before the next one.")
    about = {**git_state(root()), **_about(dataset), **(tags or {})}
    with mlflow.start_run(experiment_id=experiment(experiment_name), run_name=run_name,
                          tags=about) as run:
        mlflow.log_params(dict(params or {}))
        yield str(run.info.run_id)


@contextmanager
def resume(run_id: str) -> Iterator[str]:
    """Go on with a run that ``start`` made: what comes later (an evaluation) belongs to it too."""
    if (active := mlflow.active_run()) is not None:
        raise InputError(f"run {active.info.run_id} is still active. End it before the next one.")
    connect()
    with mlflow.start_run(run_id=run_id):
        yield run_id


def same(experiment_name: str, tags: Mapping[str, str]) -> str | None:
    """The id of the latest run of this experiment that has all these tags; None: there is none.

    For who logs what may have been logged already.
    """
    wanted = " and ".join(f"tags.`{name}` = '{value}'" for name, value in tags.items())
    found = connect().search_runs([experiment(experiment_name)], wanted, max_results=1)
    return str(found[0].info.run_id) if found else None


def _about(dataset: Path | str | None) -> dict[str, str]:
    if dataset is None:
        return {}
    folder = Path(dataset)
    return {"dataset": folder.resolve().name,
            "dataset.version": dataset_version(folder / "recordings")}


def log_figures(figures: Iterable[Figure], name: str = "figures.json") -> None:
    """Log each figure as metrics, and all of them as they are in the artifact ``name``.

    ``vus_pr`` (slice "all") or ``vus_pr/<slice>``; the interval's ends and the chance level,
    where there are any, as ``.low``, ``.high`` and ``.chance`` of it. MLflow allows few signs
    in a name: ``ac@1`` becomes ``ac_at_1``, ``fault=cpu`` ``fault:cpu``.

    Raises:
        InputError: two figures would take the same name (of two models, say), or no run.
    """
    logged, listed = {}, list(figures)
    for figure in listed:
        key = metric_name(figure)
        if key in logged:
            raise InputError(f"two figures are named {key}. Log one model and data set a run.")
        logged[key] = figure.value
    for figure in listed:
        ends = {end: asdict(figure)[end] for end in ("low", "high", "chance")}
        logged |= {f"{metric_name(figure)}.{end}": v for end, v in ends.items() if v is not None}
    _active()
    mlflow.log_metrics(logged)
    mlflow.log_text(to_json(listed), name)


def figures(run_id: str) -> dict[str, float]:
    """Metrics of a run by name, as ``log_figures`` wrote them."""
    return dict(connect().get_run(run_id).data.metrics)


def metric_name(figure: Figure) -> str:
    """The figure's name in MLflow."""
    name = figure.metric if figure.slice == "all" else f"{figure.metric}/{figure.slice}"
    return re.sub(r"[^\w\-. :/]", "_", name.replace("@", "_at_").replace("=", ":"))


def log_file(path: Path | str, folder: str | None = None) -> None:
    """Keep a file, a report say, with the run, below ``folder`` of its artifacts."""
    if not Path(path).is_file():
        raise InputError(f"no file {path}.")
    _active()
    mlflow.log_artifact(str(path), folder)


def log_picture(picture: Picture, name: str) -> None:
    """Keep a matplotlib figure with the run, as ``pictures/<name>.png``."""
    _active()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"{name}.png")
        picture.savefig(path, dpi=150, bbox_inches="tight")
        mlflow.log_artifact(str(path), "pictures")


def _active() -> None:
    """MLflow would quietly open a run of its own."""
    if mlflow.active_run() is None:
        raise InputError("no run is active. Log inside `with tracking.start(...)`.")
