"""Labels: what a truth says of the system and of each culprit."""

from __future__ import annotations

import pandas as pd
import pytest

from aiops import features, schema
from aiops.errors import InputError

TIMES = {"start": "2026-01-01T00:00:30Z", "end": "2026-01-01T00:01:15.5Z"}
START, END = pd.Timestamp(TIMES["start"]), pd.Timestamp(TIMES["end"])


def rows(**truth):
    table = features.labels(truth)
    assert table.schema == schema.LABELS
    return table.to_pylist()


def test_an_incident_labels_the_system_and_each_culprit():
    whole, first, second = rows(r1={"culprits": ["web", "cart"], "fault": "latency", **TIMES})
    assert [row["service"] for row in (whole, first, second)] == [None, "cart", "web"]
    for row in (whole, first, second):
        assert (row["start"], row["end"]) == (START, END)
        assert row["is_anomaly"] is True
        assert (row["anomaly_type"], row["incident_id"]) == ("latency", "r1")
        assert row["root_cause"] == "cart,web"
        assert (row["labelled_by"], row["labelled_at"]) == ("truth.json", None)


@pytest.mark.parametrize("fault", ["load-surge", None])
def test_without_a_culprit_the_system_is_labelled_as_not_anomalous(fault):
    [row] = rows(d1={"culprits": [], "fault": fault, **TIMES})
    assert (row["service"], row["is_anomaly"], row["root_cause"]) == (None, False, None)
    assert row["anomaly_type"] == fault


@pytest.mark.parametrize("times", [{}, {"start": None, "end": None}, {"start": TIMES["start"]}])
def test_what_has_no_times_labels_nothing(times):
    assert rows(r1={"culprits": ["cart"], **times}) == []


def test_an_empty_truth_is_an_empty_table():
    assert rows() == []


def test_who_labelled_and_when_is_told():
    at = pd.Timestamp("2026-01-02T03:04:05Z")
    table = features.labels({"r1": {"culprits": [], **TIMES}}, "ada", at)
    assert table["labelled_by"].to_pylist() == ["ada"]
    assert table["labelled_at"].to_pylist() == [at]


def test_times_of_any_zone_are_the_same_instant_to_the_nanosecond():
    [row] = rows(r1={"culprits": [], "start": "2026-01-01T01:00:30.000000001+01:00",
                     "end": TIMES["end"]})
    assert row["start"] == START + pd.Timedelta(1, "ns")


@pytest.mark.parametrize(("entry", "says"), [
    (TIMES, "'r1' lacks 'culprits'"),
    ({"culprits": [], **TIMES, "start": "2026-01-01T00:00:30"}, "must carry a time zone"),
    ({"culprits": [], **TIMES, "end": "soon"}, "RFC 3339"),
    ({"culprits": [], "start": TIMES["end"], "end": TIMES["start"]}, "must end after it starts"),
    ({"culprits": [], "start": TIMES["end"], "end": TIMES["end"]}, "must end after it starts")])
def test_a_truth_that_means_nothing_is_refused(entry, says):
    with pytest.raises(InputError, match=says):
        rows(r1=entry)
