"""The scoring server: MLflow's own, on a registered version, reached from this machine only."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress

import mlflow.pyfunc
import uvicorn
from mlflow.pyfunc import scoring_server

from aiops import tracking
from aiops.errors import UsageError
from aiops.otlp import ports
from aiops.otlp.loopback import is_loopback
from aiops.tracking import rankers


def serve(name: str, version: int | str, host: str, port: int,
          ready: Callable[[int], None] = lambda number: None) -> None:
    """Serve a version until Ctrl-C or SIGTERM: POST /invocations, GET /ping.

    Args:
        version: its number, or an alias, looked up once.
        ready: is handed the version's number once the model is loaded.

    Raises:
        UsageError: ``host`` is not loopback, or no such version.
        InputError: the port is taken, or the version's file may not be opened.
    """
    if not is_loopback(host):
        raise UsageError(f"cannot serve on {host}: nothing asks for a token yet, so only loopback "
                         "(127.0.0.1) is allowed. Put a proxy that does before it.")
    number = tracking.find(name, version)
    with ports.listening(host, port, "--port") as listener:  # uvicorn would end the process
        _open(name, number)  # MLflow would hide why a file is refused
        os.environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] = "false"
        app = scoring_server.init(mlflow.pyfunc.load_model(f"models:/{name}/{number}"))
        ready(number)
        with suppress(KeyboardInterrupt):  # which uvicorn raises again once it has ended
            uvicorn.Server(uvicorn.Config(app, log_level="warning")).run([listener])


def _open(name: str, number: int) -> None:
    """Open the version's file as its kind is opened."""
    kind = next(v.kind for v in tracking.versions(name) if v.number == number)
    (rankers.load if kind == rankers.KIND else tracking.load)(name, number)
