"""Metrics as a matrix: cells, owners, and how far a column lies off normal."""

import numpy as np
import pandas as pd
import pytest

from aiops.case import Case
from aiops.rca.matrix import Matrix, quantiles, robust, shift
from aiops.windows import inside
from tests.rca.made import at, case_of

N, CUT = 120, 80
NORMAL = np.arange(N) < CUT


def moved(values: np.ndarray) -> np.ndarray:
    """Shift of columns whose rows from CUT on are the incident."""
    return shift(values.reshape(N, -1), NORMAL, ~NORMAL)


def noise(seed: int = 0, columns: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(100, 5, (N, columns))


# --- the matrix ---------------------------------------------------------------------------
def test_a_row_a_step_a_column_a_series_and_means_within_a_cell():
    metrics = pd.DataFrame([(at(t), s, "cpu", v) for t, s, v in [
        (0, "a", 1.0), (5, "a", 2.0), (10, "a", 3.0), (11, "a", 5.0), (15, "a", 6.0),
        (5, "b", 7.0), (15, "b", 8.0)]], columns=["time", "service", "name", "value"])
    got = Matrix(Case(normal=((at(0), at(10)),), abnormal=(at(10), at(20)), metrics=metrics))
    assert got.step == 5_000_000_000
    assert got.about["service"].tolist() == ["a", "b"]
    np.testing.assert_array_equal(got.values, [[1, np.nan], [2, 7], [4, np.nan], [6, 8]])
    assert inside(got.begun, [(at(0), at(10))]).tolist() == [True, True, False, False]
    by_the_middle = inside(got.begun, [(at(0), at(7.5))])
    assert by_the_middle.tolist() == [True, False, False, False]


def test_a_column_is_owned_by_its_instance_where_that_is_a_suspect():
    rows = pd.DataFrame({"time": at(1), "service": "a", "name": "cpu", "value": [1.0, 2.0, 3.0],
                         "instance": ["a1", "x", None], "peer_service": [None, "b", None]})
    made = {"normal": ((at(0), at(10)),), "abnormal": (at(10), at(20)), "metrics": rows}
    got = Matrix(Case(suspects=("a", "a1"), **made)).about
    assert dict(zip(got["instance"].fillna("-"), got["owner"], strict=True)) == {
        "a1": "a1", "x": "a", "-": "a"}
    assert got["peer_service"].notna().sum() == 1


# --- the shift ----------------------------------------------------------------------------
def test_a_shift_counts_scales_beyond_chance_with_its_sign():
    values = np.tile(np.arange(5.0), 24)  # median 2, IQR 2
    values[CUT:] += 30
    allowed = 2.5 * 1.0246 * np.sqrt(1 / 80 + 1 / 40)
    assert moved(values) == pytest.approx(30 / (2 / 1.35) - allowed, abs=0.01)
    values[CUT:] -= 60
    assert moved(values) == pytest.approx(-30 / (2 / 1.35) + allowed, abs=0.01)


def test_noise_does_not_move():
    got = moved(noise(columns=400))
    # 7 % of 2400 columns, none above 0.6 scales
    assert (got != 0).mean() < 0.12
    assert np.abs(got).max() < 0.8


@pytest.mark.parametrize("unit", [1e6, 1e-6])
def test_a_shift_has_no_unit(unit):
    values = noise(columns=20)
    values[CUT:, ::2] += 40
    values[:, 3] = np.round(values[:, 3] / 10) * 10
    assert moved(values * unit) == pytest.approx(moved(values))


def test_fewer_rows_are_allowed_more():
    values = noise()
    values[CUT:] += 8
    few = values.copy()
    few[CUT + 2:] = np.nan
    few[CUT:CUT + 2] = values[CUT:].mean()
    assert 0 < moved(few)[0] < moved(values)[0]


# --- what normal is -----------------------------------------------------------------------
def test_centre_and_scale_stand_two_fifths_of_foreign_rows():
    clean = noise(columns=50)[:CUT]
    dirty = clean.copy()
    dirty[48:] += 1000
    centre, scale = robust(dirty)
    assert np.abs(centre - 100).max() < 5
    assert scale.max() < 2 * robust(clean)[1].max() < 20
    assert np.median(dirty, axis=0).min() > 100  # one median over all rows is drawn along


def test_a_scale_is_at_least_half_the_resolution():
    counts = np.full(CUT, 10.0)
    counts[::10] = 11
    assert robust(counts[:, None])[1].tolist() == [0.5]
    large = 1000 + counts
    assert robust(large[:, None])[1] == pytest.approx(10.1)  # and a hundredth of the centre


def test_a_column_that_never_moved_takes_a_tenth_of_its_value():
    centre, scale = robust(np.full((CUT, 1), -30.0))
    assert (centre.tolist(), scale.tolist()) == ([-30.0], [3.0])


def test_without_rows_there_is_neither_centre_nor_scale():
    assert [each.tolist() for each in robust(np.zeros((0, 2)))] == [[0, 0], [0, 0]]


@pytest.mark.parametrize(("value", "wanted"), [(1.0, 2.5), (7e9, 2.5), (-3.0, -2.5)])
def test_a_flag_counts_rows_not_units(value, wanted):
    flag = np.zeros(N)
    flag[CUT::4] = value  # a quarter of the incident's rows
    [got] = moved(flag)
    allowed = 2.5 * 1.0246 * np.sqrt(1 / 80 + 1 / 40)
    assert got == pytest.approx(wanted - np.sign(wanted) * allowed, abs=0.01)
    assert moved(np.zeros(N)) == 0


# --- gaps ---------------------------------------------------------------------------------
def test_gaps_are_left_out():
    values = noise()
    values[CUT:] += 40
    gaps = values.copy()
    gaps[1::2] = np.nan
    assert moved(gaps) == pytest.approx(moved(values), rel=0.2)


@pytest.mark.parametrize(("seen", "told"), [(range(0, 80, 4), True), (range(0, 80, 6), False)])
def test_a_column_that_was_hardly_there_says_nothing(seen, told):
    values = noise()
    values[CUT:] += 40
    there = np.isin(np.arange(N), list(seen)) | ~NORMAL  # a fifth of normal rows is asked for
    assert bool(moved(np.where(there[:, None], values, np.nan))[0] > 0) is told


def test_a_column_that_is_gone_or_new_says_nothing():
    gone, new = noise(), noise()
    gone[CUT:], new[:CUT] = np.nan, np.nan
    assert moved(np.hstack([gone, new])).tolist() == [0, 0]


def test_quantiles_of_columns_with_gaps():
    rng = np.random.default_rng(0)
    values = rng.normal(0, 1, (30, 5))
    values[rng.random((30, 5)) < 0.3] = np.nan
    wanted = pd.DataFrame(values).quantile([0.1, 0.5, 0.93]).to_numpy()
    assert quantiles(np.sort(values, axis=0), (0.1, 0.5, 0.93)) == pytest.approx(wanted)


def test_a_case_of_metrics_becomes_its_matrix():
    got = Matrix(case_of({"a": [1.0, 2.0, 3.0], "b": [4.0, 5.0, 6.0]}, 2))
    np.testing.assert_array_equal(got.values, [[1, 4], [2, 5], [3, 6]])
