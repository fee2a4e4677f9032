"""Time with long silences cut out."""

import numpy as np
import pandas as pd

from aiops.plots.timeline import Timeline

START = pd.Timestamp("2026-11-25T06:00Z")


def steps(*starts: str, n: int = 12) -> pd.DatetimeIndex:
    parts = [pd.date_range(START + pd.Timedelta(s), periods=n, freq="5s") for s in starts]
    return parts[0].append(parts[1:])


def test_a_silence_of_days_is_cut_and_a_pause_is_not():
    assert len(Timeline.of(steps("0s", "3D")).starts) == 2
    whole = Timeline.of(steps("0s", "95s"))  # 40 s without a value
    assert len(whole.starts) == 1
    assert whole.drawn_s == 150.0


def test_a_place_on_x_grows_with_time_and_seconds_stay_seconds():
    times = steps("0s", "3D", "9D")
    x = Timeline.of(times)(times)
    assert (np.diff(x) > 0).all()
    assert np.diff(x)[:11].tolist() == [5.0] * 11
    assert x[-1] < 180  # three minutes of values, not nine days


def test_what_lies_in_a_cut_stands_at_its_edge():
    line = Timeline.of(steps("0s", "3D"))
    inside = line(pd.DatetimeIndex([START + pd.Timedelta("1D"), START - pd.Timedelta("1D")]))
    assert inside.tolist() == [55.0, 0.0]


def test_stretches_can_start_at_whole_cells():
    line = Timeline.of(steps("3s", "3D"), align_s=10.0)
    assert line.starts[0] == START.as_unit("ns").value
    assert (line.at_s % 10 == 0).all()
