"""Where MLflow keeps runs and models, and how this process reaches it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlparse

FOLDER = Path("experiments", "mlflow")  # below the project's root
VARIABLE = "MLFLOW_TRACKING_URI"
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # read when mlflow is imported
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

import mlflow  # noqa: E402
from mlflow.exceptions import MlflowException  # noqa: E402
from mlflow.tracking import MlflowClient  # noqa: E402


def root() -> Path:
    """The nearest folder upwards that holds a ``dvc.yaml``, else the working folder.

    A notebook runs in a folder below the project; its runs belong to the project's store.
    """
    here = Path.cwd()
    return next((p for p in (here, *here.parents) if (p / "dvc.yaml").is_file()), here)


def uri() -> str:
    """``MLFLOW_TRACKING_URI``, else the project's own SQLite file (absolute)."""
    return os.environ.get(VARIABLE) or f"sqlite:///{root() / FOLDER / 'mlflow.db'}"


def artifacts() -> str | None:
    """Where artifacts go, as a URI: beside a SQLite file; None leaves it to the server."""
    if urlparse(uri()).scheme in ("http", "https"):
        return None
    file = database()
    return ((file.parent if file else root() / FOLDER) / "artifacts").as_uri()


def connect() -> MlflowClient:
    """Point MLflow at ``uri()`` and hand out its client; a SQLite file is made when absent."""
    wanted, given = uri(), os.environ.get(VARIABLE)
    with _alone():
        mlflow.set_tracking_uri(wanted)
        mlflow.set_registry_uri(wanted)
        client = MlflowClient(wanted, wanted)
    if given is None:  # MLflow writes the variable; the next call must ask anew
        os.environ.pop(VARIABLE, None)
    return client


def database() -> Path | None:
    """The SQLite file, absolute; None when the store is something else."""
    wanted = uri()
    prefix = "sqlite:///"
    return Path(wanted.removeprefix(prefix)).absolute() if wanted.startswith(prefix) else None


@contextmanager
def _alone() -> Iterator[None]:
    """Lets one process at a time open a SQLite store: two that make its tables break them."""
    if (file := database()) is None:
        yield
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def experiment(name: str) -> str:
    """Id of the experiment, which is made when absent, with its artifacts beside the store."""
    client = connect()
    if (found := client.get_experiment_by_name(name)) is not None:
        return str(found.experiment_id)
    try:
        return str(client.create_experiment(name, artifact_location=artifacts()))
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    return experiment(name)  # another process made it meanwhile
