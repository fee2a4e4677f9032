"""The layout of RCD's Sock Shop data: ``<service>-<fault>/<n>/{normal,anomalous}.csv``.

Published at azamikram/rcd (RCD, NeurIPS 2022), the same data as RCAEval's sock-shop-1; no
licence is stated: read it, do not redistribute it. Columns are ``<service>_<metric>`` at
1 Hz; a database ``<service>-db`` belongs to its service, memory is in bytes, and of the
latencies the published protocol takes the 90th percentile alone.
"""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import pandas as pd

from aiops.case import Case, Window
from aiops.datasets.dataset import Dataset
from aiops.errors import CaseError

LAYOUT = "rcd"
_SIDES = ("normal", "anomalous")
_LEFT_OUT = ("_lat_50", "_lat_99")
_UNITS = {"mem": "By"}
_INCIDENT = re.compile(r"(?P<service>.+)-(?P<fault>[a-z]+)")


def recognise(root: Path) -> bool:
    """Whether the folder has this layout."""
    return any((path.parent / "anomalous.csv").exists() for path in root.glob("*/*/normal.csv"))


def open_dataset(root: Path) -> Dataset:
    """The data set in a folder of this layout."""
    folders = {f"{path.parent.parent.name}/{path.parent.name}": path.parent
               for path in sorted(root.glob("*/*/normal.csv"))}
    return Dataset(root.name, root, {name: _truth(name) for name in folders},
                   lambda: {n: partial(read_case, f) for n, f in folders.items()},
                   card=(__doc__ or "").strip())


def _truth(name: str) -> dict[str, object]:
    match = _INCIDENT.fullmatch(name.split("/")[0])
    if match is None:
        raise CaseError(f"A folder of the rcd layout is named <service>-<fault>. Got {name!r}.")
    return {"culprits": [match["service"]], "kind": "service", "fault": match["fault"]}


def read_case(folder: Path) -> Case:
    """One incident; a side's window ends one sample after its last row."""
    normal, abnormal = (_long(folder / f"{side}.csv") for side in _SIDES)
    return Case(normal=(_window(normal),), abnormal=_window(abnormal),
                metrics=pd.concat([normal, abnormal], ignore_index=True))


def _long(path: Path) -> pd.DataFrame:
    wide = pd.read_csv(path)
    if "time" not in wide or wide.empty:
        raise CaseError(f"{path} must have a time column and rows. Got {', '.join(wide)}.")
    wide["time"] = pd.to_datetime(wide["time"], unit="s", utc=True)
    kept = [c for c in wide if c != "time" and not c.endswith(_LEFT_OUT)]
    long = wide.melt("time", kept, "column").dropna(subset=["value"])
    parts = long["column"].str.split("_", n=1)
    long["instance"], long["name"] = parts.str[0], parts.str[1]
    long["service"] = long["instance"].str.removesuffix("-db")
    return long.assign(unit=long["name"].map(_UNITS)).drop(columns="column")


def _window(long: pd.DataFrame) -> Window:
    return long["time"].min(), long["time"].max() + pd.Timedelta(seconds=1)
