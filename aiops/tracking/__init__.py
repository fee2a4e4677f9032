"""MLflow runs, the registry of models and which of them is champion.

State lies in ``experiments/mlflow`` of the project; ``MLFLOW_TRACKING_URI`` wins.
"""

from aiops.tracking.artifact import content, load_file, save_file
from aiops.tracking.provenance import dataset_version
from aiops.tracking.registry import (
    Version,
    as_sent,
    champion,
    find,
    load,
    named,
    promote,
    register,
    versions,
)
from aiops.tracking.runs import figures, log_figures, log_file, log_picture, resume, start
from aiops.tracking.store import database, uri

__all__ = [
    "Version", "as_sent", "champion", "content", "database", "dataset_version", "figures",
    "find", "load", "load_file", "log_figures", "log_file", "log_picture", "named", "promote",
    "register", "resume", "save_file", "start", "uri", "versions",
]
