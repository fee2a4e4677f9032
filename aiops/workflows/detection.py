"""Detection on a recorded data set: read its windows, score them, judge the scores."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.base import clone

from aiops import datasets, features
from aiops.base import Detector
from aiops.detection import DETECTORS, PerService, system_scores
from aiops.errors import InputError, UsageError
from aiops.evaluation import recordings as judging
from aiops.evaluation.figures import Figure
from aiops.evaluation.recordings import JUDGED, PER_HOUR, Evaluation
from aiops.workflows import stages

WINDOW_S = 5.0


@dataclass(frozen=True, eq=False)
class Windows:
    """The windows of a recorded data set, as a Detector takes them.

    Args:
        frame: service, window_start, ``schema.MODEL_FEATURES``; a row a service and window.
        recording: which recording a row is of, in the order of the rows.
        recordings: columns of ``schema.RECORDINGS``: the truth, for evaluation alone.
        window_s: length of a window in seconds.
    """

    frame: pd.DataFrame
    recording: pd.Series
    recordings: pd.DataFrame
    window_s: float

    def names(self, *roles: str) -> list[str]:
        """Recordings of these roles, in order of time."""
        return self.recordings.loc[self.recordings["role"].isin(roles), "recording"].tolist()

    def normal(self) -> pd.DataFrame:
        """Rows to train on: recordings of normal traffic alone, which are never judged."""
        if not (names := self.names("normal")):
            raise InputError("There is nothing to train on: no recording of normal traffic. Got "
                             f"roles {sorted(set(self.recordings['role']))}.")
        return self.frame[self.recording.isin(names)]

    def of(self, name: str) -> pd.DataFrame:
        """Rows of one recording."""
        return self.frame[self.recording == name]


def read(folder: Path) -> Windows:
    """Windows from ``features.parquet`` and ``recordings.parquet``, as ``featurize`` wrote them."""
    missing = [name for name in ("features", "recordings")
               if not (folder / f"{name}.parquet").exists()]
    if missing:
        raise InputError(f"{folder} lacks {', '.join(f'{name}.parquet' for name in missing)}. "
                         "Run `dvc repro featurize`, or `aiops pipeline featurize`.")
    table = pq.read_table(folder / "features.parquet")
    return windows(table, pq.read_table(folder / "recordings.parquet"))


def windows(table: pa.Table, recordings: pa.Table) -> Windows:
    """Windows of a feature table and what was recorded, both as ``featurize`` makes them."""
    about = recordings.to_pandas().sort_values("start", ignore_index=True)
    frame = features.model_rows(table).reset_index(drop=True)
    spans = pd.IntervalIndex.from_arrays(about["start"], about["end"], closed="left")
    number = spans.get_indexer(frame["window_start"])
    if (number < 0).any():
        raise InputError(f"features hold windows outside every recording, the first at "
                         f"{frame['window_start'][number < 0].min()}: make both anew with "
                         "`aiops pipeline featurize`.")
    named = pd.Series(about["recording"].to_numpy()[number], frame.index, name="recording")
    return Windows(frame, named, about, table["window_s"][0].as_py())


def evaluate(detector: Detector, windows: Windows, dataset: str, model: str,
             per_hour: float = PER_HOUR) -> Evaluation:
    """Judge a fitted detector on all recordings but those of normal traffic.

    Args:
        detector: fitted on ``windows.normal()``; clones of it are fitted on parts of that for
            the held-out scores that teach the threshold.
        dataset, model: what the figures call them.
        per_hour: promised false alarms an hour of normal time.

    Raises:
        InputError: every recording is normal traffic.
    """
    if not (names := windows.names(*JUDGED)):
        raise InputError("There is nothing to judge on: truth.json names none of the recordings "
                         f"{', '.join(windows.names('normal'))}. Name those with an incident, "
                         "each with culprits, start and end.")
    return judging.judge(system(detector, windows, names),
                         held_out(detector, windows), windows.recordings, windows.window_s,
                         dataset, model, per_hour)


def system(detector: Detector, windows: Windows, names: list[str]) -> pd.DataFrame:
    """Scores of the whole system: recording, window_start, score.

    Each recording is scored by itself, so that none is seen through what came before it.
    """
    parts = {name: _system(detector, windows.of(name)) for name in names}
    made = pd.concat(parts, names=["recording"]).reset_index()
    return made[["recording", "window_start", "score"]]


def _system(detector: Detector, rows: pd.DataFrame) -> pd.Series:
    return system_scores(rows, detector.score(rows))


def held_out(detector: Detector, windows: Windows) -> pd.DataFrame:
    """``system`` scores of normal traffic, each recording by a clone that did not see it.

    A single recording is cut into two halves.
    """
    rows = windows.normal()
    fold = windows.recording[rows.index]
    if fold.nunique() == 1:
        late = rows["window_start"] >= rows["window_start"].median()
        fold = fold + np.where(late, "/2", "/1")
    parts = {name: _system(clone(detector).fit(rows[fold != name]), rows[fold == name])
             for name in fold.unique()}
    made = pd.concat(parts, names=["recording"]).reset_index()
    return made[["recording", "window_start", "score"]]


def bench_detection(target: str | Path, detectors: Sequence[str] | None = None,
                    window_s: float = WINDOW_S) -> list[Figure]:
    """Score detectors on a recorded data set, trained on its recordings of normal traffic.

    Args:
        target: a folder that ``aiops pipeline featurize`` wrote, which is read as it is; else a
            recorded data set by folder or name, whose features are made anew.
        detectors: names from ``aiops.detection.DETECTORS``; all of them when None.
        window_s: length of the windows made, in seconds.

    Raises:
        UsageError: no such data set or detector. InputError: nothing to train on.
    """
    names = list(DETECTORS) if detectors is None else list(detectors)
    if not names or set(names) - set(DETECTORS):
        raise UsageError(f"The detectors parameter must name some of {', '.join(DETECTORS)}. "
                         f"Got {names} instead.")
    dataset, found = _found(Path(target), window_s)
    return [figure for name in names for figure in
            evaluate(fitted(name, found), found, dataset, name).figures]


def fitted(name: str, windows: Windows) -> PerService:
    """The detector of that name with its default settings, one a service, on normal traffic."""
    return PerService(DETECTORS[name]()).fit(windows.normal())


def _found(target: Path, window_s: float) -> tuple[str, Windows]:
    if (target / "features.parquet").exists():
        return target.resolve().name, read(target)
    dataset = datasets.load(target)
    if not dataset.raw.is_dir():
        raise InputError(f"{dataset.root} holds no recordings: detection is judged on recorded "
                         "telemetry. See docs/bench-detection.md.")
    with tempfile.TemporaryDirectory(prefix="aiops-bench-") as made:
        out = Path(made)
        stages.ingest(dataset.raw, out / "lake")
        stages.featurize(out / "lake", out, window_s, dataset=dataset.root)
        return dataset.name, read(out)
