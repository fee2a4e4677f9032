"""The stage of ``dvc.yaml`` that scores rankers, and its figures read again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from aiops import rca
from aiops.errors import InputError
from aiops.evaluation.figures import DECIMALS, Figure, flat
from aiops.workflows import whole
from aiops.workflows.bench import bench_rca

FIGURES, SECONDS, METRICS = "rca.json", "rca-seconds.json", "ranking.json"


def rank(dataset: Path, out: Path) -> list[dict[str, Any]]:
    """Score every ranker on the data set's incidents, but for who learns from labels.

    The yardstick with hindsight stays.

    The figures go to ``rca.json`` in the folder ``out``, to four decimals, since other processors
    differ in the last bits of a float; those in seconds, which differ from
    run to run, to ``rca-seconds.json``; ``ranking.json`` is rounded, by ranker, for
    ``dvc metrics show``.
    """
    found = bench_rca(dataset, [name for name, kind in rca.RANKERS.items()
                                if kind.hindsight or not kind.uses_labels])
    by_ranker = {name: flat(f for f in found if f.model == name and f.unit == "share")
                 for name in dict.fromkeys(f.model for f in found)}
    whole.write_json(by_ranker, out / METRICS)
    figures = [_rounded(figure) for figure in found]
    timed = [figure for figure in figures if figure["unit"] == "s"]
    whole.write_json(timed, out / SECONDS)
    whole.write_json([figure for figure in figures if figure not in timed], out / FIGURES)
    return figures


def _rounded(figure: Figure) -> dict[str, Any]:
    held = vars(figure)
    return held if figure.unit == "s" else {
        name: round(each, DECIMALS) if isinstance(each, float) else each
        for name, each in held.items()}


def read(out: Path) -> list[Figure]:
    """The figures that ``rank`` wrote into the folder ``out``.

    Raises:
        InputError: one of its files is not there.
    """
    if missing := [name for name in (FIGURES, SECONDS) if not (out / name).is_file()]:
        raise InputError(f"{out} lacks {', '.join(missing)}. Run `dvc repro --force rank`.")
    return [Figure(**each) for name in (FIGURES, SECONDS)
            for each in json.loads((out / name).read_text())]
