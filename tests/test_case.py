"""A Case holds what a ranker may see, checks it, and gives it by window."""

import pandas as pd
import pytest

from aiops.case import Case
from aiops.errors import CaseError

T0 = pd.Timestamp("2026-01-31T12:00:00Z")


def at(seconds: float) -> pd.Timestamp:
    return T0 + pd.Timedelta(seconds=seconds)


def metrics(**changes: object) -> pd.DataFrame:
    table = {"time": [at(0), at(10), at(20)], "service": ["b", "a", "b"],
             "name": "cpu", "value": [1, 2, 3]}
    return pd.DataFrame(table | changes)


def case(**changes: object) -> Case:
    return Case(**({"normal": [(at(0), at(20))], "abnormal": (at(20), at(40)),
                    "metrics": metrics()} | changes))  # type: ignore[arg-type]


def test_windows_are_half_open():
    assert case().select("metrics", "normal")["value"].tolist() == [1, 2]
    assert case().select("metrics", "abnormal")["value"].tolist() == [3]


def test_suspects_default_to_all_services_seen():
    topology = pd.DataFrame({"caller": ["a"], "callee": ["postgres"]})
    assert case(topology=topology).suspects == ("a", "b", "postgres")
    assert case(suspects=["b", "b", "x"]).suspects == ("b", "x")


def test_detected_at_defaults_to_the_start_of_the_incident():
    assert case().detected_at == at(20)


def test_times_become_utc_and_text_is_read():
    made = case(normal=[("2026-01-31T13:00:00+01:00", at(20))])
    assert made.normal[0][0] == T0
    assert str(made.normal[0][0].tz) == "UTC"
    text = case(metrics=metrics(time=["2026-01-31T13:00:00+01:00"] * 3))
    assert (text.metrics["time"] == T0).all()  # type: ignore[index]


def test_a_trace_belongs_where_its_first_span_starts():
    spans = pd.DataFrame({
        "trace_id": ["t", "t", "u"], "span_id": ["1", "2", "3"],
        "parent_span_id": [None, "1", None], "service": "a", "operation": "op",
        "start": [at(19), at(21), at(22)], "duration_ns": 5})
    made = case(traces=spans)
    assert made.select("traces", "normal")["span_id"].tolist() == ["1", "2"]
    assert made.select("traces", "abnormal")["span_id"].tolist() == ["3"]


def test_alerts_without_time_belong_to_the_incident():
    alerts = pd.DataFrame({"instance": ["a-1"], "service": ["a"], "kind": ["log"], "name": ["x"]})
    made = case(alerts=alerts)
    assert len(made.select("alerts", "abnormal")) == 1
    assert made.select("alerts", "normal").empty


def test_the_callers_frame_is_neither_kept_nor_changed():
    mine = metrics(extra="truth")
    made = case(metrics=mine)
    assert "extra" not in made.metrics.columns  # type: ignore[union-attr]
    mine.loc[0, "value"] = 99
    assert made.metrics["value"].tolist() == [1, 2, 3]  # type: ignore[index]


@pytest.mark.parametrize(("changes", "says"), [
    ({"normal": []}, "needs a window of normal"),
    ({"normal": [(at(10), at(21))]}, "must not overlap"),
    ({"abnormal": (at(40), at(20))}, "start before it ends"),
    ({"abnormal": ("2026-01-31T12:00:20", at(40))}, "with a time zone"),
    ({"abnormal": ("noon", at(40))}, "must be a timestamp"),
    ({"normal": (at(0), at(20))}, "list of such pairs"),
    ({"metrics": metrics().drop(columns="name")}, "lacks name"),
    ({"metrics": metrics(value=[1, None, 3])}, "1 empty cells of 3"),
    ({"metrics": metrics(value=[1, float("inf"), 3])}, "finite"),
    ({"metrics": metrics(value=["1", "2", "3"])}, "must hold numbers"),
    ({"metrics": metrics(time=[T0.tz_localize(None)] * 3)}, "with a time zone"),
    ({"metrics": None}, "needs suspects"),
    ({"metrics": [1]}, "pandas DataFrame"),
    ({"symptom": {"service": "a"}}, "service and metric"),
])
def test_what_is_no_case_is_refused(changes, says):
    with pytest.raises(CaseError, match=says):
        case(**changes)


def test_asking_for_a_table_that_is_not_there():
    with pytest.raises(CaseError, match="has no logs table. It has: metrics"):
        case().select("logs", "normal")
    with pytest.raises(CaseError, match="must be one of"):
        case().select("truth", "normal")
