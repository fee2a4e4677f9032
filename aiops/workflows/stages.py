"""The first stages of ``dvc.yaml``: recordings to lake, lake to features.

Each stage writes its output whole or not at all.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from aiops import datasets, features
from aiops import lake as lakes
from aiops.datasets.folder import read_truth
from aiops.datasets.recorded import check_whole
from aiops.datasets.recording import find
from aiops.errors import InputError
from aiops.workflows import parallel, whole


def ingest(recordings: Path, lake: Path) -> dict[str, Any]:
    """Read every recording of a data set into a new lake.

    Counts of what came, and the hash of what was read, are returned and stand beside the
    lake in ingest.json: its files have unique names, so it is never the same bytes twice.
    """
    folders = [each.folder for each in find(recordings)]
    if not folders:
        raise InputError(f"{recordings} holds no */recording.json. Run `dvc pull`, or record one.")
    counts = Counter[str]()
    with whole.folder(lake) as part:
        lakes.open(part)
        for added in parallel.each(partial(_add, part), folders, "ingest"):
            counts.update(added)
    found = {**counts, "sha256": _hash(folders)}
    whole.write_json(found, lake.with_name("ingest.json"))
    return found


def _add(lake: Path, recording: Path) -> dict[str, int]:
    counts = lakes.open(lake, create=False).ingest(recording)
    check_whole(recording, counts)
    return counts


def _hash(folders: list[Path]) -> str:
    """One hash over the names and bytes of all files."""
    total = hashlib.sha256()
    for path in sorted(file for folder in folders for file in folder.iterdir()):
        total.update(f"{path.parent.name}/{path.name}\0".encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def featurize(lake: Path, out: Path, window_s: float, timezone: str = "UTC",
              dataset: Path | None = None) -> dict[str, int]:
    """Write features and topology as Parquet; rows by table.

    With a recorded data set also its recordings and labels, which tell the truth and lie
    apart from the features; rows of features are then made only of windows that lie wholly
    inside a recording: what telemetry there is of the time between is not whole.

    Raises:
        InputError: there is no lake.
    """
    if dataset is not None and not lake.is_dir():
        raise InputError(f"There is no lake {lake}. `dvc` knows of ingest.json beside it alone: "
                         "make both anew with `dvc repro --force ingest`.")
    connection = lakes.open(lake, create=False).connection
    tables, within = {}, None
    if dataset is not None:
        tables["recordings"] = datasets.recordings(dataset)
        tables["labels"] = features.labels(read_truth(dataset))
        within = spans(tables["recordings"])
    tables["features"] = features.windows(connection, window_s, timezone=timezone, within=within)
    tables["topology"] = features.topology(connection, window_s)
    for name, table in tables.items():
        with whole.file(out / f"{name}.parquet") as part:
            pq.write_table(table, part, compression="zstd")
    return {name: len(table) for name, table in tables.items()}


def spans(recordings: pa.Table) -> list[tuple[pd.Timestamp, pd.Timestamp]]:
    """What was recorded: (start, end) of each recording."""
    frame = recordings.select(["start", "end"]).to_pandas()
    return list(frame.itertuples(index=False, name=None))
