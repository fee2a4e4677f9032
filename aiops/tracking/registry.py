"""The registry: versions of a model, and the one under the alias ``champion``."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from importlib.metadata import version as installed
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow
import numpy as np
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema

from aiops import schema
from aiops.base import Detector
from aiops.errors import InputError, UsageError
from aiops.tracking import artifact
from aiops.tracking.location import database
from aiops.tracking.runs import start
from aiops.tracking.store import connect

if TYPE_CHECKING:
    import pandas as pd

CHAMPION = "champion"
EXAMPLE_ROWS = 3  # kept with the model, to be sent as they are
ARTIFACT = "detector"  # its name among the model's artifacts, and the kind of model
KEYS = ("service", "window_start")
# MLflow copies this file into the model and runs it to serve. Named, not imported: serving
# builds on tracking.
CODE = Path(__file__).parents[1] / "serving" / "entry.py"
# window_start is text, RFC 3339: MLflow's own datetime refuses every time with an offset.
SIGNATURE = ModelSignature(
    inputs=Schema([ColSpec("string", "service"), ColSpec("string", "window_start"),
                   *(ColSpec("double", name, required=False) for name in schema.MODEL_FEATURES)]),
    outputs=Schema([ColSpec("double", "score")]))


@dataclass(frozen=True)
class Form:
    """How a kind of model is kept: its kind, which names its one artifact too, the code that
    MLflow runs to serve it, its signature, and the libraries that it needs."""

    kind: str
    code: Path
    signature: ModelSignature
    libraries: tuple[str, ...]


DETECTOR = Form(ARTIFACT, CODE, SIGNATURE, ("mlflow", "numpy", "pandas", "scikit-learn", "skops"))


@dataclass(frozen=True)
class Version:
    """One registered version: its number from 1, the hash of its content, the run that made
    it, its aliases, when it was registered (milliseconds since the epoch), and of what kind it
    is (detector, ranker)."""

    number: int
    content: str
    run_id: str
    aliases: tuple[str, ...]
    created_ms: int
    kind: str = ARTIFACT


def named(dataset: Path | str) -> str:
    """The registered model's name for a data set's folder, or its name.

    One model a data set: detectors of two systems never challenge each other.

    >>> named("datasets/shop")
    'shop-detector'
    """
    return f"{Path(dataset).resolve().name}-detector"


def register(detector: Detector, example: pd.DataFrame, name: str) -> int:
    """The version number of ``detector`` under ``name``; the same content registers once.

    A new version belongs to the active run; without one, a run ``register`` is made for it
    in the experiment ``name``.

    Args:
        detector: fitted on frames of service, window_start and the model features.
        example: some rows of that form. Once stored and opened again the detector must give
            them the same scores.

    Raises:
        InputError: the example lacks columns, or the detector holds types that are refused.
    """
    columns = [*KEYS, *schema.MODEL_FEATURES]
    if missing := [column for column in columns if column not in example]:
        raise InputError(f"a served detector takes the columns {columns}. Missing: {missing}.")
    content = artifact.content(detector)
    if (known := with_content(name, content)) is not None:
        return known
    with tempfile.TemporaryDirectory() as folder:
        path = artifact.save_file(detector, Path(folder, f"{ARTIFACT}.skops"))
        _compare(detector, artifact.load_file(path), example[columns])
        with own_run(name):
            return create(DETECTOR, name, content, path,
                          as_sent(example[columns].head(EXAMPLE_ROWS)))


def _compare(detector: Detector, stored: Detector, example: pd.DataFrame) -> None:
    if not np.array_equal(detector.score(example), stored.score(example)):
        raise InputError("the detector scores otherwise once stored and opened again. It keeps "
                         "something that skops does not.")


def own_run(name: str) -> AbstractContextManager[Any]:
    """The active run; without one, a run ``register`` in the experiment ``name``."""
    return nullcontext() if mlflow.active_run() else start(name, "register")


def create(form: Form, name: str, content: str, path: Path, example: pd.DataFrame) -> int:
    """Log the model that the file ``path`` holds, make a version of it with an example as it is
    sent, and yield to an equal one made meanwhile; the version's number."""
    logged = mlflow.pyfunc.log_model(
        name=name, python_model=str(form.code), artifacts={form.kind: str(path)},
        signature=form.signature, input_example=example,
        pip_requirements=[f"{library}=={installed(library)}" for library in form.libraries])
    client = connect()
    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    made = client.create_model_version(
        name, f"models:/{logged.model_id}", run_id=logged.run_id,
        tags={"content": content, "kind": form.kind}, model_id=logged.model_id)
    first = with_content(name, content)
    if first is None or first == int(made.version):
        return int(made.version)
    client.delete_model_version(name, str(made.version))
    return first


def as_sent(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of features in the types of the signature, as a served model is sent them."""
    times = rows["window_start"].dt.tz_convert("UTC").map(lambda time: time.isoformat())
    return rows.assign(window_start=times.astype(str)).astype(
        {feature: np.float64 for feature in schema.MODEL_FEATURES})


def with_content(name: str, content: str) -> int | None:
    """The version of ``name`` that has this content (a hash), if one has."""
    return min((v.number for v in versions(name) if v.content == content), default=None)


def _made() -> bool:
    """Whether there is a store to ask: ``connect`` would make one, and who asks wants none."""
    file = database()
    return file is None or file.exists()


def versions(name: str) -> list[Version]:
    """All versions of ``name``, oldest first; none when nothing was registered."""
    if not _made():
        return []
    client = connect()
    try:
        aliases = client.get_registered_model(name).aliases
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return []
    found = [
        Version(int(v.version), v.tags.get("content", ""), v.run_id or "",
                tuple(sorted(a for a, number in aliases.items() if int(number) == int(v.version))),
                int(v.creation_timestamp), v.tags.get("kind", ARTIFACT))
        for v in client.search_model_versions(f"name='{name}'")]
    return sorted(found, key=lambda v: v.number)


def known(name: str) -> list[Version]:
    """``versions``, of which there must be one.

    Raises:
        UsageError: nothing is registered under that name; the message lists what is.
    """
    if not (listed := versions(name)):
        others = ", ".join(m.name for m in connect().search_registered_models()) if _made() else ""
        raise UsageError(f"No model is registered as {name}. There are: {others or 'none'}. "
                         "Register one first: `aiops retrain DATASET`, or "
                         "`aiops register-ranker`.")
    return listed


def champion(name: str) -> int | None:
    """The version under the alias ``champion``; None when there is none."""
    return next((v.number for v in versions(name) if CHAMPION in v.aliases), None)


def promote(name: str, version: int) -> None:
    """Put the alias ``champion`` on a version, which takes it from the one before.

    Raises:
        InputError: no such version.
    """
    find(name, version)
    connect().set_registered_model_alias(name, CHAMPION, str(version))


def load(name: str, version: int | str = CHAMPION) -> Detector:
    """A registered detector, by number or alias; only its skops file is read.

    Raises:
        InputError: no such version, or its file is none that may be opened.
    """
    with fetched(name, find(name, version), f"{ARTIFACT}.skops") as path:
        return artifact.load_file(path)


@contextmanager
def fetched(name: str, number: int, file: str) -> Iterator[Path]:
    """The one file of a version, of the kind that the file is named after, for as long as the
    block lasts.

    Raises:
        UsageError: the version is of another kind.
    """
    kind = next(v.kind for v in versions(name) if v.number == number)
    if kind != Path(file).stem:
        raise UsageError(f"{name} version {number} is a {kind}, not a {Path(file).stem}.")
    with tempfile.TemporaryDirectory() as folder:
        yield Path(mlflow.artifacts.download_artifacts(
            artifact_uri=f"models:/{name}/{number}/artifacts/{file}", dst_path=folder))


def find(name: str, wanted: int | str) -> int:
    """The number of a version that is named by its number or an alias.

    Raises:
        UsageError: no such version; the message lists those there are.
    """
    listed = known(name)
    for v in listed:
        if str(v.number) == str(wanted) or wanted in v.aliases:
            return v.number
    there = ", ".join(str(v.number) + "".join(f" ({a})" for a in v.aliases) for v in listed)
    raise UsageError(f"{name} has no version {wanted}. There are: {there}.")
