"""Ranked correlation, worked out by hand and against scipy."""

import numpy as np
import pytest
from scipy.stats import pearsonr

from aiops import datasets
from aiops.evaluation.ranking import scores
from aiops.rca.correlation import RankedCorrelation
from tests.rca.made import case_of

WAVE = [0.0, 1.0, 2.0, 3.0, 4.0] * 4  # median 2, MAD 1
SYMPTOM = {"service": "front", "metric": "latency"}
FRONT = [20.0, 21.0, 25.0, 22.0, 29.0]


def test_blame_is_the_p_value_within_the_incident():
    case = case_of({"front": WAVE + FRONT, "deep": WAVE + [31.0, 30.0, 34.0, 33.0, 40.0],
                    "calm": WAVE + [2.0, 2.1, 2.5, 2.2, 2.9]}, 20, symptom=SYMPTOM)
    got = RankedCorrelation().rank(case)
    wanted = -np.log10(pearsonr(FRONT, [31, 30, 34, 33, 40]).pvalue)
    assert got.to_dict() == pytest.approx({"deep": wanted, "calm": 0.0, "front": 0.0})


def test_the_row_looked_at_is_the_third_or_the_first_later_with_the_symptom():
    late = [2.0, 2.0, 3.0, 2.0, 29.0]  # the symptom shows in the fifth row alone
    case = case_of({"front": WAVE + late, "early": WAVE + [30.0, 30.0, 31.0, 30.0, 2.0],
                    "late": WAVE + [2.0, 3.0, 2.0, 3.0, 40.0]}, 20, symptom=SYMPTOM)
    got = RankedCorrelation().rank(case)
    assert got.index[0] == "late"
    assert got["early"] == 0


def test_a_symptom_that_is_not_anomalous_blames_nobody():
    case = case_of({"front": WAVE + [2.0, 3.0, 2.0, 3.0, 2.0], "deep": WAVE + FRONT}, 20,
                   symptom=SYMPTOM)
    assert not RankedCorrelation().rank(case).any()


def test_a_constant_column_is_anomalous_wherever_it_moves():
    case = case_of({"front": [100.0] * 20 + [99.0, 98.0, 95.0, 97.0, 96.0],
                    "deep": [100.0] * 20 + [98.0, 97.0, 90.0, 94.0, 92.0]}, 20, symptom=SYMPTOM)
    assert RankedCorrelation().rank(case)["deep"] > 0


def test_pooled_takes_normal_rows_too():
    case = case_of({"front": WAVE + FRONT, "deep": WAVE + [31.0, 30.0, 34.0, 33.0, 40.0]}, 20,
                   symptom=SYMPTOM)
    assert RankedCorrelation(pooled=True).rank(case)["deep"] > RankedCorrelation().rank(case)[
        "deep"] * 2


def test_published_figures_on_availability(aiops_data):
    """Hardt et al. print .75 and 1 for availability on the low load."""
    dataset = datasets.load(aiops_data / "rca" / "petshop-low")
    found = []
    for name, read in dataset.readers().items():
        if dataset.truth[name]["fault"] == "availability":
            case = read()
            found.append(scores(RankedCorrelation().rank(case), case.suspects,
                                dataset.truth[name]["culprits"]))
    assert np.mean([each["ac@1"] for each in found]) == pytest.approx(0.75)
    assert np.mean([each["ac@3"] for each in found]) == pytest.approx(1.0)
