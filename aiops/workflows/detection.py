"""Detection on a recorded data set: read its windows, score them, judge the scores."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.base import clone

from aiops import features
from aiops.base import Detector
from aiops.detection import system_scores
from aiops.errors import InputError
from aiops.evaluation import recordings as judging
from aiops.evaluation.recordings import JUDGED, PER_HOUR, Evaluation


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
    """
    return judging.judge(system(detector, windows, windows.names(*JUDGED)),
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
