"""An evaluation told in words and tables: what is counted where, and why."""

from dataclasses import replace

import pandas as pd
import pytest

from aiops.detection import PerService, RobustZ
from aiops.workflows import detection, detection_report
from tests.workflows.test_detection import windows


@pytest.fixture(scope="module")
def found():
    return windows()


@pytest.fixture(scope="module")
def made(found):
    return detection.evaluate(PerService(RobustZ()).fit(found.normal()), found, "made", "robust-z")


def figure(made, metric, part="all"):
    [one] = [f for f in made.figures if (f.slice, f.metric) == (part, metric)]
    return one


def test_areas_stand_beside_their_chance(made):
    table = detection_report.areas(made).set_index("metric")
    assert table.index.tolist() == ["VUS-PR", "PR-AUC"]
    assert table.chance["PR-AUC"] == figure(made, "pr_auc").chance
    assert (table.low <= table.value).all()


def test_each_threshold_has_its_own_figures(made):
    learned, best = detection_report.at_thresholds(made).itertuples()
    assert (learned.threshold, learned.score) == ("learned", made.threshold)
    assert (best.threshold, best.score) == ("with hindsight", made.threshold_hindsight)
    assert best.false_alarms == figure(made, "false_alarms_hindsight").value
    assert learned.alarm_time_percent == 100 * figure(made, "alarm_time").value


@pytest.mark.parametrize(("other", "told"), [
    (99.0, "Hindsight's is higher, so that it cannot find more"),
    (0.0, "Hindsight's is no higher, so that it cannot find fewer")])
def test_hindsight_is_bound_to_the_promise_as_well(made, other, told):
    said = detection_report.hindsight(replace(made, threshold_hindsight=other))
    assert "keep to 6 false alarms an hour" in said
    assert f"came to {figure(made, 'false_alarms_per_hour').value:.1f} an hour. {told}" in said


def test_slices_count_incidents_first_and_then_what_must_not_alarm(made):
    table = detection_report.slices(made).set_index("slice")
    roles = ["control", "disturbance"]
    assert table.index.tolist()[0] == "all"
    assert table.index.tolist()[-2:] == roles
    n = figure(made, "event_recall").n
    assert table.raise_an_alarm["all"] == f"{n} of {n}"  # the planted rise is plain
    assert table.vus_pr[roles].isna().all()
    assert table.raise_an_alarm["control"].endswith(f" of {figure(made, 'alarmed', 'control').n}")


def test_deviations_are_told_with_their_unit(made, found):
    fitted = PerService(RobustZ()).fit(found.normal())
    deaf = replace(made, per_recording=made.per_recording.assign(detected=False))
    told = pd.concat([detection_report.missed(deaf, found, fitted),
                      detection_report.wolves(made, found, fitted)])
    units = {"latency p50": "ms", "cpu": "cores"}  # of the two features that ever move here
    assert len(told) == 6
    assert [moved.rpartition(" ")[2] for moved in told.moved] == [
        units[feature] for feature in told.feature]
    assert all(" → " in moved for moved in told.moved)
