"""Retrain: a challenger is trained, evaluated and registered; it may become champion.

All is done in ``experiments/<data set>/retrain``, by steps that are skipped when they were done
before on the same data, code and settings: a run that was broken off is gone on with, a
second one changes nothing. What was decided stands in ``decision.json`` before the alias moves.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiops
from aiops import locks, tracking
from aiops.errors import InputError, UsageError
from aiops.workflows import (
    champion,
    detection,
    evaluate,
    notebooks,
    pin,
    stages,
    train,
    whole,
)
from aiops.workflows.promotion import FEWEST_INCIDENTS, Verdict

TRAIN, EVALUATE = "02-train-detector", "03-evaluate-detector"
DONE = ".done"  # in a step's folder, written last


@dataclass(frozen=True)
class Plan:
    """What to retrain on what.

    Args:
        dataset: folder of a recorded data set.
        detector, settings: what is trained.
        window_s, timezone: of the features.
        notebooks: folder that the two notebooks lie in.
        out: folder for all that is made.
    """

    dataset: Path
    detector: str
    settings: Mapping[str, Any]
    window_s: float
    timezone: str
    notebooks: Path
    out: Path

    @property
    def model(self) -> str:
        """Registered name that the challenger becomes a version of."""
        return tracking.named(self.dataset)


def plan(dataset: Path, project: Path = Path(), detector: str | None = None,
         settings: Mapping[str, Any] | None = None, out: Path | None = None) -> Plan:
    """The plan for a data set, with the project's params.yaml where nothing else is said.

    Args:
        dataset: its folder, or its name below ``datasets/`` of the project.
        project: folder with params.yaml and notebooks/.
        detector, settings: settings of params.yaml hold for its own detector only.
    """
    folder = dataset if dataset.is_dir() else project / "datasets" / dataset
    if not folder.is_dir():
        raise UsageError(f"There is no data set {dataset}: neither a folder nor one below "
                         f"{project / 'datasets'}.")
    params = project / "params.yaml"
    name, its_own = train.chosen(params)
    kept = its_own if detector in (None, name) else {}
    base = train.read_params(params)
    if missing := {"window_s", "timezone"} - set(base):
        raise InputError(f"{params} lacks {', '.join(sorted(missing))}.")
    made = Plan(folder, detector or name, {**kept, **(settings or {})}, float(base["window_s"]),
                base["timezone"], project / "notebooks",
                out or project / "experiments" / folder.resolve().name / "retrain")
    train.make(made.detector, made.settings)  # refuses what cannot be trained, before all work
    return made


def retrain(of: Plan, allow_unpinned: bool = False,
            fewest: int = FEWEST_INCIDENTS) -> dict[str, Any]:
    """Train, evaluate, register, compare, and move the alias when better beyond noise.

    Args:
        allow_unpinned: take recordings that are not the ones that git pins.
        fewest: with fewer incidents nothing is promoted.

    Returns:
        decision ("promoted", "first" or "kept"), reason, difference, low, high, n, and what it
        was about: model, challenger, champion (versions) and champion_before, dataset,
        dataset_version, detector, settings, paths.

    Raises:
        BusyError: another retrain works on the same registry.
        InputError: the data is not as pinned, or the champion cannot be compared.
        NotebookError: a notebook failed; its report says where.
    """
    with _alone(of.out):
        data = pin.pinned(of.dataset, allow_unpinned)
        features = _features(of, of.out / f"features-{_features_key(of, data)}")
        run = of.out / f"{of.detector}-{_run_key(of, features)}"
        version = _trained(of, features, run / "train")
        _evaluated(of, features, run, version)
        return _decided(of, features, run, version, data, fewest)


def _alone(out: Path) -> AbstractContextManager[None]:
    """One registry, one lock: beside its database, where it has one on this machine."""
    database = tracking.database()
    path = (database.parent if database else out) / "retrain.lock"
    return locks.held(path, lambda process: f"Another retrain, process {process}, holds {path}. "
                                            "Wait until it ends.")


# --- steps, each done once ---------------------------------------------------------------
def _features(of: Plan, folder: Path) -> Path:
    if not folder.is_dir():
        with whole.folder(folder) as part:
            stages.ingest(of.dataset / "recordings", part / "lake")
            stages.featurize(part / "lake", part, of.window_s, of.timezone, of.dataset)
            shutil.rmtree(part / "lake")  # features are all that is asked of it
    return folder


def _trained(of: Plan, features: Path, folder: Path) -> int:
    """The challenger's version; the notebook registers it, once."""
    _once(folder, lambda: notebooks.run(of.notebooks / f"{TRAIN}.ipynb", folder, {
        "dataset": str(of.dataset), "features": str(features), "out": str(folder / "model"),
        "detector": of.detector, "settings": dict(of.settings)}))
    detector, card = train.load(folder / "model")
    return champion.register_trained(detector, card, detection.read(features), of.dataset, {})


def _evaluated(of: Plan, features: Path, run: Path, version: int) -> None:
    """Figures and pictures of the challenger, added to the run that it belongs to."""
    folder = run / "evaluate"
    run_id = next(v.run_id for v in tracking.versions(of.model) if v.number == version)

    def work() -> None:
        done = notebooks.run(of.notebooks / f"{EVALUATE}.ipynb", folder, {
            "dataset": str(of.dataset), "features": str(features), "run": run_id,
            "model": str(run / "train" / "model"), "out": str(folder)})
        with tracking.resume(run_id):
            for page in (run / "train" / f"{TRAIN}.html", done.report):
                tracking.log_file(page, "reports")

    _once(folder, work)


def _once(folder: Path, work: Callable[[], object]) -> None:
    """Do a step from its begin, unless it came to its end before."""
    if not (folder / DONE).exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        work()
        (folder / DONE).touch()


def _decided(of: Plan, features: Path, run: Path, version: int, data: str,
             fewest: int) -> dict[str, Any]:
    before = tracking.champion(of.model)
    verdict = champion.reigns(of.model, version)
    answer = run / "decision.json"
    if verdict is None:
        reached = evaluate.precisions(run / "evaluate")
        verdict = champion.challenge(of.model, reached["ap"], reached["chance"],
                                     detection.read(features), fewest)
        whole.write_json(_told(of, run, version, before, verdict, data), answer)
        if verdict.promotes:
            tracking.promote(of.model, version)
    return _told(of, run, version, before, verdict, data)


def _told(of: Plan, run: Path, version: int, before: int | None, verdict: Verdict,
          data: str) -> dict[str, Any]:
    return {
        **dataclasses.asdict(verdict), "model": of.model, "challenger": version,
        "champion_before": before,
        "champion": version if verdict.promotes else before,
        "dataset": of.dataset.resolve().name, "dataset_version": data,
        "detector": of.detector, "settings": dict(of.settings),
        "paths": {"training": str(run / "train" / f"{TRAIN}.html"),
                  "evaluation": str(run / "evaluate" / f"{EVALUATE}.html"),
                  "model": str(run / "train" / "model"), "decision": str(run / "decision.json")}}


# --- what a step depends on --------------------------------------------------------------
def _features_key(of: Plan, data: str) -> str:
    truth = hashlib.sha256((of.dataset / "truth.json").read_bytes()).hexdigest()
    return _hash(data, truth, of.window_s, of.timezone, _code())


def _run_key(of: Plan, features: Path) -> str:
    steps = [(of.notebooks / f"{name}.ipynb").read_text() for name in (TRAIN, EVALUATE)]
    return _hash(of.model, features.name, of.detector, dict(of.settings), steps)


def _hash(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]


def _code() -> str:
    """A hash of the whole package: a list of what features and models are made by goes stale."""
    package, total = Path(aiops.__file__).parent, hashlib.sha256()
    for path in sorted(p for p in package.rglob("*") if p.suffix in (".py", ".sql")):
        total.update(f"{path.relative_to(package)}\0".encode() + path.read_bytes())
    return total.hexdigest()
