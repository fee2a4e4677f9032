"""A ranker as a JSON file: what was learned comes back, and nothing else is opened."""

from __future__ import annotations

import json
import pickle
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from aiops import rca
from aiops.case import Case
from aiops.errors import InputError
from aiops.rca.evidence.alerts import Rates
from aiops.tracking import ranker_file

START = pd.Timestamp("2026-01-01T00:00:00Z")


def incident(*alerting: str) -> Case:
    """A Case of alerts alone: these services raise one each, a one that is as usual."""
    alerts = pd.DataFrame({"instance": ["a", *alerting], "service": ["a", *alerting],
                           "kind": "metric", "name": "cpu", "direction": "up"})
    hour = pd.Timedelta("1h")
    return Case(normal=((START, START + hour),), abnormal=(START + hour, START + 2 * hour),
                alerts=alerts.drop_duplicates(), suspects=("a", "b", "c"))


def fitted() -> rca.Fusion:
    """It has seen that b alerts in each of five incidents, and c in none."""
    return rca.Fusion(("alerts",)).fit([incident("b")] * 5)


def again(ranker: Any, folder: Path) -> Any:
    return ranker_file.load_file(ranker_file.save_file(ranker, folder / "ranker.json"))


def test_what_was_learned_and_the_settings_come_back(tmp_path: Path) -> None:
    ranker, case = fitted(), incident("b", "c")
    opened = again(ranker, tmp_path)
    assert opened.rank(case).equals(ranker.rank(case))
    assert opened.rank(case).idxmax() == "c"
    assert not opened.rank(case).equals(rca.Fusion(("alerts",)).rank(case))
    assert opened.get_params() == ranker.get_params()
    assert opened.memory_["alerts"].seen["b", "metric", "cpu", "up"] == 5
    assert [path.name for path in tmp_path.iterdir()] == ["ranker.json"]


def test_the_file_is_json_and_the_same_ranker_has_the_same_content(tmp_path: Path) -> None:
    assert json.loads(ranker_file.save_file(fitted(), tmp_path / "r.json").read_text())
    assert ranker_file.content(fitted()) == ranker_file.content(again(fitted(), tmp_path))
    others = [rca.Fusion(), rca.Fusion(("alerts",)), fitted(), rca.Baro(),
              rca.Fusion(("alerts",)).fit([incident("c")])]
    assert len({ranker_file.content(each) for each in others}) == len(others)


def test_other_code_is_other_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, path = ranker_file.content(fitted()), ranker_file.save_file(fitted(), tmp_path / "r")
    assert ranker_file.same_code(path)
    assert ranker_file.code(rca.Fusion) != ranker_file.code(rca.Baro)
    monkeypatch.setattr(ranker_file, "code_version", lambda modules: "other")
    assert ranker_file.content(fitted()) != before
    assert not ranker_file.same_code(path)


@pytest.mark.parametrize("value", [
    None, True, 3, -0.5, "text", [1, [2.0]], (1, ("a",)), {("a", 1): [None], 2: {}}, np.float64(2),
    Counter({("a", "b"): 2, "c": 1}), Rates(Counter({("a",): 1}), 4), float("inf"),
    {"nested": (Rates(Counter(), 0), [{"deep": ()}])},
])
def test_values_come_back_as_they_were(value: Any, tmp_path: Path) -> None:
    ranker = rca.Fusion()
    ranker.memory_ = value
    opened = again(ranker, tmp_path).memory_
    assert opened == value
    assert type(opened) is (float if isinstance(value, np.floating) else type(value))


@pytest.mark.parametrize("array", [np.arange(6.0).reshape(2, 3), np.array([1, -2]),
                                   np.array([True, False]), np.array([np.nan, np.inf])])
def test_arrays_come_back_as_they_were(array: np.ndarray, tmp_path: Path) -> None:
    ranker = rca.Fusion()
    ranker.weights_ = {"by": array}
    opened = again(ranker, tmp_path).weights_["by"]
    np.testing.assert_array_equal(opened, array)
    assert opened.dtype == array.dtype


@pytest.mark.parametrize("value", [
    object(), {1, 2}, b"bytes", np.array(["a"], dtype=object), Path()])
def test_what_the_form_lacks_is_not_kept(value: Any, tmp_path: Path) -> None:
    ranker = rca.Fusion()
    ranker.memory_ = {"alerts": value}
    with pytest.raises(InputError, match=r"cannot be kept. Allowed: numbers, text"):
        ranker_file.save_file(ranker, tmp_path / "r.json")
    assert list(tmp_path.iterdir()) == []


def test_a_ranker_that_is_not_ours_is_not_kept() -> None:
    class Other(rca.Fusion):
        pass

    with pytest.raises(InputError, match="a Other cannot be kept: it is none of fusion"):
        ranker_file.text_of(Other())


class Trap:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.file,)


def test_a_pickle_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    with pytest.raises(InputError, match="pickles never are"):
        ranker_file.load_file(path)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(("changes", "said"), [
    ({"format": 2}, "its format must be 1"),
    ({"ranker": "nope"}, "must be one of fusion"),
    ({"settings": [["nope", 1]]}, "Invalid parameter"),
    ({"learned": [["rank", 1]]}, "nothing that is learned is named 'rank'"),
    ({"learned": [["__class__", 1]]}, "nothing that is learned is named '__class__'"),
    ({"learned": [["memory_", {"record": ["os", "system", []]}]]}, "os is not of aiops.rca"),
    ({"learned": [["memory_", {"record": ["aiops.rca.nope", "X", []]}]]}, "No module named"),
    ({"learned": [["memory_", {"record": ["aiops.rca.evidence.alerts", "learn", []]}]]},
     "is no NamedTuple or dataclass of its own"),
    ({"learned": [["memory_", {"record": ["aiops.rca.evidence.alerts", "View", []]}]]},
     "is no NamedTuple or dataclass of its own"),
    ({"learned": [["memory_", {"pickle": "gASV"}]]}, "KeyError('pickle')"),
    ({"learned": [["memory_", {"array": ["object", [1], ["x"]]}]]}, "object"),
    ({"learned": None}, "TypeError"),
])
def test_a_file_that_was_tampered_with_is_refused(
    changes: dict[str, Any], said: str, tmp_path: Path
) -> None:
    path = ranker_file.save_file(fitted(), tmp_path / "r.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    with pytest.raises(InputError) as no:
        ranker_file.load_file(path)
    assert said in str(no.value)
