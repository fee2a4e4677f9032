"""The learning curve draws as many confirmed incidents as it says, and needs some."""

import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from aiops.case import Case
from aiops.datasets import Dataset
from aiops.errors import InputError

BENCH = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "confirmed_incidents.py"))
T0, T1, T2 = pd.date_range("1970-01-01", periods=3, freq="10min", tz="UTC")


def made(seed: int, culprit: str) -> Case:
    noisy = np.random.default_rng(seed).choice(list("abcd"), 2)
    alerts = pd.DataFrame({"instance": [*noisy, culprit], "kind": "metric",
                           "name": ["cpu", "cpu", "disk"]})
    return Case(normal=((T0, T1),), abnormal=(T1, T2), suspects=tuple("abcd"),
                alerts=alerts.assign(service=alerts["instance"]))


def dataset(root: Path, n: int) -> Dataset:
    past, new = [[(f"{part}{k}", "abcd"[k % 4]) for k in range(m)]
                 for part, m in (("h", n), ("t", 4))]
    truth = [{name: {"culprits": [who], "kind": "service"} for name, who in part}
             for part in (past, new)]
    return Dataset("made", root, truth[1],
                   lambda: {name: lambda k=k, who=who: made(k, who)
                            for k, (name, who) in enumerate(new)},
                   lambda: ((name, made(100 + k, who)) for k, (name, who) in enumerate(past)),
                   truth[0])


def test_each_number_of_incidents_is_a_slice_and_all_of_them_too(tmp_path):
    got = BENCH["bench"](dataset(tmp_path, 12), sizes=(3, 100), seeds=2)
    assert [(f.slice, f.metric, f.n) for f in got] == [
        (part, metric, 4) for part in ("confirmed=3", "confirmed=12")
        for metric in ("ac@1", "ac@3")]
    assert {f.metric: f.chance for f in got} == {"ac@1": 0.25, "ac@3": 0.75}
    assert got[2].value == 1.0  # the disk tells


def test_a_set_without_confirmed_incidents_is_an_error(tmp_path):
    with pytest.raises(InputError, match="nothing is confirmed"):
        BENCH["bench"](dataset(tmp_path, 0))
