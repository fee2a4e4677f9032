"""A detector as a file: skops, opened with our own list of types; never a pickle.

skops is imported where it is used: it loads all of scikit-learn, which takes seconds.
"""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from joblib.hashing import NumpyHasher
from sklearn.ensemble import IsolationForest as _Forest

from aiops.base import Detector
from aiops.detection import DETECTORS, PerService
from aiops.detection.scale import RobustScale
from aiops.errors import InputError

# What a file may be made of, beside the types that skops itself trusts.
_OURS: tuple[type, ...] = (PerService, RobustScale, *DETECTORS.values())
TRUSTED = [*(f"{t.__module__}.{t.__qualname__}" for t in _OURS), "sklearn.tree._tree.Tree"]


@contextmanager
def _no_torch() -> Iterator[None]:
    """Keep torch from loading within the block, if it has not: skops asks every module of
    scikit-learn for its types, and one that wraps torch would load it for seconds."""
    if "torch" in sys.modules:
        yield
        return
    sys.modules["torch"] = None  # type: ignore[assignment]  # an import then fails at once
    try:
        yield
    finally:
        del sys.modules["torch"]


def save_file(detector: Detector, path: Path | str) -> Path:
    """Write a fitted detector, whole or not at all; the file is known to open again.

    Raises:
        InputError: the detector holds a type that ``load_file`` would refuse.
    """
    with _no_torch():
        import skops.io

    target = Path(path)
    part = target.with_name(target.name + ".part")
    try:
        skops.io.dump(detector, part)
        load_file(part)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return target


def load_file(path: Path | str) -> Detector:
    """Read a detector that ``save_file`` wrote.

    Raises:
        InputError: no such file, no skops file (a pickle, say), one that holds other types
            than ours, or trees whose nodes point outside.
    """
    with _no_torch():
        import skops.io
        from skops.io.exceptions import UntrustedTypesFoundException

    if not Path(path).is_file():
        raise InputError(f"no file {path}.")
    if not _is_skops(path):
        raise InputError(f"{path} is no skops file. Only skops is opened, pickles never are. "
                         "Save the detector with aiops.tracking.save_file.")
    try:
        found = skops.io.load(path, trusted=TRUSTED)
    except UntrustedTypesFoundException as error:
        strange = sorted(set(skops.io.get_untrusted_types(file=path)) - set(TRUSTED))
        raise InputError(f"{path} holds types that are not trusted: {strange}. "
                         f"Trusted beside skops' own: {TRUSTED}.") from error
    if not isinstance(found, Detector):
        raise InputError(f"{path} holds a {type(found).__name__}, not a Detector.")
    if not all(_sound(forest) for forest in _forests(found)):
        raise InputError(f"{path} holds trees whose nodes point outside of them: the file is "
                         "damaged or was tampered with. Save the detector again.")
    return found


def _is_skops(path: Path | str) -> bool:
    """A whole zip file with skops' table of contents."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return "schema.json" in archive.namelist() and archive.testzip() is None


def _forests(value: Any) -> Iterator[_Forest]:
    """All forests within a detector, its members and pooled one included."""
    if isinstance(value, _Forest):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _forests(item)
    elif isinstance(value, Detector):
        yield from _forests(vars(value))


def _sound(forest: _Forest) -> bool:
    """Whether every walk ends within its tree: scikit-learn walks without looking."""
    return all(_walkable(tree.tree_, forest.n_features_in_) for tree in forest.estimators_)


def _walkable(tree: Any, n_features: int) -> bool:
    nodes = np.arange(tree.node_count)
    left, right, feature = tree.children_left, tree.children_right, tree.feature
    leaf = (left == -1) & (right == -1)
    onward = (np.minimum(left, right) > nodes) & (np.maximum(left, right) < len(nodes))
    return bool(np.all(leaf | (onward & (feature >= 0) & (feature < n_features))))


def content(detector: Detector) -> str:
    """A hash of parameters and everything learned: equal before and after the file."""
    return str(_Hasher(hash_name="sha1").hash(detector))


class _Hasher(NumpyHasher):
    def save(self, obj: Any) -> None:
        if isinstance(obj, np.ndarray) and obj.dtype.names:  # a tree's nodes: no padding, please
            obj = {name: np.ascontiguousarray(obj[name]) for name in obj.dtype.names}
        super().save(obj)
