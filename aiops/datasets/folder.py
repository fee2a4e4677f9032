"""Folders of Cases: the form that anyone can make with pandas (docs/bench-rca.md).

    <root>/<id>/case.json, {traces,logs,metrics,alerts,topology}.parquet
    <root>/truth.json                 beside the cases, never inside one
    <root>/normal/<name>/*.parquet    normal operation shared by Cases that name it
    <root>/history/<id>/...           past incidents for ``fit``, never scored
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from aiops import schema
from aiops.case import TABLES, Case
from aiops.datasets.dataset import Dataset, Truth, by_id
from aiops.errors import CaseError

LAYOUT = "cases"
_NOT_CASES = ("normal", "history")
_FIELDS = {"id", "normal", "abnormal", "detected_at", "entry_service", "symptom", "suspects",
           "normal_in"}


def recognise(root: Path) -> bool:
    """Whether the folder holds Cases."""
    return bool(_folders(root))


def open_dataset(root: Path) -> Dataset:
    """The data set in a folder of Cases."""
    card = root / "card.md"
    return Dataset(root.name, root, read_truth(root), lambda: _readers(root),
                   lambda: read_cases(root / "history", root), read_truth(root / "history"),
                   card.read_text() if card.exists() else "")


def read_cases(root: Path, shared: Path | None = None) -> Iterator[tuple[str, Case]]:
    """(id, Case) one after the other, by folder name; tables that are shared lie in ``shared``."""
    for path in _folders(root):
        yield read_case(path, (shared or root) / "normal")


def _readers(root: Path) -> dict[str, Callable[[], Case]]:
    def one(path: Path) -> Callable[[], Case]:
        return lambda: read_case(path, root / "normal")[1]

    return by_id((_about_case(path)["id"], one(path)) for path in _folders(root))


def read_case(path: Path, normal: Path | None = None) -> tuple[str, Case]:
    """One Case from its folder; ``normal`` is where shared normal operation lies."""
    about = _about_case(path)
    folders = [path] + ([_shared(normal, about["normal_in"])] if about.get("normal_in") else [])
    fields = {key: about[key] for key in _FIELDS - {"id", "normal_in"} if key in about}
    try:
        return about["id"], Case(**fields, **_tables(folders))
    except CaseError as error:
        raise CaseError(f"{path}: {error}") from error


def _about_case(path: Path) -> dict[str, Any]:
    about = read_json(path / "case.json")
    missing = [key for key in ("id", "normal", "abnormal") if key not in about]
    if missing:
        raise CaseError(f"{path / 'case.json'} lacks {', '.join(missing)}. "
                        f"Known keys: {', '.join(sorted(_FIELDS))}.")
    return about


def read_truth(root: Path) -> Truth:
    """id -> culprits and the like; empty where there is no truth.json."""
    path = root / "truth.json"
    truth: Truth = read_json(path) if path.exists() else {}
    for name, entry in truth.items():
        if not isinstance(entry, dict) or not isinstance(entry.get("culprits"), list):
            raise CaseError(f"{path}: {name} must have a list of culprits. Got {entry!r}.")
    return truth


def write_case(root: Path, name: str, case: Case) -> Path:
    """Write a Case as ``<root>/<name>/``; its truth belongs into ``<root>/truth.json``."""
    folder = Path(root) / name
    folder.mkdir(parents=True)
    for table, frame in case.tables.items():
        fields = [field for field in schema.CASE[table] if field.name in frame]
        made = pa.table([_array(frame[field.name], field.type) for field in fields],
                        pa.schema(fields))
        pa.parquet.write_table(made, folder / f"{table}.parquet")
    (folder / "case.json").write_text(json.dumps(_about(name, case), indent=1) + "\n")
    return folder


def _array(values: pd.Series, kind: pa.DataType) -> pa.Array:
    if pa.types.is_timestamp(kind):  # pyarrow would read .values, which pandas deprecates
        return pa.array(values.dt.tz_convert(None).to_numpy(), pa.timestamp("ns")).cast(kind)
    return pa.array(values, kind, from_pandas=True)


def _about(name: str, case: Case) -> dict[str, Any]:
    def text(pair: tuple[pd.Timestamp, pd.Timestamp]) -> list[str]:
        return [stamp.isoformat() for stamp in pair]

    about = {"id": name, "normal": [text(each) for each in case.normal],
             "abnormal": text(case.abnormal),
             "detected_at": pd.Timestamp(case.detected_at).isoformat(),
             "entry_service": case.entry_service, "symptom": case.symptom,
             "suspects": list(case.suspects)}
    return {key: value for key, value in about.items() if value is not None}


def _folders(root: Path) -> list[Path]:
    return [path.parent for path in sorted(root.glob("*/case.json"))
            if path.parent.name not in _NOT_CASES]


def _shared(normal: Path | None, name: str) -> Path:
    if normal is None or not (normal / name).is_dir():
        raise CaseError(f"normal_in names {name!r}, and there is no folder {normal}/{name}.")
    return normal / name


def _tables(folders: list[Path]) -> dict[str, pd.DataFrame]:
    tables = {}
    for name in TABLES:
        found = [f / f"{name}.parquet" for f in folders if (f / f"{name}.parquet").exists()]
        if found:
            tables[name] = pd.concat(map(_table, found), ignore_index=True)
    return tables


def _table(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path)
    except pa.ArrowInvalid as error:
        raise CaseError(f"{path} is no Parquet file. {error}") from error


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object; a CaseError that names the file when it is none."""
    try:
        return dict(json.loads(path.read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise CaseError(f"{path} must be a JSON object. {error}") from error
