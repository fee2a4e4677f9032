import json

import numpy as np
import pandas as pd
import pytest

from aiops.errors import InputError
from aiops.testbed import truth
from aiops.testbed.alert import first_alert

START = pd.Timestamp("2026-01-01T00:00:00Z")


def at(seconds):
    return START + pd.Timedelta(seconds=seconds)


def made(seconds=120, slow=None, failing=None, seed=0):
    """Five requests a second on two routes; ``slow`` and ``failing`` are (from, to, route)."""
    rng = np.random.default_rng(seed)
    offsets = np.sort(rng.uniform(0, seconds, seconds * 10))
    frame = pd.DataFrame({"due": START + pd.to_timedelta(offsets, unit="s"),
                          "route": rng.choice(["GET /", "POST /checkout"], len(offsets)),
                          "latency_ms": rng.normal(20, 2, len(offsets)), "failed": False})
    for what, (column, value) in ((slow, ("latency_ms", 200.0)), (failing, ("failed", True))):
        if what:
            hit = (offsets >= what[0]) & (offsets < what[1]) & (frame["route"] == what[2])
            frame.loc[hit, column] = value
    frame["started"] = frame["due"]
    frame["ended"] = frame["due"] + pd.to_timedelta(frame["latency_ms"], unit="ms")
    return frame


def alert(records):
    return first_alert(records, (at(0), at(60)), (at(60), at(105)))


def test_alert_names_the_route_that_moved_soon_after_it_did():
    fired = alert(made(slow=(72, 105, "POST /checkout")))
    assert (fired.route, fired.metric) == ("POST /checkout", "latency")
    assert at(72) < fired.time <= at(85)
    fired = alert(made(failing=(60, 105, "GET /")))
    assert (fired.route, fired.metric) == ("GET /", "errors")
    assert fired.time <= at(70)


def test_no_alert_without_a_change():
    assert [alert(made(seed=seed)) for seed in range(10)] == [None] * 10


def test_levels_take_the_start_of_a_window_and_leave_its_end():
    records = pd.DataFrame({"due": [at(0), at(44.9), at(45)], "route": "GET /",
                            "latency_ms": [10.0, 10.0, 900.0], "failed": [False, False, True]})
    assert truth.levels(records, at(0), at(45)) == {
        "GET /": {"p95_ms": 10.0, "failed_share": 0.0, "requests": 2}}


def test_visible_judges_each_route_by_itself_and_keeps_both_numbers():
    free = [truth.levels(made(45, seed=seed), at(0), at(45)) for seed in range(1, 41)]
    judged = truth.visible(
        truth.levels(made(45, slow=(0, 45, "POST /checkout")), at(0), at(45)), free)
    assert judged["POST /checkout"]["latency"]
    assert not judged["GET /"]["latency"]
    assert not judged["POST /checkout"]["errors"]
    assert judged["POST /checkout"]["p95_ms"] == 200
    low, high = judged["POST /checkout"]["p95_ms_free"]
    assert 15 < low <= high < 30
    assert judged["GET /"]["windows_free"] == 40


@pytest.mark.parametrize(("p95_ms", "failed_share", "latency", "errors"), [
    (119.0, 0.069, False, False), (121.0, 0.069, True, False), (119.0, 0.071, False, True)])
def test_what_leaves_the_range_by_a_fifth_or_two_points_is_visible(
        p95_ms, failed_share, latency, errors):
    free = [{"GET /": {"p95_ms": p95, "failed_share": failed, "requests": 9}}
            for p95, failed in ((100.0, 0.01), (80.0, 0.05))]
    observed = {"GET /": {"p95_ms": p95_ms, "failed_share": failed_share, "requests": 9}}
    judged = truth.visible(observed, free)["GET /"]
    assert (judged["latency"], judged["errors"]) == (latency, errors)


def stored(folder, name, records, spoilt=False):
    recording = folder / "recordings" / name
    recording.mkdir(parents=True)
    records.to_parquet(recording / "load.parquet")
    told = {"normal": [[str(START), str(at(60))]], "contention": {"summary": {"spoilt": spoilt}}}
    (recording / "recording.json").write_text(json.dumps(told))


@pytest.fixture
def folder(tmp_path):
    stored(tmp_path, "r001", made(failing=(60, 105, "GET /")))
    stored(tmp_path, "r002", made(seed=1))
    stored(tmp_path, "normal-1", made(seed=2))
    stored(tmp_path, "normal-2", made(seed=3, slow=(0, 60, "GET /")), spoilt=True)
    for name in ("r001", "r002"):
        truth.add(tmp_path, name, {"culprits": [], "kind": "none", "start": str(at(60)),
                                   "end": str(at(105))})
    return tmp_path


def test_complete_tells_visible_from_silent(folder):
    told = truth.complete(folder, min_windows=3)
    assert [told[name]["silent"] for name in ("r001", "r002")] == [False, True]
    assert told["r001"]["visible"]["GET /"]["windows_free"] == 3  # none of the spoilt one
    assert json.loads((folder / "truth.json").read_text()) == told


def test_a_trial_on_a_busy_machine_may_count_spoilt_recordings(folder):
    told = truth.complete(folder, min_windows=4, spoilt_too=True)
    assert told["r001"]["visible"]["GET /"]["windows_free"] == 4


def test_too_few_fault_free_windows_is_an_error(folder):
    with pytest.raises(InputError, match="got 3 of 45 s .* needed 40"):
        truth.complete(folder)


def test_what_grows_is_judged_by_its_last_45_seconds(folder):
    entries = json.loads((folder / "truth.json").read_text())
    entries["r001"]["start"] = str(at(15))  # 90 s, of which the last 45 fail
    truth.write(folder, entries)
    told = truth.complete(folder, min_windows=3)
    assert told["r001"]["visible"]["GET /"]["failed_share"] == 1
    assert told["r001"]["start"] == str(at(15))
