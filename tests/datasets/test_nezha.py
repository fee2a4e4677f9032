"""Nezha's layout: three forms of one content, read by the published protocol."""

import gzip
import json
from pathlib import Path

import pandas as pd
import pytest

from aiops import datasets
from aiops.case import Case
from aiops.errors import CaseError
from aiops.windows import union

DAY = "2022-08-22"
PODS = {"front": "front-5d-aa", "cart": "cart-6f-bb"}
SPANS = "TraceID,SpanID,ParentID,PodName,OperationName,StartTimeUnixNano,EndTimeUnixNano,Duration\n"
LOGS = "Timestamp,TimeUnixNano,Node,PodName,Container,TraceID,SpanID,Log\n"
POD = "Time,TimeStamp,PodName,CpuUsage(m),PodServerLatencyP90(s),NetworkReceiveBytes\n"


def at(clock: str) -> pd.Timestamp:
    return pd.Timestamp(f"{DAY} {clock}", tz="UTC")


def fault(clock: str, pod: str, kind: str, ahead_s: int = 0) -> dict[str, str]:
    stamp = int(at(clock).timestamp()) - ahead_s
    return {"inject_time": f"{DAY} {clock}", "inject_timestamp": str(stamp),
            "inject_pod": pod, "inject_type": kind}


FAULTS = {"10": [fault("10:30:30", PODS["cart"], "delay"),
                 fault("10:41:10", PODS["front"], "return", ahead_s=30)]}


def trace_file(minute: str, answer: bool = True) -> str:
    """A request every 5 s from 40 s before the minute: front calls cart, which works."""
    first = at(f"{minute}:00").value - 40 * 10**9
    rows = []
    for number in range(12):
        start = first + number * 5 * 10**9
        spans = [("a", "root", "front", "GET /", 0, 90), ("b", "a", "front", "Cart/Get", 10, 80)]
        if answer and number:
            spans += [("c", "b", "cart", "Cart/Get", 20, 70), ("d", "c", "cart", "query", 30, 60)]
        rows += [f"{minute}-{number},{span},{parent},{PODS[who]},{what},{start + a},{start + b},0"
                 for span, parent, who, what, a, b in spans]
    return SPANS + "\n".join(rows) + "\n"


def log_file(minute: str) -> str:
    start = at(f"{minute}:00").value
    lines = ["09:00 WARN slow\n", '{"severity": "error", "message": "no"}\n', "plain\n"]
    rows = [f'x,{start + 1},n,{PODS["cart"]},server,{trace},{span},"'
            + json.dumps({"log": line, "stream": "stdout"}).replace('"', '""') + '"'
            for line, trace, span in zip(lines, ("t1", "0000", ""), ("s1", "0000", ""),
                                         strict=True)]
    return LOGS + "\n".join(rows) + "\n" + f"x,{start + 2},n,{PODS['cart']},server,t,s,bare\n"


def go_time(stamp: pd.Timestamp) -> str:
    return f"{stamp:%Y-%m-%d %H:%M:%S}.607158889 +0000 UTC m=+0.1"


def metric_files() -> dict[str, str]:
    """Rows every minute from 10:00:20 to 10:59:20; TimeStamp is wrong, as in the original."""
    times = pd.date_range(at("10:00:20"), at("10:59:20"), freq="60s")
    files = {}
    for pod in PODS.values():
        rows = [f"{go_time(t)},1861140279,{pod},{i},{'NaN' if i else 0.5},9"
                for i, t in enumerate(times)]
        files[f"{pod}_metric"] = POD + "\n".join(rows) + "\n"
    for view, value in (("source_50", 0.25), ("destination_50", 0.003)):
        files[view] = "time,timestamp,front_cart\n" + "".join(
            f"{go_time(t)},1,{value}\n" for t in times)
    files["front_service"] = "Time,TimeStamp,ServiceName,LatencyP50(s)\n" + "".join(
        f"{go_time(t)},1,Front,0.1\n" for t in times)
    files["dependency"] = "Source,Target,Weight\nfront,cart,1\ncart,10.0.0.7,1\n"
    return files


def put(path: Path, text: str, zipped: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if zipped:
        Path(f"{path}.gz").write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)


def made(root: Path, incidents: str = "rca_data", normal: str = "construct_data",
         zipped: bool = False) -> Path:
    """A day of two faults; 10:41's scored minute has no file, 10:20 is the fault-free one."""
    day = root / incidents / DAY
    put(day / f"{DAY}-fault_list.json", json.dumps(FAULTS), zipped=False)
    for minute in ("10:30", "10:31", "10:32"):
        name = minute.replace(":", "_")
        put(day / "trace" / f"{name}_trace.csv", trace_file(minute, minute != "10:32"), zipped)
        put(day / "log" / f"{name}_log.csv", log_file(minute), zipped)
        put(day / "traceid" / f"{name}_traceid.csv", "t1\n", zipped)
    for name, text in metric_files().items():
        put(day / "metric" / f"{name}.csv", text, zipped)
    put(root / normal / DAY / "trace" / "10_20_trace.csv", trace_file("10:20"), zipped)
    return root


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Case]:
    return dict(datasets.load(made(tmp_path_factory.mktemp("nezha"))).cases())


def test_truth_names_the_service_and_what_is_there_to_see(tmp_path):
    truth = datasets.load(made(tmp_path)).truth
    assert truth[f"{DAY}/10:30:30"] == {
        "culprits": ["cart"], "kind": "service", "fault": "delay",
        "start": "2022-08-22T10:30:30+00:00", "end": "2022-08-22T10:33:30+00:00",
        "slices": ["minute=scored"]}
    assert truth[f"{DAY}/10:41:10"]["slices"] == ["spans=none"]


@pytest.mark.parametrize(("incidents", "normal", "zipped"), [
    ("incidents", "normal", True), ("rca_data", "construct_data", True)])
def test_every_published_form_gives_the_same_cases(tmp_path, both, incidents, normal, zipped):
    got = dict(datasets.load(made(tmp_path, incidents, normal, zipped)).cases())
    assert list(got) == list(both)
    for name, wanted in both.items():
        assert got[name].normal == wanted.normal
        for table, frame in wanted.tables.items():
            pd.testing.assert_frame_equal(got[name].tables[table], frame)


def test_a_flat_folder_is_one_day(tmp_path):
    put(tmp_path / "fault_list.json", json.dumps({"10": FAULTS["10"][:1]}), zipped=False)
    put(tmp_path / "incident" / "10_32_trace.csv", trace_file("10:32"), zipped=True)
    put(tmp_path / "normal" / "10_20_trace.csv", trace_file("10:20"), zipped=True)
    put(tmp_path / f"{PODS['cart']}_metric.csv", metric_files()[f"{PODS['cart']}_metric"], False)
    opened = datasets.load(tmp_path)
    [(name, case)] = opened.cases()
    assert (name, opened.truth[name]["culprits"]) == (f"{DAY}/10:30:30", ["cart"])
    assert case.suspects == ("cart", "front")
    assert len(case.select("traces", "normal")) == len(case.select("traces", "abnormal")) == 46


def test_windows_leave_out_every_fault_and_what_has_no_file(both):
    first, second = both.values()
    assert first.abnormal == (at("10:30:30"), at("10:33:30"))
    assert first.detected_at == at("10:30:30")
    # metrics begin at 9:59:20; spans from 10:29:20; the hour before has too few of them, and
    # the hour after has none: minutes after are left out, but for the fault-free file
    assert first.normal == (
        (at("09:59:20"), at("10:19:20")), (at("10:19:20"), at("10:20:16")),
        (at("10:20:16"), at("10:29:20")), (at("10:29:20"), at("10:30:30")))
    assert second.abnormal == (at("10:41:10"), at("10:44:10"))
    assert union(second.normal) == [
        (at("09:59:20"), at("10:30:30")), (at("10:34:30"), at("10:40:40"))]


def test_few_metrics_before_are_made_up_for_after(tmp_path):
    root = made(tmp_path)
    for path in (root / "rca_data" / DAY / "metric").glob("*.csv"):
        lines = path.read_text().splitlines()
        kept = lines if path.stem == "dependency" else [lines[0], *lines[21:]]
        path.write_text("\n".join(kept) + "\n")
    _, case = datasets.load(root).case(f"{DAY}/10:30:30")
    late = [window for window in union(case.normal) if window[0] >= at("10:30:30")]
    assert late == [(at("10:34:30"), at("10:40:40")), (at("10:45:10"), at("10:59:20"))]


def test_spans_get_kinds_and_peers(both):
    spans = both[f"{DAY}/10:30:30"].traces
    about = spans.groupby("span_id")[["service", "kind", "peer_service"]].agg(
        lambda values: sorted(set(values.dropna())))
    assert about.loc["a"].tolist() == [["front"], ["server"], []]
    assert about.loc["b"].tolist() == [["front"], ["client"], ["cart"]]  # also unanswered
    assert about.loc["c"].tolist() == [["cart"], ["server"], []]
    assert about.loc["d"].tolist() == [["cart"], ["internal"], []]
    assert spans.loc[spans["span_id"] == "b", "peer_service"].notna().all()
    assert spans.loc[spans["span_id"] == "a", "parent_span_id"].isna().all()
    assert set(spans.loc[spans["span_id"] == "c", "duration_ns"]) == {50}


def test_metrics_are_long_with_units_and_both_ends_of_an_edge(both):
    metrics = both[f"{DAY}/10:30:30"].metrics
    kinds = metrics.drop(columns=["time", "value"]).drop_duplicates().astype("object")
    kinds = {tuple(row) for row in kinds.where(kinds.notna(), None).to_numpy()}
    assert kinds == {
        *[(s, n, u, p, None) for s, p in PODS.items()
          for n, u in (("CpuUsage", "m{cores}"), ("PodServerLatencyP90", "s"),
                       ("NetworkReceiveBytes", "By"))],
        ("front", "source_50", "s", None, "cart"), ("cart", "destination_50", "s", None, "front"),
        ("front", "LatencyP50", "s", None, None)}
    p90 = metrics[metrics["name"] == "PodServerLatencyP90"]
    assert p90["value"].tolist() == [0.5, 0.5]  # the others are NaN


def test_a_metric_row_belongs_to_the_minute_before_its_time(both):
    case = both[f"{DAY}/10:30:30"]
    cpu = case.metrics[(case.metrics["name"] == "CpuUsage") & (case.metrics["service"] == "cart")]
    assert cpu["time"].min() == at("09:59:20")
    mixed = at("10:30:20")  # the fault began within that minute
    assert mixed not in set(cpu["time"])
    assert cpu.loc[cpu["time"] >= case.abnormal[0], "value"].tolist() == [32, 33, 34]


def test_logs_keep_the_text_and_the_severity_it_states(both):
    logs = both[f"{DAY}/10:30:30"].logs
    assert logs["body"].head(4).tolist() == [
        "09:00 WARN slow", '{"severity": "error", "message": "no"}', "plain", "bare"]
    assert logs["severity_number"].head(4).tolist() == [13, 17, 0, 0]
    assert logs["trace_id"].head(3).fillna("").tolist() == ["t1", "", ""]
    assert set(logs["service"]) == {"cart"}


def test_the_call_graph_has_services_only(both):
    assert both[f"{DAY}/10:30:30"].topology.to_numpy().tolist() == [["front", "cart"]]


def test_a_case_holds_nothing_of_the_fault_list(both):
    case = both[f"{DAY}/10:30:30"]
    words = {str(value) for table in case.tables.values() for column in table
             for value in table[column].unique()}
    assert "delay" not in words
    assert (case.entry_service, case.symptom) == (None, None)


@pytest.mark.parametrize("name", [
    "trace/10_31_trace.csv", "log/10_31_log.csv", "metric/source_50.csv",
    f"metric/{PODS['cart']}_metric.csv", "metric/dependency.csv"])
@pytest.mark.parametrize("text", ["", "a,b\n1,2\n"])
def test_a_damaged_file_is_named(tmp_path, name, text):
    root = made(tmp_path)
    (root / "rca_data" / DAY / name).write_text(text)
    with pytest.raises(CaseError, match=Path(name).name):
        list(datasets.load(root).cases())


def test_a_file_cut_short_is_named(tmp_path):
    root = made(tmp_path, zipped=True)
    path = root / "rca_data" / DAY / "trace" / "10_32_trace.csv.gz"
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(CaseError, match="10_32_trace"):
        list(datasets.load(root).cases())


@pytest.mark.parametrize("text", ["[]", "{}", "{", '{"10": [{"inject_time": "x"}]}'])
def test_a_fault_list_that_is_none_is_named(tmp_path, text):
    root = made(tmp_path)
    (root / "rca_data" / DAY / f"{DAY}-fault_list.json").write_text(text)
    with pytest.raises(CaseError, match="fault_list"):
        datasets.load(root)


def test_without_normal_time_there_is_no_case(tmp_path):
    put(tmp_path / "fault_list.json", json.dumps(FAULTS), zipped=False)
    with pytest.raises(CaseError, match="fault at"):
        list(datasets.load(tmp_path).cases())


def test_the_published_incidents_are_all_there(aiops_data):
    opened = datasets.load(aiops_data / "rca" / "nezha-ob")
    slices = [name for truth in opened.truth.values() for name in truth["slices"]]
    assert len(opened.truth) == 56
    assert (slices.count("minute=scored"), slices.count("spans=none")) == (41, 7)
    name, case = opened.case("2022-08-23/16:40:57")
    assert opened.truth[name]["culprits"] == ["adservice"]
    assert len(case.suspects) == 10
    assert len(case.topology) == 14
    assert case.select("metrics", "abnormal")["time"].dt.floor("min").nunique() == 3
    clients = case.traces[case.traces["kind"] == "client"]
    assert clients["peer_service"].notna().all()


def test_a_system_with_logs_has_all_three_signals(aiops_data):
    opened = datasets.load(aiops_data / "rca" / "nezha-tt-format-sample")
    [(name, case)] = opened.cases()
    assert opened.truth[name]["culprits"] == ["ts-contacts-service"]
    assert set(case.tables) == {"traces", "logs", "metrics"}
    assert len(case.select("logs", "abnormal")) == 2795
    assert set(case.logs["trace_id"]) <= set(case.traces["trace_id"])
