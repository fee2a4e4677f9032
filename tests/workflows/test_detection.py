"""A detector is judged on recordings: what is trained on, what counts, what chance gives."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from aiops import schema
from aiops.base import Detector
from aiops.checks import yield_checks
from aiops.detection import PerService, RobustZ
from aiops.errors import ContractError, InputError
from aiops.workflows import detection as d
from aiops.workflows.bench import bench_rca
from tests.datasets.recorded import recording

T0 = pd.Timestamp("2026-01-05T10:00:00Z")
SERVICES = ("cart", "front", "ship")
STEP = pd.Timedelta(seconds=5)
# role, culprits, kind, visible, seconds before, with, after; recordings lie 70 s apart
PLAN = [("normal", None, None, None, 180, 0, 0),
        ("incident", "cart", "service", ["GET /"], 60, 45, 15),
        ("control", None, "none", [], 60, 45, 15),
        ("incident", "front", "database", ["GET /"], 60, 45, 15),
        ("normal", None, None, None, 180, 0, 0),
        ("disturbance", None, "none", [], 60, 45, 15),
        ("incident", "ship", "service", [], 60, 45, 15),
        ("normal", None, None, None, 180, 0, 0)]


def told() -> pa.Table:
    rows, at = [], T0
    for number, (role, culprit, kind, visible, before, fault, after) in enumerate(PLAN):
        start = at
        at += pd.Timedelta(seconds=before + fault + after)
        event = start + pd.Timedelta(seconds=before) if fault else None
        rows.append({
            "recording": f"{role[0]}{number}", "role": role, "start": start, "end": at,
            "event_start": event, "event_end": event and event + pd.Timedelta(seconds=fault),
            "fault": "cpu" if culprit else None, "kind": kind, "visible": visible,
            "culprits": [culprit] if culprit else []})
        at += pd.Timedelta(seconds=70)
    return pa.Table.from_pylist(rows, schema=schema.RECORDINGS)


def feature_table(recordings: pa.Table, rise: float) -> pa.Table:
    """Noise of three services; the culprit's latency and cpu rise by ``rise`` deviations."""
    rng, rows = np.random.default_rng(0), []
    for told_row in recordings.to_pylist():
        for start in pd.date_range(told_row["start"], told_row["end"], freq=STEP,
                                   inclusive="left"):
            planted = told_row["event_start"]
            during = planted is not None and planted <= start < told_row["event_end"]
            for service in SERVICES:
                up = rise * (during and service in told_row["culprits"])
                rows.append(dict.fromkeys(schema.FEATURES.names) | {
                    "service": service, "window_start": start, "window_s": 5.0,
                    "hour_of_day": start.hour, "log_count": 3,
                    "latency_p50_ms": 10 + rng.normal() + up,
                    "cpu_cores": 0.3 + 0.02 * (rng.normal() + up)})
    return pa.Table.from_pylist(rows, schema=schema.FEATURES)


def windows(rise: float = 10.0) -> d.Windows:
    return d.windows(feature_table(told(), rise), told())


@pytest.fixture(scope="module")
def found() -> d.Windows:
    return windows()


@pytest.fixture(scope="module")
def judged(found: d.Windows) -> d.Evaluation:
    model = PerService(RobustZ()).fit(found.normal())
    return d.evaluate(model, found, "made", "robust-z")


def value(evaluation: d.Evaluation, metric: str, part: str = "all"):
    [figure] = [f for f in evaluation.figures if (f.slice, f.metric) == (part, metric)]
    return figure


def test_a_model_sees_its_features_alone(found: d.Windows) -> None:
    assert list(found.frame) == ["service", "window_start", *schema.MODEL_FEATURES]
    told_by_clock = {*schema.CALENDAR, "timezone"}
    assert not told_by_clock & set(found.frame)
    assert not (set(schema.RECORDINGS.names) | set(schema.LABELS.names) - {"service"}) & set(
        found.frame)


def test_rows_are_of_their_recording_and_training_is_on_normal_traffic(found: d.Windows) -> None:
    of = found.frame.assign(recording=found.recording).merge(found.recordings, on="recording")
    assert (of["window_start"] >= of["start"]).all()
    assert (of["window_start"] + STEP <= of["end"]).all()
    assert set(found.recording[found.normal().index]) == {"n0", "n4", "n7"}
    assert len(found.normal()) == 3 * 36 * len(SERVICES)


def test_what_featurize_wrote_is_read(found: d.Windows, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"lacks features\.parquet, recordings\.parquet"):
        d.read(tmp_path)
    pq.write_table(feature_table(told(), 10.0), tmp_path / "features.parquet")
    pq.write_table(told(), tmp_path / "recordings.parquet")
    got = d.read(tmp_path)
    pd.testing.assert_frame_equal(got.frame, found.frame)
    assert got.recording.equals(found.recording)
    assert got.window_s == 5.0
    routes = got.recordings.set_index("recording")["visible"].map(len, na_action="ignore")
    assert routes.dropna().to_dict() == {"i1": 1, "c2": 0, "i3": 1, "d5": 0, "i6": 0}
    figures = d.bench_detection(tmp_path, ["robust-z"])
    assert {f.dataset for f in figures} == {tmp_path.name}
    with pytest.raises(InputError, match="must name some of robust-z, isolation-forest"):
        d.bench_detection(tmp_path, ["oracle"])


def test_windows_outside_every_recording_are_refused() -> None:
    table = feature_table(told(), 1.0)
    with pytest.raises(InputError, match="outside every recording"):
        d.windows(table, told().slice(1))


def test_labels_count_whole_windows_and_leave_recovery_out(judged: d.Evaluation) -> None:
    rows = judged.scores.groupby("recording")["label"]
    counts = {name: tuple(int(n) for n in (sum(v == 1), sum(v == 0), v.isna().sum()))
              for name, v in rows}
    assert counts == {"i1": (9, 12, 3), "i3": (9, 12, 3), "i6": (9, 12, 3),
                      "c2": (0, 24, 0), "d5": (0, 24, 0)}
    scores = judged.scores[["recording", "window_start", "score"]]
    late = told().to_pandas().assign(
        event_start=lambda f: f["event_start"] + pd.Timedelta(seconds=2),
        event_end=lambda f: f["event_end"] + pd.Timedelta(seconds=2))
    partly = d.judging.labelled(scores, late, 5.0)
    [own] = [v for name, v in partly.groupby("recording")["label"] if name == "i1"]
    assert own.tolist()[:12] == [0] * 12
    assert own.isna().to_numpy().nonzero()[0].tolist() == [12, 21, 22, 23]
    with pytest.raises(InputError, match="No window of 60 s lies wholly"):
        d.judging.labelled(scores, late, 60.0)


def test_planted_faults_are_found_and_figures_have_their_chance(judged: d.Evaluation) -> None:
    for metric in ("vus_pr", "pr_auc", "event_recall", "event_recall_hindsight"):
        figure = value(judged, metric)
        assert figure.chance < 0.6 < figure.low <= figure.value <= figure.high, metric
        assert figure.n == 3
    assert value(judged, "event_recall").value == 1.0
    assert value(judged, "delay_s").value == 5.0
    assert value(judged, "pr_auc").chance == pytest.approx(27 / (27 + 36 + 48))
    own = judged.per_recording.set_index("recording")["chance"]
    assert own[["i1", "i3", "i6"]].tolist() == pytest.approx([9 / (9 + 36 + 48)] * 3)
    assert own[["c2", "d5"]].isna().all()
    normal_s = 3 * 60 + 2 * 120
    assert judged.per_recording["normal_s"].sum() == normal_s
    alarms = value(judged, "false_alarms").value
    assert value(judged, "false_alarms_per_hour").value == pytest.approx(alarms / normal_s * 3600)
    hindsight = value(judged, "false_alarms_per_hour_hindsight").value
    assert hindsight <= d.PER_HOUR
    assert {f.slice for f in judged.figures} == {
        "all", "culprit=service", "culprit=other", "silent", "disturbance", "control"}
    assert [value(judged, "event_recall", part).n
            for part in ("culprit=service", "culprit=other", "silent")] == [1, 1, 1]


def test_a_disturbance_that_is_noticed_is_an_alarm_and_false(found: d.Windows) -> None:
    row = found.recordings.set_index("recording").loc["d5"]
    loud = found.frame["window_start"].between(row["event_start"], row["event_end"],
                                               inclusive="left")
    frame = found.frame.assign(latency_p50_ms=found.frame["latency_p50_ms"] + 50 * loud)
    model = PerService(RobustZ()).fit(found.normal())
    got = d.evaluate(model, replace(found, frame=frame), "made", "robust-z")
    each = got.per_recording.set_index("recording")
    assert each.loc["d5", ["detected", "delay_s", "false_alarms"]].tolist() == [True, 5.0, 1]
    assert value(got, "alarmed", "disturbance").value == 1.0


def test_without_a_fault_every_figure_is_near_chance() -> None:
    calm = windows(rise=0.0)
    got = d.evaluate(PerService(RobustZ()).fit(calm.normal()), calm, "made", "robust-z")
    for metric in ("vus_pr", "pr_auc"):
        assert abs(value(got, metric).value - value(got, metric).chance) < 0.15
    assert value(got, "event_recall_hindsight").value <= 1 / 3


class Clock(Detector):
    """A cheat that knows only the time."""

    def fit(self, X, y=None):
        return self

    def score(self, X):
        return (X.index - T0).total_seconds().to_numpy()


def test_knowing_only_the_time_is_worth_nothing(found: d.Windows) -> None:
    got = d.evaluate(PerService(Clock()).fit(found.normal()), found, "made", "clock")
    for metric in ("pr_auc", "vus_pr"):
        assert value(got, metric).low < value(got, metric).chance
    assert value(got, "event_recall_hindsight").value <= 1 / 3


class Count(Clock):
    """A cheat that knows how many windows it was asked about: a fault comes late in a recording."""

    def score(self, X):
        return np.arange(len(X), dtype=float)


def test_recordings_are_scored_apart_and_counting_breaks_the_contract(found: d.Windows) -> None:
    got = d.system(PerService(Count(), standardise=False).fit(found.normal()), found, ["i1", "c2"])
    assert got["score"].tolist() == [*range(24), *range(24)]
    broken = {name for name, check in yield_checks(Count()) if breaks(check)}
    assert broken == {"orientation", "position"}


def breaks(check) -> bool:
    try:
        check()
    except ContractError:
        return True
    return False


class Memory(Detector):
    """Scores 1 where it was fitted on the very window."""

    def fit(self, X, y=None):
        self.seen_ = set(X.index)
        return self

    def score(self, X):
        return np.array([float(at in self.seen_) for at in X.index])


def test_the_threshold_is_learned_on_windows_that_were_not_fitted(found: d.Windows) -> None:
    model = PerService(Memory(), standardise=False).fit(found.normal())
    assert set(d.system(model, found, found.names("normal"))["score"]) == {1.0}
    assert set(d.held_out(model, found)["score"]) == {0.0}
    one = replace(found, recordings=found.recordings[found.recordings["recording"] != "n0"][
        lambda f: f["recording"] != "n4"])
    halves = d.held_out(model, one)
    assert halves["recording"].value_counts().to_dict() == {"n7/1": 18, "n7/2": 18}
    assert set(halves["score"]) == {0.0}


def test_what_cannot_be_judged_says_so(found: d.Windows) -> None:
    model = PerService(RobustZ()).fit(found.normal())
    roles = found.recordings["role"]
    with pytest.raises(InputError, match="nothing to train on"):
        replace(found, recordings=found.recordings[roles != "normal"]).normal()
    with pytest.raises(InputError, match="no incident to find"):
        d.evaluate(model, replace(found, recordings=found.recordings[roles != "incident"]),
                   "made", "robust-z")
    untimed = found.recordings.assign(event_start=found.recordings["event_start"].where(
        found.recordings["recording"] != "i3"))
    with pytest.raises(InputError, match="start and end of an incident. Got none for i3"):
        d.evaluate(model, replace(found, recordings=untimed), "made", "robust-z")


def test_raw_recordings_are_judged_from_telemetry_to_figures(tmp_path: Path) -> None:
    root = tmp_path / "made"
    recording(root, "normal-1", 0, 60)
    recording(root, "normal-2", 100, 60)
    recording(root, "r001", 200, 60, planted=(30, 50), slow_ms=50)
    recording(root, "r002", 300, 60, planted=(30, 50), role="control")
    figures = d.bench_detection(root, ["robust-z"])
    got = {(f.slice, f.metric): f for f in figures}
    assert got["all", "event_recall"].value == got["all", "pr_auc"].value == 1.0
    assert got["all", "pr_auc"].chance == pytest.approx(4 / (4 + 6 + 12))
    assert got["control", "alarmed"].value == 0.0
    assert {f.dataset for f in figures} == {"made"}
    ranked = {f.model: f.value for f in bench_rca(root) if (f.slice, f.metric) == ("all", "ac@1")}
    assert ranked["traversal"] == ranked["best-single-metric"] == 1.0
