"""Nezha: the graph of a request, and what the incident misses."""

import pandas as pd
import pytest

from aiops.case import Case
from aiops.errors import CaseError
from aiops.rca.nezha import Nezha
from aiops.rca.request_events import patterns, requests
from tests.rca.made import at, case_of

ORDER = [  # id, parent, service, operation, kind, start ms, duration ms
    ("1", None, "front", "get", "server", 0, 100), ("2", "1", "front", "pay", "client", 10, 50),
    ("3", "2", "pay", "pay", "server", 20, 30), ("4", "1", "front", "mail", "client", 70, 20)]
NO_ALARMS = pd.Series(dtype=object)


def request(trace: str, second: float, spans: list[tuple[object, ...]]) -> pd.DataFrame:
    made = pd.DataFrame(spans, columns=["span_id", "parent_span_id", "service", "operation",
                                        "kind", "start", "duration_ns"])
    start = at(second) + pd.to_timedelta(made["start"], unit="ms")
    return made.assign(trace_id=trace, start=start, duration_ns=made["duration_ns"] * 10**6)


def case(late: list[tuple[object, ...]], lines: tuple[str, str] | None = None) -> Case:
    """Twenty normal requests and ten of the incident; ``lines`` are what pay logs before, then."""
    traces = pd.concat([request(f"t{i}", i, ORDER if i < 20 else late) for i in range(30)])
    logs = None if lines is None else pd.DataFrame([
        {"time": at(i + 0.03), "service": "pay", "severity_number": 0,
         "body": f"{lines[i >= 20]} {i}", "trace_id": f"t{i}", "span_id": "3"}
        for i in range(30)])
    return Case(normal=((at(0), at(20)),), abnormal=(at(20), at(30)), traces=traces, logs=logs)


def test_the_graph_of_a_request():
    found = patterns(requests(case(ORDER, ("paid", "paid")), "abnormal", NO_ALARMS))
    assert set(zip(found["source"], found["target"], found["depth"], strict=True)) == {
        ("front get start", "front get end", 0), ("front pay start", "front pay end", 1),
        ("front mail start", "front mail end", 1), ("front get start", "front pay start", 0),
        ("front get start", "front mail start", 0), ("front pay start", "pay pay start", 1),
        ("pay pay start", "pay paid *", 2), ("pay paid *", "pay pay end", 2)}
    assert set(found["support"]) == {10}
    assert found.set_index("source").loc["pay paid *", "service"] == "pay"


def test_alarms_ring_between_start_and_what_follows_but_not_in_calls():
    found = patterns(requests(case(ORDER), "abnormal", pd.Series({"front": "cpu"})))
    pairs = set(zip(found["source"], found["target"], strict=True))
    assert ("front get start", "alarm cpu") in pairs
    assert ("alarm cpu", "front pay start") in pairs
    assert ("front pay start", "front pay end") in pairs


def test_a_line_that_fails_to_come_is_blamed_on_its_service():
    got = Nezha().rank(case(ORDER, ("paid", "refused")))
    assert got.to_dict() == {"pay": 1.0, "front": 0.0}


def test_a_call_that_is_no_longer_made_is_blamed_on_the_caller():
    got = Nezha().rank(case([ORDER[0], ORDER[3]]))
    assert got.index[0] == "front"
    assert got["pay"] == 0  # its own patterns are explained by those that led to it


def test_normal_requests_blame_nobody():
    assert not Nezha().rank(case(ORDER, ("paid", "paid"))).any()


def test_a_span_ends_after_its_last_line():
    traces = request("t", 0, ORDER[:1])
    logs = pd.DataFrame({"time": [at(5)], "service": "front", "severity_number": 0, "body": "late",
                         "trace_id": "t", "span_id": "1"})
    made = Case(normal=((at(10), at(20)),), abnormal=(at(0), at(10)), traces=traces, logs=logs)
    found = patterns(requests(made, "abnormal", NO_ALARMS))
    assert set(zip(found["source"], found["target"], strict=True)) == {
        ("front get start", "front late"), ("front late", "front get end")}


def test_it_needs_traces():
    with pytest.raises(CaseError, match="Nezha needs traces"):
        Nezha().rank(case_of({"a": [1.0, 2.0]}, 1))
