"""Register a ranker, with the figures that it reached, so that it can be served."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from aiops import datasets, rca, tracking
from aiops.base import Ranker
from aiops.case import Case
from aiops.errors import UsageError
from aiops.evaluation.figures import Figure
from aiops.tracking import ranker_file, rankers
from aiops.workflows import rank

_START = pd.Timestamp("2026-11-25T10:00:00Z")
_REQUESTS, _EVERY_S, _NORMAL_S, _ABNORMAL_S = 60, 2, 80, 40


def register(dataset: str | Path | None = None, metrics: Path | None = None,
             name: str = rca.DEFAULT) -> dict[str, Any]:
    """Register a ranker once; it is the champion from then on.

    One version an edition of its code, settings and what it learned: the same registers once.
    There is no contest. A version is ranked with by the code that is installed, so an older one
    could not be asked any more; how much better this one is stands on the leaderboard.

    Args:
        dataset: a data set whose past incidents it sees, unlabelled; None: it knows no system.
        metrics: folder in which ``rank`` left figures; those of this ranker go to the run.
        name: of the ranker; another than the default one is a registered model of its own.

    Returns:
        model, version, champion (its number), incidents (that it has seen), figures (logged).

    Raises:
        UsageError: the data set has no past incidents, or no such ranker.
    """
    ranker = rca.make(name)
    model, past = rankers.named(dataset, "" if name == rca.DEFAULT else name), _past(dataset)
    ranker = ranker.fit(past) if past or name != rca.DEFAULT else ranker
    figures = [] if metrics is None else [f for f in rank.read(metrics) if f.model == name]
    version = tracking.with_content(model, ranker_file.content(ranker))
    if version is None:
        version = _log(ranker, name, model, len(past), figures)
    if tracking.champion(model) != version:
        tracking.promote(model, version)
    return {"model": model, "version": version, "champion": version, "incidents": len(past),
            "figures": len(figures)}


def _past(dataset: str | Path | None) -> list[Case]:
    if dataset is None:
        return []
    found = [case for _, case in datasets.load(dataset).history()]
    if not found:
        raise UsageError(f"{dataset} has no past incidents to learn from (history/ beside its "
                         "Cases). Register without a data set: that ranker serves any system.")
    return found


def _log(ranker: Ranker, name: str, model: str, incidents: int, figures: list[Figure]) -> int:
    settings = {**ranker.get_params(deep=False), "ranker": name, "incidents": incidents}
    with tracking.start(model, f"register {name}", settings,
                        {"judged.on": ", ".join(sorted({each.dataset for each in figures}))}):
        if figures:
            tracking.log_figures(figures)
        return rankers.register(ranker, example(), model)


def example() -> Case:
    """A small made Case, to be sent as it is: ``pay``, which ``shop`` calls, becomes slow, says
    so in its log, and takes more processor time."""
    start = np.arange(_REQUESTS) * _EVERY_S
    during = start >= _NORMAL_S
    return Case(
        normal=((_START, _at(_NORMAL_S)),), abnormal=(_at(_NORMAL_S), _at(_NORMAL_S + _ABNORMAL_S)),
        traces=_spans(start, during), logs=_lines(start, during), metrics=_series(start, during),
        topology=pd.DataFrame({"caller": ["shop"], "callee": ["pay"]}), entry_service="shop")


def _at(seconds: Any) -> Any:
    return _START + pd.to_timedelta(seconds, unit="s")


def _spans(start: np.ndarray, during: np.ndarray) -> pd.DataFrame:
    number = pd.Series(np.arange(_REQUESTS)).map("{:04x}".format)
    root = pd.DataFrame({
        "trace_id": "a" * 28 + number, "span_id": "b" * 12 + number, "parent_span_id": None,
        "service": "shop", "operation": "GET /buy", "start": _at(start), "kind": "server",
        "duration_ns": 20_000_000 + 1_000_000 * (start % 7) + 300_000_000 * during,
        "status_code": "unset"})
    call = root.assign(span_id="c" * 12 + number, parent_span_id=root["span_id"], service="pay",
                       operation="POST /charge", start=_at(start + 0.002),
                       duration_ns=root["duration_ns"] - 8_000_000)
    return pd.concat([root, call], ignore_index=True)


def _lines(start: np.ndarray, during: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({
        "time": _at(start + 0.004), "service": "pay", "severity_number": np.where(during, 13, 9),
        "body": np.where(during, "charge is slow", "charged")})


def _series(start: np.ndarray, during: np.ndarray) -> pd.DataFrame:
    def cpu(service: str, level: np.ndarray) -> pd.DataFrame:
        return pd.DataFrame({"time": _at(start), "service": service, "name": "cpu_cores",
                             "value": level + 0.01 * (start % 5), "unit": "1"})

    return pd.concat([cpu("shop", 0.2 + 0.0 * start), cpu("pay", 0.1 + 0.7 * during)],
                     ignore_index=True)
