"""What is usual, and which column left it."""

import numpy as np
import pandas as pd
import pytest

from aiops.base import Detector
from aiops.detection import IsolationForest, PerService, RobustZ
from aiops.detection.reasons import deviations, learned
from aiops.errors import InputError, NotFittedError


def rows(n: int = 200, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    time = pd.date_range("2026-11-25T06:00Z", periods=n, freq="5s")
    return pd.concat([pd.DataFrame({
        "service": name, "window_start": time, "cpu_cores": rng.normal(level, 0.1, n),
        "error_rate": 0.0, "log_count": np.nan}) for name, level in (("cart", 1.0), ("web", 4.0))])


@pytest.mark.parametrize("inner", [RobustZ(), IsolationForest(n_trees=5)])
def test_what_is_learned_is_each_services_own(inner):
    table = learned(PerService(inner).fit(rows())).set_index(["service", "feature"])
    assert table.loc[("cart", "cpu_cores"), "usual"] == pytest.approx(1.0, abs=0.03)
    assert table.loc[("web", "cpu_cores"), "usual"] == pytest.approx(4.0, abs=0.03)
    assert table.loc[("web", "cpu_cores"), "spread"] == pytest.approx(0.1, abs=0.02)
    assert table.loc[("web", "error_rate"), "spread"] == 0
    assert np.isnan(table.loc[("web", "log_count"), "usual"])


def test_the_column_that_left_comes_first_whatever_the_order_of_rows():
    detector, bad = PerService(RobustZ()).fit(rows()), rows(20, seed=1)
    at = bad.window_start.iloc[7]
    bad.loc[(bad.service == "web") & (bad.window_start == at), "cpu_cores"] = 2.0
    found = deviations(detector, bad.sample(frac=1, random_state=3))
    first = found.iloc[0]
    assert (first.service, first.feature, first.window_start) == ("web", "cpu_cores", at)
    assert first.seen == 2.0
    assert first.usual == pytest.approx(4.0, abs=0.03)
    assert first.z == pytest.approx(-20, rel=0.2)
    assert set(found.feature) == {"cpu_cores", "error_rate"}  # never seen: nothing to say
    assert len(found) == 2 * 2 * 20


def test_what_cannot_say_is_refused():
    class Blind(Detector):
        def fit(self, X, y=None):
            return self

        def score(self, X):
            return np.zeros(len(X))

    with pytest.raises(NotFittedError):
        learned(PerService(RobustZ()))
    with pytest.raises(InputError, match="Blind keeps no scale"):
        learned(PerService(Blind()).fit(rows()))
