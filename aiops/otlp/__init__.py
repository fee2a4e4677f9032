"""OTLP, the waist of the house: bytes on one side, Arrow tables on the other.

``decode`` turns export requests into the tables of ``aiops.schema.LAKE``; ``Receiver``
takes them from the network (gRPC and HTTP); ``files`` reads and writes them on disk.
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiops.otlp import files
    from aiops.otlp.codec import decode
    from aiops.otlp.receiver import Receiver

__all__ = ["Receiver", "decode", "files"]
_HOMES = {"Receiver": "receiver", "decode": "codec"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(_import_module(f"{__name__}.{_HOMES[name]}"), name)
    if name == "files":
        return _import_module(f"{__name__}.files")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
