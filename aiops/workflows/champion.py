"""Register a trained detector, and let it challenge the champion on the same incidents."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiops import schema, tracking
from aiops.detection import PerService
from aiops.errors import InputError
from aiops.evaluation.recordings import JUDGED, labelled, precisions
from aiops.workflows import detection, evaluate, receipt, train
from aiops.workflows.promotion import FEWEST_INCIDENTS, Verdict, judge

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

KEYS = ["service", "window_start"]


def challenge(model: str, reached: pd.Series, chance: pd.Series, windows: detection.Windows,
              fewest: int = FEWEST_INCIDENTS) -> Verdict:
    """Judge a challenger against the champion; the alias is not moved here.

    Args:
        model: registered name that both are versions of.
        reached: the challenger's average precision by incident of ``windows``.
        chance: what guessing gives on them.
        fewest: with fewer incidents nothing is promoted.

    Raises:
        InputError: the champion was fitted on features that ``windows`` lack.
    """
    champion = tracking.champion(model)
    if champion is None:
        return judge(reached, chance, first=True, fewest=fewest)
    rival = tracking.load(model, champion)
    same = narrowed(windows, rival, champion)
    scores = labelled(detection.system(rival, same, same.names(*JUDGED)), same.recordings,
                      same.window_s)
    return judge(reached, precisions(scores), fewest=fewest)


def narrowed(windows: detection.Windows, champion: Any, version: int) -> detection.Windows:
    """The windows with no other features than those that the champion was fitted on."""
    columns = fitted_on(champion, version)
    if missing := sorted(set(columns) - set(windows.frame.columns)):
        raise InputError(
            f"Champion version {version} was fitted on {missing}, which these features lack. "
            f"They have {[*windows.frame.columns.drop(KEYS)]}. Retire it with `mlflow` or move "
            "the alias by hand; then the next challenger is judged against chance.")
    return dataclasses.replace(windows, frame=windows.frame[[*KEYS, *columns]])


def fitted_on(champion: Any, version: int) -> list[str]:
    """Feature columns of a fitted PerService."""
    pooled: Any = getattr(champion, "pooled_", None)
    if not isinstance(champion, PerService) or not hasattr(pooled, "columns_"):
        raise InputError(f"Champion version {version} is a {type(champion).__name__} that does "
                         "not tell which features it was fitted on: it cannot be compared.")
    return list(pooled.columns_)


def register(dataset: Path, out: Path) -> dict[str, Any]:
    """Register the pipeline's detector with what was made of it, and let it challenge.

    The same detector registers once, and its run is logged once, so that this may be called
    after every ``dvc repro``, also when nothing was trained: the answer then is that of last
    time (``receipt``).

    Args:
        dataset: folder of the recorded data set.
        out: folder that the pipeline's outputs went to.
    """
    if (same := receipt.read(out)) is not None:
        return same
    version, verdict = _register(dataset, out)
    answer = {"version": version, "champion": tracking.champion(tracking.named(dataset))}
    next_time = _reigning(version) if verdict.promotes else verdict
    receipt.write(out, answer | _told(next_time))
    return answer | _told(verdict)


def _told(verdict: Verdict) -> dict[str, Any]:
    """The numbers too, where there are any."""
    told = dataclasses.asdict(verdict)
    return told if verdict.n else {key: told[key] for key in ("decision", "reason")}


def _register(dataset: Path, out: Path) -> tuple[int, Verdict]:
    detector, card = train.load(out / "model")
    model = tracking.named(dataset)
    version = tracking.with_content(model, tracking.content(detector))
    if version is not None and (verdict := reigns(model, version)) is not None:
        return version, verdict
    windows, reached = detection.read(out), evaluate.precisions(out / "metrics")
    version = version or _log(detector, card, windows, dataset, out)
    verdict = challenge(model, reached["ap"], reached["chance"], windows)
    if verdict.promotes:
        tracking.promote(model, version)
    return version, verdict


def reigns(model: str, version: int | None) -> Verdict | None:
    """That this version of a model is its champion, if it is: nothing to compare then."""
    if version is None or version != tracking.champion(model):
        return None
    return _reigning(version)


def _reigning(version: int) -> Verdict:
    return Verdict("kept", f"Version {version} is the champion already: the same detector.")


def _log(detector: PerService, card: dict[str, Any], windows: detection.Windows, dataset: Path,
         out: Path) -> int:
    """A run with parameters, figures, pictures and reports, to which the version belongs."""
    model = tracking.named(dataset)
    with tracking.start(model, f"pipeline {card['detector']}", parameters(card),
                        dataset=dataset):
        tracking.log_figures(evaluate.figures(out / "metrics"))
        for path in sorted([*out.glob("plots/*.png"), *out.glob("reports/*.html")]):
            tracking.log_file(path, path.parent.name)
        return tracking.register(detector, example(windows), model)


def register_trained(detector: PerService, card: dict[str, Any], windows: detection.Windows,
                     dataset: Path, pictures: dict[str, Figure]) -> int:
    """The version of a detector just trained, with a run of its parameters and pictures.

    Where this very detector is registered already, no new run is made.
    """
    model = tracking.named(dataset)
    if (version := tracking.with_content(model, tracking.content(detector))) is not None:
        return version
    with tracking.start(model, f"train {card['detector']}", parameters(card),
                        dataset=dataset):
        for name, picture in pictures.items():
            tracking.log_picture(picture, name)
        return tracking.register(detector, example(windows), model)


def parameters(card: dict[str, Any]) -> dict[str, Any]:
    """What a run was asked to do, flat."""
    return {"detector": card["detector"], "window_s": card["window_s"],
            "train_recordings": len(card["recordings"]), **card["settings"]}


def example(windows: detection.Windows) -> Any:
    """Some rows of the form that is served, of each service."""
    rows = windows.normal().groupby("service").head(3)
    return rows[[*KEYS, *schema.MODEL_FEATURES]].reset_index(drop=True)
