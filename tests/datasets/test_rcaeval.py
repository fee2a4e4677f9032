"""RCAEval's layout, on made folders: the column names are those of the published description.

``<service>_<fault>/<n>/`` with data.csv in RE1; simple_metrics.csv, metrics.csv, logs.csv and
traces.csv in RE2 and RE3 (phamquiluan/RCAEval: README.md, main.py and e2e/tracerca.py, which
read these columns; the files themselves were not at hand).
"""

from pathlib import Path

import pandas as pd
import pytest

from aiops import datasets
from aiops.case import Case
from aiops.errors import CaseError

INJECTED = 1_705_600_751
METRICS = ("time,frontend_cpu,frontend_latency-50,frontend_latency-90,carts-db_mem,carts_cpu,"
           "redis_cpu\n")
LOGS = "time,timestamp,container_name,message,level,req_path,error\n"
TRACES = ("time,traceID,spanID,serviceName,methodName,operationName,startTimeMillis,startTime,"
          "duration,statusCode,parentSpanID\n")


def at(seconds: float) -> pd.Timestamp:
    return pd.Timestamp(INJECTED, unit="s", tz="UTC") + pd.Timedelta(seconds=seconds)


def metric_file() -> str:
    """12 minutes a side, every 10 s."""
    rows = [f"{INJECTED + s},{s},9,{'inf' if s == 0 else 5},2e6,,1" for s in range(-720, 721, 10)]
    return METRICS + "\n".join(rows) + "\n"


def span(trace: str, name: str, parent: str, service: str, second: float, code: str = "",
         method: str = "Get") -> str:
    micros = int((INJECTED + second) * 1_000_000)
    return (f"17:47,{trace},{name},{service},{method},/{method},{micros // 1000},{micros},1500,"
            f"{code},{parent}\n")


def trace_file() -> str:
    return TRACES + "".join([
        span("t1", "1", "", "frontendservice", -10, "200"),
        span("t1", "2", "1", "frontendservice", -9.9, "0.0", "Cart/Get"),
        span("t1", "3", "2", "carts", -9.8, "0", ""),
        span("t2", "4", "", "frontend", 5, "500"),
        span("t2", "5", "4", "frontend", 5.1, "14", "Cart/Get"),
        span("t2", "6", "4", "redis-cart", 5.2),
        span("early", "7", "", "frontend", -700)])


def log_file() -> str:
    def line(second: int, container: str, message: str, level: str) -> str:
        return f'17:47,{(INJECTED + second) * 10**9 + 7},{container},"{message}",{level},,\n'

    return LOGS + (line(-20, "frontend", "GET /, fine", "INFO")
                   + line(3, "carts-6999fd64d9-pjhhn", "a ""line""\nand one more", "ERROR")
                   + line(4, "carts-db", "slow", "") + line(700, "frontend", "late", "INFO"))


def made(root: Path, name: str = "carts_cpu/1", metrics: str = "simple_metrics.csv") -> Path:
    folder = root / name
    folder.mkdir(parents=True)
    (folder / "inject_time.txt").write_text(f"{INJECTED}\n")
    (folder / metrics).write_text(metric_file())
    (folder / "logs.csv").write_text(log_file())
    (folder / "traces.csv").write_text(trace_file())
    (folder / "root_cause.txt").write_text("NPE at line 7 of carts")
    return root


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return datasets.load(made(tmp_path_factory.mktemp("RE2-OB"))).case()[1]


@pytest.mark.parametrize(("name", "metrics"), [
    ("carts_cpu/1", "data.csv"), ("carts_f1/3", "metrics.csv"),
    ("RE2-SS/front-end_mem/2", "simple_metrics.csv"), ("RE2/RE2-TT/ts-order_disk/1", "data.csv")])
def test_the_folder_names_culprit_and_fault(tmp_path, name, metrics):
    opened = datasets.load(made(tmp_path, name, metrics))
    culprit, fault = name.split("/")[-2].split("_")
    assert opened.truth == {name: {"culprits": [culprit], "kind": "service", "fault": fault}}
    assert [got for got, _ in opened.cases()] == [name]


def test_ten_minutes_a_side(case):
    assert case.normal == ((at(-600), at(0)),)
    assert case.abnormal == (at(0), at(600))
    for side in ("normal", "abnormal"):
        assert case.select("metrics", side).groupby(["instance", "name"]).size().max() == 60
    assert set(case.traces["trace_id"]) == {"t1", "t2"}
    assert len(case.logs) == 3


def test_metrics_are_folded_and_finite(case):
    columns = case.metrics[["service", "instance", "name"]].drop_duplicates().to_numpy().tolist()
    assert sorted(columns) == [["carts", "carts-db", "mem"], ["frontend", "frontend", "cpu"],
                               ["frontend", "frontend", "latency-90"], ["redis", "redis", "cpu"]]
    assert set(case.metrics.loc[case.metrics["name"] == "mem", "unit"]) == {"By"}
    assert (case.metrics["name"] == "latency-90").sum() == 119  # one was infinite
    assert case.suspects == ("carts", "frontend", "redis")


def test_spans_have_kinds_peers_and_status(case):
    about = case.traces.set_index("span_id")
    assert about["kind"].to_dict() == {"1": "server", "2": "client", "3": "server",
                                       "4": "server", "5": "client", "6": "server"}
    assert about["service"].tolist() == ["frontend"] * 2 + ["carts"] + ["frontend"] * 2 + ["redis"]
    assert about.loc[["2", "5"], "peer_service"].tolist() == ["carts", "carts"]
    assert about["status_code"].tolist() == ["ok", "ok", "ok", "error", "error", "unset"]
    assert about["operation"].loc[["2", "3"]].tolist() == ["Cart/Get", "/"]
    assert about["parent_span_id"].isna().tolist() == [True, False, False, True, False, False]
    assert about.loc["1", "start"] == at(-10)
    assert set(about["duration_ns"]) == {1_500_000}


def test_logs_count_for_the_pods_service(case):
    assert case.logs["service"].tolist() == ["frontend", "carts", "carts"]
    assert case.logs["severity_number"].tolist() == [9, 17, 0]
    assert case.logs["body"].tolist()[0] == "GET /, fine"
    assert "\n" in case.logs["body"].tolist()[1]


def test_a_trace_file_with_a_header_alone_is_no_trace(tmp_path):
    root = made(tmp_path)
    (root / "carts_cpu" / "1" / "traces.csv").write_text(TRACES)
    (root / "carts_cpu" / "1" / "logs.csv").write_text("timestamp,container_name,message\n")
    assert set(datasets.load(root).case()[1].tables) == {"metrics"}


def test_an_injection_outside_of_the_data_leaves_no_rows(tmp_path):
    root = made(tmp_path)
    (root / "carts_cpu" / "1" / "inject_time.txt").write_text("16900000\n")
    _, case = datasets.load(root).case()
    assert case.metrics.empty
    assert case.suspects == ("carts", "frontend", "redis")


def test_nothing_of_the_truth_is_in_a_case(case):
    words = {str(value) for table in case.tables.values() for column in table
             for value in table[column].unique()}
    assert not any("NPE" in word or "carts_cpu" in word for word in words)


@pytest.mark.parametrize(("name", "text"), [
    ("inject_time.txt", "yesterday"), ("inject_time.txt", ""), ("simple_metrics.csv", ""),
    ("simple_metrics.csv", "a,b\n1,2\n"), ("traces.csv", ""), ("traces.csv", "a,b\n1,2\n"),
    ("logs.csv", "timestamp,message\n1,2\n"), ("logs.csv", LOGS + "17:47,soon,a,b,,,\n")])
def test_a_damaged_file_is_named(tmp_path, name, text):
    root = made(tmp_path)
    (root / "carts_cpu" / "1" / name).write_text(text)
    with pytest.raises(CaseError, match=name):
        datasets.load(root).case()


def test_a_folder_without_metrics_says_so(tmp_path):
    root = made(tmp_path)
    (root / "carts_cpu" / "1" / "simple_metrics.csv").unlink()
    with pytest.raises(CaseError, match="has no metrics"):
        datasets.load(root).case()
