"""How this process reaches the store of runs and models."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from sqlalchemy.exc import SQLAlchemyError

from aiops.errors import InputError
from aiops.tracking.location import VARIABLE, artifacts, database, uri


def connect() -> MlflowClient:
    """Point MLflow at ``uri()`` and hand out its client; a SQLite file is made when absent.

    Raises:
        InputError: MLflow cannot open what is there, or knows no such store.
    """
    wanted, given = uri(), os.environ.get(VARIABLE)
    with _alone(), _refusing(wanted):
        mlflow.set_tracking_uri(wanted)
        mlflow.set_registry_uri(wanted)
        client = MlflowClient(wanted, wanted)
    if given is None:  # MLflow writes the variable; the next call must ask anew
        os.environ.pop(VARIABLE, None)
    return client


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


@contextmanager
def _refusing(wanted: str) -> Iterator[None]:
    try:
        yield
    except (MlflowException, SQLAlchemyError, ImportError) as error:
        why = str(error).strip().splitlines()[0]
        raise InputError(f"MLflow cannot open {wanted}: {why} Mend the environment's {VARIABLE}; "
                         "unset, runs and models lie in the project's own SQLite file.") from error


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
