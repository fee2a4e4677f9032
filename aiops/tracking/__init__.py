"""MLflow runs, the registry of models and which of them is champion.

State lies in ``experiments/mlflow`` of the project; ``MLFLOW_TRACKING_URI`` wins. Names are
loaded when first touched: mlflow alone takes seconds, and a detector's file needs none of it.
"""

import os as _os
from importlib import import_module as _import_module
from typing import TYPE_CHECKING
from typing import Any as _Any

if TYPE_CHECKING:
    from aiops.tracking.artifact import content, load_file, save_file
    from aiops.tracking.location import database, uri
    from aiops.tracking.provenance import dataset_version
    from aiops.tracking.registry import (
        Version,
        as_sent,
        champion,
        find,
        known,
        load,
        named,
        promote,
        register,
        versions,
        with_content,
    )
    from aiops.tracking.runs import figures, log_figures, log_file, log_picture, resume, start

# Read when mlflow is imported, which every module below does.
_os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
_os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
_os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")  # else it tells of each table it makes

__all__ = [
    "Version", "as_sent", "champion", "content", "database", "dataset_version", "figures",
    "find", "known", "load", "load_file", "log_figures", "log_file", "log_picture", "named",
    "promote", "register", "resume", "save_file", "start", "uri", "versions",
    "with_content",
]
_HOMES = {
    "artifact": ("content", "load_file", "save_file"),
    "location": ("database", "uri"),
    "provenance": ("dataset_version",),
    "registry": ("Version", "as_sent", "champion", "find", "known", "load", "named", "promote",
                 "register", "versions", "with_content"),
    "runs": ("figures", "log_figures", "log_file", "log_picture", "resume", "start"),
}


def __getattr__(name: str) -> _Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(_import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
