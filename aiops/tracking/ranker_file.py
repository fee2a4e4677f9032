"""A ranker as a file: JSON of its name, settings and what it learned; never a pickle.

What JSON does not have is written as an object of one key: {"tuple": [...]}, {"map": [[key,
value], ...]}, {"counter": [[key, count], ...]}, {"array": [type, shape, values]}, {"number":
"nan"}, {"ranker": {...}}, and {"record": [module, name, fields]} for the NamedTuples and
dataclasses of ``aiops.rca``. Nothing else is written, and nothing else is read.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
import json
import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from aiops import rca
from aiops.base import Ranker
from aiops.code_version import code_version
from aiops.errors import InputError

FORMAT = 1
_ROOM = "aiops.rca"
_KINDS = "biuf"  # of numpy's arrays: bool, whole numbers, numbers


def save_file(ranker: Ranker, path: Path | str) -> Path:
    """Write a ranker, whole or not at all.

    Raises:
        InputError: it is none of ``rca.RANKERS``, or learned something that the form lacks.
    """
    target = Path(path)
    text = text_of(ranker)
    part = target.with_name(target.name + ".part")
    part.write_text(text)
    part.replace(target)
    return target


def text_of(ranker: Ranker) -> str:
    """What its file holds; the same for the same ranker made by the same code."""
    held = {"format": FORMAT, "code": code(type(ranker)), **_ranker(ranker)}
    return json.dumps(held, indent=1, allow_nan=False) + "\n"


def content(ranker: Ranker) -> str:
    """A hash of all that its file holds."""
    return hashlib.sha256(text_of(ranker).encode()).hexdigest()


def code(kind: type[Ranker]) -> str:
    """The version of the code that its rankings are computed by: it decides them, as settings
    do. Other rankers' code does not count."""
    return code_version([kind.__module__])


def load_file(path: Path | str) -> Ranker:
    """Read a ranker that ``save_file`` wrote; ``same_code`` tells whether its code is ours.

    Raises:
        InputError: no such file, no JSON of this form, or one that names what is not ours.
    """
    held = read(path)
    try:
        return _made(held)
    except (KeyError, TypeError, ValueError, AttributeError, ImportError) as error:
        raise InputError(f"{path} holds no ranker of this package's: {error!r}. Register the "
                         "ranker again.") from error


def same_code(path: Path | str) -> bool:
    """Whether the file was written by the code that runs now."""
    held = read(path)
    kind = rca.RANKERS.get(str(held.get("ranker")))
    return kind is not None and held.get("code") == code(kind)


def read(path: Path | str) -> dict[str, Any]:
    """The file's JSON object, of the one format there is."""
    if not Path(path).is_file():
        raise InputError(f"no file {path}.")
    try:
        held = json.loads(Path(path).read_bytes())
    except ValueError as error:
        raise InputError(f"{path} is no JSON. Only JSON is opened, pickles never are. Save the "
                         "ranker with aiops.tracking.ranker_file.save_file.") from error
    if not isinstance(held, dict) or held.get("format") != FORMAT:
        raise InputError(f"{path} holds no ranker: its format must be {FORMAT}. Register the "
                         "ranker again.")
    return held


# --- rankers ---------------------------------------------------------------------------------
def _ranker(ranker: Ranker) -> dict[str, Any]:
    name = next((name for name, kind in rca.RANKERS.items() if type(ranker) is kind), None)
    if name is None:
        raise InputError(f"a {type(ranker).__name__} cannot be kept: it is none of "
                         f"{', '.join(rca.RANKERS)}.")
    learned = {key: value for key, value in vars(ranker).items() if key.endswith("_")}
    return {"ranker": name, "settings": _map(ranker.get_params(deep=False)),
            "learned": _map(learned)}


def _made(held: dict[str, Any]) -> Ranker:
    ranker = rca.make(held["ranker"]).set_params(**_unmap(held["settings"]))
    for key, value in _unmap(held["learned"]).items():
        if not isinstance(key, str) or not key.endswith("_") or key.startswith("_"):
            raise ValueError(f"nothing that is learned is named {key!r}")
        setattr(ranker, key, value)
    return ranker


# --- values ----------------------------------------------------------------------------------
def _coded(value: Any) -> Any:
    """A value in JSON's own types."""
    if value is None or isinstance(value, bool | str | np.bool_):
        return bool(value) if isinstance(value, np.bool_) else value
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else {"number": str(float(value))}
    if isinstance(value, list):
        return [_coded(each) for each in value]
    return _object(value)


def _object(value: Any) -> dict[str, Any]:
    if isinstance(value, Ranker):
        return {"ranker": _ranker(value)}
    if isinstance(value, np.ndarray) and value.dtype.kind in _KINDS:
        return {"array": [str(value.dtype), list(value.shape), _coded(value.ravel().tolist())]}
    if _is_record(type(value)):
        return {"record": [type(value).__module__, type(value).__qualname__, _map(_fields(value))]}
    if type(value) in (dict, Counter):
        return {"map" if type(value) is dict else "counter": _map(value)}
    if type(value) is tuple:
        return {"tuple": [_coded(each) for each in value]}
    raise InputError(f"a ranker that learned a {type(value).__module__}.{type(value).__qualname__} "
                     "cannot be kept. Allowed: numbers, text, lists, tuples, dicts, Counters, "
                     "arrays of numbers, rankers, and records of aiops.rca.")


def _map(value: Any) -> list[list[Any]]:
    return [[_coded(key), _coded(each)] for key, each in value.items()]


def _unmap(pairs: list[list[Any]]) -> dict[Any, Any]:
    return {_value(key): _value(each) for key, each in pairs}


def _value(coded: Any) -> Any:
    """The value that ``_coded`` wrote."""
    if isinstance(coded, list):
        return [_value(each) for each in coded]
    if not isinstance(coded, dict):
        return coded
    (kind, inner), = coded.items()
    return _OPENED[kind](inner)


def _record(inner: list[Any]) -> Any:
    module, name, fields = inner
    if not f"{module}.".startswith(f"{_ROOM}."):
        raise ValueError(f"{module} is not of {_ROOM}")
    kind = getattr(importlib.import_module(module), name)
    if not _is_record(kind) or kind.__module__ != module:
        raise ValueError(f"{module}.{name} is no NamedTuple or dataclass of its own")
    return kind(**_unmap(fields))


def _array(dtype: str, shape: list[int], values: list[Any]) -> np.ndarray:
    if np.dtype(dtype).kind not in _KINDS:
        raise ValueError(f"no arrays of {dtype} are kept")
    return np.array(_value(values), dtype=dtype).reshape(shape)


def _is_record(kind: Any) -> bool:
    """A NamedTuple or a dataclass, defined at the top of a module of aiops.rca."""
    named = isinstance(kind, type) and (dataclasses.is_dataclass(kind) or (
        issubclass(kind, tuple) and hasattr(kind, "_fields")))
    return named and f"{kind.__module__}.".startswith(f"{_ROOM}.") and "." not in kind.__qualname__


def _fields(record: Any) -> dict[str, Any]:
    names = getattr(record, "_fields", None) or [
        field.name for field in dataclasses.fields(record)]
    return {name: getattr(record, name) for name in names}


_OPENED: dict[str, Callable[[Any], Any]] = {
    "tuple": lambda inner: tuple(_value(each) for each in inner),
    "map": _unmap, "counter": lambda inner: Counter(_unmap(inner)),
    "array": lambda inner: _array(*inner),
    "number": float, "ranker": _made, "record": _record,
}
