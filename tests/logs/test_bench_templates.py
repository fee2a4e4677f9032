"""The benchmark of templates reads the published layout and scores what it says."""

import runpy
from pathlib import Path

import pandas as pd
import pytest

from aiops.errors import InputError

BENCH = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "templates.py"))["bench"]


def test_each_system_and_their_mean_are_scored(tmp_path):
    for system, true in (("One", "took <*> ms"), ("Two", "took <*> <*>")):
        (tmp_path / system).mkdir()
        pd.DataFrame({"Content": ["took 5 ms", "took 6 ms"], "EventTemplate": true}).to_csv(
            tmp_path / system / f"{system}_2k.log_structured_corrected.csv.gz", index=False)
    got = {(f.slice, f.metric): (f.value, f.n) for f in BENCH(tmp_path) if f.model == "templates"}
    assert got["One", "pa"] == (1.0, 2)
    assert (got["Two", "ga"], got["Two", "pa"]) == ((1.0, 2), (0.0, 2))
    assert got["mean", "pa"] == (0.5, 2)


def test_a_folder_without_samples_is_an_error(tmp_path):
    with pytest.raises(InputError, match="has no <System>"):
        BENCH(tmp_path)
