"""A Jupyter-centric research and MLOps workbench on OpenTelemetry data.

Rooms are loaded when first touched (``aiops.lake``, ``aiops.rca`` ...), so that
``import aiops`` costs milliseconds and pulls in no pandas, torch or mlflow.
"""

from importlib import import_module as _import_module
from types import ModuleType as _ModuleType

__version__ = "0.1.0"

_ROOMS = {
    "base", "case", "checks", "datasets", "detection", "errors", "evaluation", "evidence",
    "features", "lake", "otlp", "plots", "rca", "schema", "serving", "testbed", "tracking",
    "workflows",
}


def __getattr__(name: str) -> _ModuleType:
    if name in _ROOMS:
        return _import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_ROOMS})
