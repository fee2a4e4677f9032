"""The learned threshold, on held-out scores small enough to work out by hand."""

import numpy as np
import pandas as pd
import pytest

from aiops.evaluation.recordings import learned_threshold

SCORES = [0.0, 0.0, 0.0, 0.0, 0.0, 9.0, 9.0, 0.0, 0.0, 0.0, 0.0, 0.0]  # of 5 s: a minute
ONE_A_MINUTE = 60.0


@pytest.mark.parametrize(("first", "threshold"), [
    (3, 9.0),  # both high windows in the second recording: one alarm, as promised
    (6, np.nextafter(9.0, np.inf))])  # one in each: two, which is one too many
def test_an_alarm_ends_with_its_recording(first: int, threshold: float) -> None:
    held_out = pd.DataFrame({
        "recording": ["a"] * first + ["b"] * (12 - first), "score": SCORES,
        "window_start": pd.date_range("2026-01-05T10:00:00Z", periods=12, freq="5s")})
    assert learned_threshold(held_out, 5.0, ONE_A_MINUTE) == threshold
