"""Rankers in the registry: the default one, and what it learned of a system's past incidents."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pandas as pd

from aiops.base import Ranker
from aiops.case import Case
from aiops.errors import InputError
from aiops.tracking import ranker_file, registry, wire

KIND = "ranker"
NAME = "rank"  # the registered model that knows no system
CODE = Path(__file__).parents[1] / "serving" / "ranker_entry.py"
FORM = registry.Form(KIND, CODE, wire.SIGNATURE,
                     ("mlflow", "numpy", "onnxruntime", "pandas", "pyarrow", "scikit-learn"))


def named(dataset: Path | str | None = None, ranker: str = "") -> str:
    """The registered model's name: of the ranker that knows no system, or of the one that has
    seen this data set's past incidents; with the ranker's own, where it is not the default.

    >>> named(), named("datasets/shop"), named(ranker="gnn")
    ('rank', 'shop-rank', 'rank-gnn')
    """
    name = f"{NAME}-{ranker}" if ranker else NAME
    return name if dataset is None else f"{Path(dataset).resolve().name}-{name}"


def register(ranker: Ranker, example: Case, name: str) -> int:
    """The version number of ``ranker`` under ``name``; the same content registers once.

    Content is its settings, what it learned and the code that it ranks by: what is changed
    there is another version, with figures of its own. A new version belongs to the active run;
    without one, a run ``register`` is made for it in the experiment ``name``.

    Args:
        example: a small Case. Once stored and opened again the ranker must rank it the same.

    Raises:
        InputError: the ranker learned something that its file cannot hold.
    """
    content = ranker_file.content(ranker)
    if (known := registry.with_content(name, content)) is not None:
        return known
    with tempfile.TemporaryDirectory() as folder:
        path = ranker_file.save_file(ranker, Path(folder, f"{KIND}.json"))
        _compare(ranker, ranker_file.load_file(path), example)
        with registry.own_run(name):
            return registry.create(FORM, name, content, path,
                                   pd.DataFrame([wire.as_sent(example)]))


def _compare(ranker: Ranker, stored: Ranker, example: Case) -> None:
    if not ranker.rank(example).equals(stored.rank(example)):
        raise InputError("the ranker ranks otherwise once stored and opened again. It keeps "
                         "something that its file does not.")


def load(name: str = NAME, version: int | str = registry.CHAMPION) -> Ranker:
    """A registered ranker, by number or alias; only its JSON file is read.

    Raises:
        InputError: no such version, or its file is none that may be opened.
    """
    with registry.fetched(name, registry.find(name, version), f"{KIND}.json") as path:
        return ranker_file.load_file(path)
