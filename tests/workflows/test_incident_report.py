"""An incident told in words and tables, also where a table, or the truth, is not there."""

import numpy as np
import pandas as pd
import pytest

from aiops.case import Case
from aiops.datasets import Dataset
from aiops.errors import InputError
from aiops.workflows import incident_report as incidents
from tests.traces import START, make_traces

BLAME = pd.Series({"paymentservice": 9.0, "frontend": 2.0})


def at(seconds: float) -> pd.Timestamp:
    return START + pd.Timedelta(seconds=seconds)


def case(now: pd.DataFrame | None = None, **tables) -> Case:
    calm = make_traces().assign(status_code="ok")
    traces = None if now is None else pd.concat([calm, now.assign(
        status_code=now.get("status_code", "ok"))], ignore_index=True)
    return Case([(at(0), at(60))], (at(100), at(160)), traces=traces,
                symptom={"service": "frontend", "metric": "latency", "direction": "up"},
                suspects=("paymentservice", "frontend"), **tables)


@pytest.fixture
def slow() -> pd.DataFrame:
    return make_traces(wire_ms=500.0, at_s=100.0)


@pytest.fixture
def failing() -> pd.DataFrame:
    made = make_traces(at_s=100.0)
    third = made.trace_id.isin(made.trace_id.unique()[::4])
    return made.assign(status_code=np.where(
        third & made.span_id.isin(["r", "c", "s"]), "error", "ok"))


def test_the_summary_names_symptom_and_suspect(slow):
    told = incidents.summary("r007", case(slow), BLAME, "baro")
    assert told == ("**r007, 2026-11-25 06:01:40 UTC: p95 of GET / went from 22 to 520 ms.** The "
                    "ranker baro blames **`paymentservice`** (blame 9.0; next is `frontend` with "
                    "2.0; 2 suspects).")


def test_the_summary_does_not_claim_what_users_did_not_feel():
    assert "users see little of it (latency of frontend rose)" in incidents.summary(
        "r007", case(make_traces(at_s=100.0)), BLAME, "baro")


def test_the_symptom_is_told_by_route(failing):
    row = incidents.symptom(case(failing)).iloc[0]
    assert row.route == "GET /"
    assert row.failed_before_percent == 0
    assert row.failed_now_percent == pytest.approx(25.0)
    assert row.before_per_s == pytest.approx(40 / 60)


def test_the_timeline_is_in_order_and_tells_the_first_signs(failing):
    logs = pd.DataFrame({"time": [at(50), at(103), at(104)], "service": "paymentservice",
                         "severity_number": [9, 17, 17], "body": ["hello", "no card", "no card"]})
    told = incidents.timeline(case(failing, logs=logs))
    assert told.time_utc.is_monotonic_increasing
    assert told.what.tolist() == [
        "normal operation, compared with, until 06:01:00",
        "the incident's window begins, until 06:02:40",
        "detected: latency of frontend rose",
        "the first of 30 failed calls: GET / at frontend",
        "the first of 2 error logs, at paymentservice: no card"]


def test_the_struck_request_failed_or_was_slow(slow, failing):
    struck = incidents.struck_trace(case(failing), "paymentservice")
    assert (struck.status_code == "error").sum() == 3
    half = pd.concat([slow[:80], make_traces(n=20, at_s=140.0)])
    for suspect in ("paymentservice", "frontend->paymentservice", "host"):
        struck = incidents.struck_trace(case(half), suspect)
        assert struck.duration_ns.max() == 520e6
    with pytest.raises(InputError, match="no whole trace"):
        incidents.struck_trace(case(slow[slow.parent_span_id.notna()]), "paymentservice")


def steps(told: Case, blame: pd.Series = BLAME) -> list[str]:
    return incidents.next_steps(told, blame).split("\n")


def test_a_slow_network_is_told_from_slow_work(slow):
    [text] = [s for s in steps(case(slow)) if "pass in neither" in s]
    assert "Of the 498 ms that `paymentservice` adds to a request, 498 ms" in text
    busy = make_traces(at_s=100.0)
    longer = busy.span_id.map({"r": 90, "c": 90, "s": 90, "d": 0}) * 1_000_000
    told = steps(case(busy.assign(duration_ns=busy.duration_ns + longer)))
    assert any("`paymentservice` adds 90 ms to a request by work of its own" in s for s in told)


def test_a_slow_database_and_a_slow_host_are_told_apart():
    made = make_traces(at_s=100.0)
    waits = made.span_id.map({"r": 50, "c": 50, "s": 50, "d": 50}) * 1_000_000
    told = steps(case(made.assign(duration_ns=made.duration_ns + waits)))
    assert any("Requests wait 50 ms more for `db`" in s for s in told)
    everything = made.assign(duration_ns=made.duration_ns * 3, start=made.start + (
        made.start - made.groupby("trace_id").start.transform("min")) * 2)
    assert any("3 of 3 services take at least twice" in s for s in steps(case(everything)))


def test_a_new_version_is_told_with_how_it_does(failing):
    def versions(frame, number):
        return frame.assign(attributes=[[("service.version", number)]] * len(frame))
    calm = versions(make_traces().assign(status_code="ok"), "1.0")
    bad = failing.assign(attributes=[
        [("service.version", "1.1" if code == "error" and span == "s" else "1.0")]
        for code, span in zip(failing.status_code, failing.span_id, strict=True)])
    told = Case([(at(0), at(60))], (at(100), at(160)),
                traces=pd.concat([calm, bad], ignore_index=True))
    [text] = [s for s in steps(told) if "new version" in s]
    assert "`paymentservice` runs the new version 1.1 in 25% of its calls" in text
    assert "100% fail, against median 10 ms, 0% fail of the old" in text


def test_errors_lead_to_where_they_begin_and_to_what_was_logged(failing):
    logs = pd.DataFrame({"time": [at(5), at(103)], "service": "paymentservice",
                         "severity_number": 17, "body": ["usual", "no card"]})
    told = steps(case(failing, logs=logs))
    assert any("Errors begin at `paymentservice`, in 25% more" in s for s in told)
    assert any("new are: `paymentservice` “no card” (1 ×)." in s for s in told)


def test_metrics_alone_are_enough():
    time = pd.date_range(at(0), periods=32, freq="5s")
    metrics = pd.concat([pd.DataFrame({"time": time, "service": s, "name": "cpu", "value": np.where(
        (s == "paymentservice") & (time >= at(100)), 9.0, 1.0)}) for s in BLAME.index])
    told = case(metrics=metrics)
    assert incidents.symptom(told).empty
    assert "latency of frontend rose" in incidents.summary("r", told, BLAME, "baro")
    assert len(incidents.timeline(told)) == 3
    assert steps(told)[0] == \
        "- Look at `paymentservice`: 1 of its 1 metric left what was seen before, `cpu`."
    assert steps(told, BLAME[::-1])[0] == (
        "- The one metric of `frontend` stayed within what was seen before, and there are no "
        "traces or logs to ask: doubt the ranking, and look at the second suspect as well.")
    assert "no metrics of its own" in steps(told, pd.Series({"host": 1.0}))[0]
    assert "no traces" in incidents.drawn(told, "traces", lambda: 1 / 0).data
    assert incidents.drawn(told, "metrics", lambda: 7) == 7
    assert incidents.evidence(told, BLAME, "").get_label().startswith("payment: 1 of 1 metric left")
    assert "(host, db) send no metrics" in incidents.evidence(
        told, pd.Series({"host": 1.0, "db": 0.5}), "").data
    assert "no metrics: nothing to draw" in incidents.evidence(
        case(make_traces(at_s=100.0)), BLAME, "").data


def test_traces_alone_are_enough(slow):
    told = steps(case(slow))
    assert "pass in neither" in told[0]
    assert not any("metric" in step or "doubt" in step for step in told)
    calm = steps(case(make_traces(at_s=100.0)))
    assert calm[0].startswith("- `paymentservice` is blamed, but nothing in traces points at it: "
                              "doubt the ranking")


def test_a_suspect_whose_metrics_are_still_may_stand_out_in_traces(slow):
    time = pd.date_range(at(0), periods=32, freq="5s")
    still = pd.concat([pd.DataFrame({"time": time, "service": "paymentservice", "name": n,
                                     "value": 1.0}) for n in ("cpu", "memory")])
    told = steps(case(slow, metrics=still))
    assert told[0] == ("- None of the 2 metrics of `paymentservice` left what was seen before: "
                       "what speaks against it are the traces and logs told of below.")


def dataset(tmp_path, truth) -> Dataset:
    readers = {name: lambda: 1 / 0 for name in truth}  # choosing reads no case
    return Dataset("mine", tmp_path, truth, lambda: readers)


def felt(p95: float, free: list[float], **more) -> dict:
    seen = {"GET /": {"p95_ms": p95, "p95_ms_free": free}}
    return {"culprits": ["cart"], "visible": seen, **more}


def test_a_report_tells_the_incident_that_users_felt_most(tmp_path):
    truth = {"r1": felt(50.0, [10.0, 40.0]), "r2": felt(90.0, [10.0, 45.0]),
             "r3": felt(80.0, [10.0, 40.0]), "r4": felt(900.0, [10.0, 45.0], culprits=[])}
    assert incidents.most_felt(dataset(tmp_path, truth)) == "r2"  # the first of equals; no control
    untold = {"r4": {"culprits": []}, "r5": {"culprits": ["cart"]}, "r6": {"culprits": ["web"]}}
    assert incidents.most_felt(dataset(tmp_path, untold)) == "r5"
    assert incidents.most_felt(Dataset("d", tmp_path, {}, lambda: {"x": None, "y": None})) == "x"


def test_the_verdict_is_told_where_the_truth_is_known():
    assert incidents.verdict({"culprits": ["frontend"]}, BLAME) == (
        "Here it is wrong: the cause is known, and `frontend` stands at 2 of 2.")
    assert incidents.verdict({"culprits": ["paymentservice"]}, BLAME).startswith("Here it is right")
    assert incidents.verdict({"culprits": []}, BLAME) == ""
    assert incidents.verdict(None, BLAME) == ""


def test_what_was_planted_is_told_with_its_place_in_the_ranking():
    truth = {"culprits": ["frontend"], "fault": "latency", "layer": "code",
             "start": "2026-11-25T16:18:15Z", "end": "2026-11-25T16:19:00Z"}
    assert incidents.planted(truth, BLAME) == (
        "Known cause: latency (code) at frontend from 16:18:15 to 16:19:00 UTC. In the ranking "
        "`frontend` stands at 2 of 2.")
    assert "is no suspect" in incidents.planted({"culprits": ["host"]}, BLAME)
    assert "not known" in incidents.planted(None, BLAME)
    assert "control (nothing)" in incidents.planted({"culprits": [], "role": "control"}, BLAME)
