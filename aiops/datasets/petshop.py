"""The layout of PetShop: ``graph.csv``, ``noissue/metrics.csv``, ``{train,test}/<issue>/``.

Published at amazon-science/petshop-root-cause-analysis (PetShop, CLeaR 2024; data CC-BY-4.0);
each of its loads (``low_traffic``, ``high_traffic``, ...) is a data set of its own. An issue
has ``metrics.csv``, columns (node, metric, statistic) every five minutes, and ``target.json``:
the node, metric and statistic that violate their objective, and the root cause.

- normal: the rows of ``noissue``, shared by all issues, less what falls into the issue;
  abnormal: the issue's rows, from the first to one step after the last, as ``evaluate`` of the
  publisher hands them over. The target's ``timestamp`` is not handed to methods there, so not
  here either. On the low load the first one or two of the five rows still look normal.
- metrics are named ``<metric>_<statistic>``; empty cells are left out. The README states no
  units: latency is in seconds as AWS X-Ray gives it, availability lies in 0 to 100 %.
- topology: row calls column. Suspects are all nodes of the graph, the entry included.
- truth: the node; ``fault`` is the target's metric, since no kind of fault is published.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from aiops.case import Case
from aiops.datasets.dataset import Dataset
from aiops.datasets.folder import read_json
from aiops.errors import CaseError
from aiops.windows import Window, minus

LAYOUT = "petshop"
_SPLITS = ("train", "test")
_STEP = pd.Timedelta(minutes=5)
_UNITS = {"latency": "s", "availability": "%", "requests": "{request}"}
_NEEDED = {"target": ("node", "metric", "agg"), "root_cause": ("node",)}


class _Shared(NamedTuple):
    """What all issues of a load have in common."""

    normal: pd.DataFrame
    topology: pd.DataFrame
    nodes: tuple[str, ...]


def recognise(root: Path) -> bool:
    """Whether the folder has this layout."""
    return all((root / path).is_file() for path in ("graph.csv", "noissue/metrics.csv"))


def open_dataset(root: Path) -> Dataset:
    """The data set in a folder of this layout, one load.

    Raises:
        CaseError: a ``target.json`` is missing or damaged; the tables are read with the Cases.
    """
    issues = {f"{split}/{path.name}": path for split in _SPLITS
              for path in sorted((root / split).glob("[!.]*")) if path.is_dir()}
    about = {name: _about(path / "target.json") for name, path in issues.items()}
    shared = cache(partial(_shared, root))  # parsed once, when the first Case is read
    return Dataset(root.name, root, {name: _truth(name, about[name]) for name in issues},
                   lambda: {name: partial(read_case, path, about[name]["target"], shared)
                            for name, path in issues.items()},
                   card=(__doc__ or "").strip())


def read_case(folder: Path, target: dict[str, Any], load: Callable[[], _Shared]) -> Case:
    """One issue against normal operation; ``target`` is what an alert would state."""
    shared, rows = load(), _long(folder / "metrics.csv")
    abnormal = _window(rows)
    normal = shared.normal[(shared.normal["time"] < abnormal[0])
                           | (shared.normal["time"] >= abnormal[1])]
    try:
        return Case(
            normal=tuple(minus([_window(shared.normal)], [abnormal])), abnormal=abnormal,
            metrics=pd.concat([normal, rows], ignore_index=True), topology=shared.topology,
            entry_service=target["node"], suspects=shared.nodes,
            symptom={"service": target["node"], "metric": f"{target['metric']}_{target['agg']}"})
    except CaseError as error:
        raise CaseError(f"{folder}: {error}") from error


def _about(path: Path) -> dict[str, Any]:
    about = read_json(path)
    lacks = [f"{part}.{key}" for part, keys in _NEEDED.items() for key in keys
             if not isinstance(about.get(part), dict) or not about[part].get(key)]
    if lacks:
        raise CaseError(f"{path} lacks {', '.join(lacks)}. Fetch it again from its publisher.")
    return about


def _truth(name: str, about: dict[str, Any]) -> dict[str, object]:
    cause = about["root_cause"]
    metric = {"metric": cause["metric"]} if cause.get("metric") else {}
    return {"culprits": [cause["node"]], "kind": "service", "fault": about["target"]["metric"],
            "slices": [f"split={name.split('/')[0]}"], **metric}


def _shared(root: Path) -> _Shared:
    path = root / "graph.csv"
    graph = _table(path, header=0)
    if graph.empty or set(graph.index) != set(graph.columns):
        raise CaseError(f"{path} must be a square table with the same nodes as rows and as "
                        f"columns. Got {len(graph)} rows and {len(graph.columns)} columns.")
    row, column = np.nonzero(graph.fillna(0).to_numpy())
    topology = pd.DataFrame({"caller": graph.index[row], "callee": graph.columns[column]})
    return _Shared(_long(root / "noissue" / "metrics.csv"), topology, tuple(sorted(graph)))


def _long(path: Path) -> pd.DataFrame:
    """The filled cells of a metrics.csv: time, service, name, unit, value."""
    wide = _table(path, header=[0, 1, 2])
    times = pd.to_numeric(wide.index, errors="coerce")
    if wide.empty or times.hasnans or not wide.notna().any(axis=None):
        raise CaseError(f"{path} must have rows with a unix timestamp and values. "
                        f"Got {len(wide)} rows. Fetch it again from its publisher.")
    row, column = np.nonzero(wide.notna().to_numpy())
    service, metric, statistic = (wide.columns.get_level_values(level) for level in range(3))
    return pd.DataFrame({
        "time": pd.to_datetime(times, unit="s", utc=True)[row], "service": service[column],
        "name": (metric + "_" + statistic)[column],
        "unit": pd.Index(metric.map(_UNITS.get), dtype=object)[column],
        "value": wide.to_numpy()[row, column]})


def _table(path: Path, header: int | list[int]) -> pd.DataFrame:
    try:
        return pd.read_csv(path, header=header, index_col=0).astype(float)
    except (OSError, ValueError, IndexError) as error:
        raise CaseError(f"{path} must be a CSV table of numbers in the layout of PetShop. "
                        f"{error}") from error


def _window(long: pd.DataFrame) -> Window:
    return long["time"].min(), long["time"].max() + _STEP
