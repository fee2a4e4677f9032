"""The scoring server: MLflow's own, on a registered version, reached from this machine only."""

from __future__ import annotations

import os
from collections.abc import Callable

import mlflow.pyfunc
import uvicorn
from mlflow.pyfunc import scoring_server

from aiops import tracking
from aiops.errors import InputError
from aiops.otlp.loopback import is_loopback


def serve(name: str, version: int | str, host: str, port: int,
          ready: Callable[[int], None] = lambda number: None) -> None:
    """Serve a version until Ctrl-C or SIGTERM: POST /invocations, GET /ping.

    Args:
        version: its number, or an alias, looked up once.
        ready: is handed the version's number once the model is loaded.

    Raises:
        InputError: ``host`` is not loopback, no such version, or its file may not be opened.
    """
    if not is_loopback(host):
        raise InputError(f"cannot serve on {host}: nothing asks for a token yet, so only loopback "
                         "(127.0.0.1) is allowed. Put a proxy that does before it.")
    tracking.load(name, version)  # MLflow would hide why a file is refused
    number = tracking.find(name, version)
    os.environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] = "false"
    app = scoring_server.init(mlflow.pyfunc.load_model(f"models:/{name}/{number}"))
    ready(number)
    uvicorn.run(app, host=host, port=port, log_level="warning")
