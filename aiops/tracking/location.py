"""Where MLflow keeps runs and models. mlflow itself, which takes seconds, is not loaded."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlparse

FOLDER = Path("experiments", "mlflow")  # below the project's root
VARIABLE = "MLFLOW_TRACKING_URI"


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


def database() -> Path | None:
    """The SQLite file, absolute; None when the store is something else."""
    wanted = uri()
    prefix = "sqlite:///"
    return Path(wanted.removeprefix(prefix)).absolute() if wanted.startswith(prefix) else None
