import numpy as np
import pandas as pd
import pytest

from aiops.checks.detectors import frames
from aiops.detection import DETECTORS, IsolationForest, PerService, RobustZ, system_scores
from aiops.errors import InputError, NotFittedError


def test_robust_z_is_the_distance_in_train_spreads() -> None:
    train = pd.DataFrame({"a": np.arange(101.0)})
    spread = np.std(np.arange(101.0))  # IQR / 1.35 = 37, sd = 29.2: the larger wins
    got = RobustZ(soften=False).fit(train).score(pd.DataFrame({"a": [50.0, 50.0 + 50 / 1.35]}))
    assert spread < 50 / 1.35
    assert got == pytest.approx([0.0, 1.0])


def test_softening_keeps_order_and_tames_size() -> None:
    train = pd.DataFrame({"a": np.arange(101.0)})
    far = pd.DataFrame({"a": [100.0, 1e3, 1e6]})
    hard, soft = RobustZ(soften=False).fit(train).score(far), RobustZ().fit(train).score(far)
    assert soft[0] == hard[0]
    assert soft[2] < 120 < hard[2]
    assert (np.diff(soft) > 0).all()


def test_a_constant_column_scores_once_it_moves() -> None:
    train = pd.DataFrame({"a": np.full(20, 3.0)})
    got = RobustZ().fit(train).score(pd.DataFrame({"a": [3.0, 4.0, 3.5, 5.0]}))
    assert got == pytest.approx([0.0, 5.0, 2.5, 5.0])


def test_isolation_forest_works_from_two_windows() -> None:
    few = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 3.5]})
    scores = IsolationForest(n_trees=20).fit(few).score(few)
    assert scores.shape == (2,)
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("name", sorted(DETECTORS))
def test_bad_input_says_what_was_wrong(name: str) -> None:
    train, test, _ = frames()
    with pytest.raises(NotFittedError, match="Call fit"):
        DETECTORS[name]().score(test)
    model = DETECTORS[name]().fit(train)
    with pytest.raises(InputError, match="Missing: .'error_rate'"):
        model.score(test.drop(columns="error_rate"))
    with pytest.raises(InputError, match="unknown: .'colour'"):
        model.score(test.assign(colour=1.0))
    with pytest.raises(InputError, match="numeric.*error_rate"):
        model.score(test.assign(error_rate="high"))
    with pytest.raises(InputError, match="infinite values in .'error_rate'"):
        model.score(test.assign(error_rate=np.inf))
    with pytest.raises(InputError, match="at least 2 windows"):
        DETECTORS[name]().fit(train.iloc[:1])


@pytest.fixture(scope="module")
def fleet() -> pd.DataFrame:
    train, _, _ = frames()
    parts = [(train * k).assign(service=s) for k, s in ((1.0, "cart"), (50.0, "payment"))]
    return pd.concat(parts).reset_index().sample(frac=1.0, random_state=3, ignore_index=True)


def test_per_service_equals_a_detector_for_each(fleet: pd.DataFrame) -> None:
    got = PerService(RobustZ(), standardise=False).fit(fleet).score(fleet)
    for _service, rows in fleet.groupby("service"):
        own = rows.set_index("window_start").drop(columns="service").sort_index()
        wanted = pd.Series(RobustZ().fit(own).score(own), index=own.index)
        assert got[rows.index] == pytest.approx(wanted.loc[rows["window_start"]].to_numpy())


def test_per_service_standardises_and_pools_the_unseen(fleet: pd.DataFrame) -> None:
    model = PerService(RobustZ()).fit(fleet)
    known = model.score(fleet)[(fleet["service"] == "cart").to_numpy()]
    assert np.median(known) == pytest.approx(0.0)
    assert np.quantile(known, 0.99) == pytest.approx(1.0)
    unseen = fleet.assign(service="new")
    pooled = RobustZ().fit(fleet.drop(columns=["service", "window_start"]))
    order = np.argsort(fleet["window_start"].to_numpy(), kind="stable")
    rows = fleet.iloc[order].drop(columns=["service", "window_start"])
    usual, width = model.pooled_level_
    assert model.score(unseen)[order] * width + usual == pytest.approx(pooled.score(rows))


def test_per_service_needs_its_keys(fleet: pd.DataFrame) -> None:
    with pytest.raises(InputError, match="Missing: .'service'"):
        PerService(RobustZ()).fit(fleet.drop(columns="service"))
    with pytest.raises(InputError, match="must not be null"):
        PerService(RobustZ()).fit(fleet).score(fleet.assign(service=None))


def test_the_system_is_as_anomalous_as_its_worst_service() -> None:
    at = pd.to_datetime(["2026-01-05T00:00:00Z", "2026-01-05T00:00:05Z"] * 2)
    X = pd.DataFrame({"service": ["a", "a", "b", "b"], "window_start": at})
    assert system_scores(X, np.array([1.0, 2.0, 3.0, 0.5])).to_list() == [3.0, 2.0]
