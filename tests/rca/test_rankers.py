"""What each ranker does, on Cases small enough to work out by hand."""

import numpy as np
import pandas as pd
import pytest

from aiops.case import Case
from aiops.errors import CaseError, InputError, NotFittedError
from aiops.rca import DEFAULT, RANKERS, Baro, BestSingleMetric, NSigma, Traversal, rank
from aiops.rca.series import columns, edge_series, span_series

T0 = pd.Timestamp("2026-01-31T12:00:00Z")
RNG = np.random.default_rng(0)


def at(seconds: float) -> pd.Timestamp:
    return T0 + pd.Timedelta(seconds=seconds)


def metric_case(rise: dict[str, float], edges: list[tuple[str, str]] | None = None,
                **more: object) -> Case:
    times = pd.date_range(T0, periods=60, freq="s")
    wave = np.tile([0.0, 1.0, 2.0, 3.0, 4.0], 12)
    frames = [pd.DataFrame({"time": times, "service": service, "name": "cpu",
                            "value": wave + up * (np.arange(60) >= 40)})
              for service, up in rise.items()]
    topology = None if edges is None else pd.DataFrame(edges, columns=["caller", "callee"])
    return Case(normal=((at(0), at(40)),), abnormal=(at(40), at(60)),
                metrics=pd.concat(frames), topology=topology, **more)  # type: ignore[arg-type]


def test_baro_counts_iqrs_above_the_median():
    got = Baro().rank(metric_case({"a": 10.0, "b": 0.0}))  # median 2, IQR 2
    assert got.to_dict() == {"a": (14 - 2) / 2, "b": 1.0}


@pytest.mark.parametrize(("ranker", "unit", "wanted"), [
    ("baro", 1.0, {"a": 6.0, "b": 1.0}),
    ("nsigma", 1.0, {"a": 12 / 2**0.5, "b": 2 / 2**0.5}),
    ("nsigma", 1e6, {"a": 12 / 2**0.5, "b": 2 / 2**0.5})])  # BARO's limit is as published: absolute
def test_a_spread_of_rounding_errors_is_taken_for_none(ranker, unit, wanted):
    case = metric_case({"a": 10.0, "b": 0.0})
    wave = np.tile([0.0, 1.0, 2.0, 3.0], 30) * 2.0**-54
    jitter = case.metrics.assign(service="b", name="ratio", value=0.3 + wave)
    jitter.loc[jitter["time"] >= at(40), "value"] += 1e-9
    jitter["value"] *= unit
    whole = pd.concat([case.metrics, jitter])
    got = rank(Case(normal=case.normal, abnormal=case.abnormal, metrics=whole), ranker)
    assert got.to_dict() == pytest.approx(wanted)


def test_nsigma_counts_deviations_above_the_mean():
    got = NSigma().rank(metric_case({"a": 10.0, "b": 0.0}))  # mean 2, variance 2
    assert got.to_dict() == pytest.approx({"a": 12 / 2**0.5, "b": 2 / 2**0.5})


@pytest.mark.parametrize("ranker", ["baro", "nsigma"])
def test_a_metric_that_only_the_incident_has_says_nothing(ranker):
    case = metric_case({"a": 10.0, "b": 0.0})
    new = case.metrics[case.metrics["time"] >= at(40)].assign(service="b", name="errors")
    seen = Case(normal=case.normal, abnormal=case.abnormal, metrics=pd.concat([case.metrics, new]))
    assert rank(seen, ranker).to_dict() == rank(case, ranker).to_dict()


def test_a_fall_is_no_blame_for_baro():
    assert Baro().rank(metric_case({"a": -50.0, "b": 0.0})).index[0] == "b"


def test_traversal_blames_where_anomalies_end():
    edges = [("front", "mid"), ("mid", "deep"), ("front", "other")]
    case = metric_case({"front": 50.0, "mid": 40.0, "deep": 30.0, "other": 0.0}, edges,
                       entry_service="front")
    got = Traversal().rank(case)
    assert got[got > 0].index.tolist() == ["deep"]
    scale = 2 / 1.35
    assert got["deep"] == pytest.approx((50 + 40 + 30) / scale)


def test_traversal_takes_a_circle_as_one():
    case = metric_case({"a": 50.0, "b": 40.0, "c": 0.0}, [("a", "b"), ("b", "a"), ("b", "c")])
    assert Traversal().rank(case).index.tolist() == ["a", "b", "c"]


def test_traversal_needs_a_graph():
    with pytest.raises(CaseError, match="needs a topology or traces"):
        Traversal().rank(metric_case({"a": 1.0}))


def test_best_single_metric_needs_the_truth():
    with pytest.raises(InputError, match="needs y"):
        BestSingleMetric().fit([])
    with pytest.raises(NotFittedError):
        BestSingleMetric().rank(metric_case({"a": 1.0}))
    case = metric_case({"a": 10.0, "b": 0.0})
    fitted = BestSingleMetric().fit(iter([case]), iter([["a"]]))
    assert (fitted.metric_, fitted.hits_) == ("cpu", {"cpu": 1})
    assert fitted.rank(case).index[0] == "a"


def spans(slow: str | None = None) -> pd.DataFrame:
    rows = []
    for n in range(240):
        late = n >= 160
        for service, kind, ms, parent in (("front", "server", 20, None), ("db", "client", 5, "1")):
            ms = ms + RNG.random() + 50 * (late and slow == service)
            rows.append({"trace_id": f"t{n}", "span_id": "1" if parent is None else "2",
                         "parent_span_id": parent, "service": "front", "operation": "op",
                         "start": at(n / 4), "duration_ns": int(ms * 1e6), "kind": kind,
                         "status_code": "error" if late and n % 2 else "ok",
                         "peer_service": None if kind == "server" else "db"})
    return pd.DataFrame(rows)


@pytest.mark.parametrize("ranker", ["baro", "nsigma", "traversal"])
def test_spans_alone_are_enough_and_a_database_is_seen_through_its_callers(ranker):
    case = Case(normal=((at(0), at(40)),), abnormal=(at(40), at(60)), traces=spans("db").assign(
        status_code="ok"))
    assert rank(case, ranker).index[0] == "db"


def called(fault: str) -> Case:
    """front calls cart and ship; from 40 s on its calls to ship are slow on the way, or refused."""
    rows = []
    for n in range(240):
        late = n >= 160
        for parent, callee in (("1", "cart"), ("2", "ship")):
            hit = late and callee == "ship" and n % 4
            ms, slow = 5 + RNG.random(), 80 * (hit and fault == "slow")
            one = {"trace_id": f"t{n}", "start": at(n / 4), "operation": "op", "status_code": "ok"}
            rows.append(one | {"span_id": parent, "parent_span_id": None, "service": "front",
                               "duration_ns": int((ms + 1 + RNG.random() + slow) * 1e6),
                               "kind": "client", "peer_service": callee})
            if not (hit and fault == "refused"):
                rows.append(one | {"span_id": f"{parent}s", "parent_span_id": parent,
                                   "service": callee, "duration_ns": int(ms * 1e6),
                                   "kind": "server", "peer_service": None})
    return Case(normal=((at(0), at(40)),), abnormal=(at(40), at(60)), traces=pd.DataFrame(rows),
                suspects=("front", "cart", "ship", "host", "front->cart", "front->ship"))


@pytest.mark.parametrize("ranker", ["baro", "nsigma", "traversal"])
def test_an_edge_is_blamed_for_what_its_callee_did_not_see(ranker):
    assert rank(called("slow"), ranker).index[0] == "front->ship"


def test_an_edge_takes_only_the_time_that_its_callee_did_not():
    one = {"trace_id": "t", "start": at(1), "operation": "op", "status_code": "ok"}
    made = pd.DataFrame([
        one | {"span_id": "1", "parent_span_id": None, "service": "front", "kind": "client",
               "peer_service": "cart", "duration_ns": 30e6},
        one | {"span_id": "2", "parent_span_id": "1", "service": "cart", "kind": "server",
               "peer_service": None, "duration_ns": 22e6}])
    got = edge_series(made, ["front->cart"], [(at(0), at(5))], 5.0)
    assert got.set_index(["service", "name"])["value"].to_dict() == pytest.approx({
        ("front->cart", "edge_latency_p95"): 8.0, ("front->cart", "edge_error_rate"): 0.0})


def test_calls_that_nobody_answered_lie_on_the_edge():
    got = columns(called("refused"))
    name, service = got.about["name"], got.about["service"]
    [unanswered] = got.about.index[(service == "front->ship") & (name == "edge_error_rate")]
    late = got.abnormal[got.abnormal["column"] == unanswered]
    assert late["value"].tolist() == pytest.approx([0.75] * 4)
    assert set(name[service == "front->cart"]) == {"edge_latency_p95", "edge_error_rate"}


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("ranker", ["baro", "nsigma", "traversal"])
def test_a_suspect_without_telemetry_ties_last(ranker, told):
    spans = called("slow").traces
    if not told:  # whom a client span called
        spans = spans.drop(columns="peer_service")
    unseen = ["host", "ship->cart"]
    case = Case(normal=((at(0), at(40)),), abnormal=(at(40), at(60)), traces=spans,
                suspects=("cart", "ship", *unseen))
    got = rank(case, ranker)
    assert got[unseen].tolist() == [0.0, 0.0]
    assert got.min() == 0.0


def test_a_bucket_without_spans_counts_zero_and_has_no_latency():
    some = spans()
    some = some[(some["start"] < at(5)) | (some["start"] >= at(10))]
    got = span_series(some, [(at(0), at(20))], 5.0)
    front = got[got["service"] == "front"].groupby("name")["value"].apply(list)
    assert front["span_count"] == [20.0, 0.0, 20.0, 20.0]
    assert len(front["span_latency_p95"]) == 3
    assert front["span_error_rate"] == [0.0, 0.0, 0.0]


def test_columns_need_metrics_or_traces():
    edges = pd.DataFrame({"caller": ["a"], "callee": ["b"]})
    case = Case(normal=((at(0), at(40)),), abnormal=(at(40), at(60)), topology=edges)
    with pytest.raises(CaseError, match="needs metrics or traces"):
        columns(case)


def test_an_unknown_ranker_lists_the_known():
    with pytest.raises(InputError, match="must be one of fusion, nsigma"):
        rank(metric_case({"a": 1.0}), "oracle")


def test_the_default_ranker_is_one_that_knows_no_truth():
    case = metric_case({"a": 6.0, "b": 1.0})
    pd.testing.assert_series_equal(rank(case), rank(case, DEFAULT))
    assert not RANKERS[DEFAULT].hindsight
