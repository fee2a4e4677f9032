"""One shop, started once, asked everything; then how it ends."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import psutil
import pytest

from aiops.errors import InputError
from aiops.otlp import Receiver, decode
from aiops.testbed.names import SERVERS, SERVICES
from aiops.testbed.shop import Shop

NAMES = json.loads((Path(__file__).parent / "names.json").read_text())


def ask(shop: Shop, method: str, path: str, body: Any = None, user: int = 7) -> tuple[int, Any]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{shop.ports['gateway']}{path}", method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"x-user": str(user), "content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def buy(shop: Shop, user: int = 7) -> tuple[int, Any]:
    ask(shop, "POST", "/cart", {"sku": 3}, user)
    return ask(shop, "POST", "/checkout", {}, user)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Everything a shop sent while it was used, struck and restarted, and what was seen."""
    sent: dict[str, list[bytes]] = {"traces": [], "logs": [], "metrics": []}
    seen: dict[str, Any] = {}
    with Receiver(lambda signal, data: sent[signal].append(data)) as receiver:  # noqa: SIM117
        with Shop(tmp_path_factory.mktemp("shop"), f"127.0.0.1:{receiver.grpc_port}",
                  orders=1000) as shop:
            for path in ("/", "/product/3", "/search?q=k1", "/cart"):
                assert ask(shop, "GET", path)[0] == 200
            seen["order"] = buy(shop)
            seen["empty"] = ask(shop, "POST", "/checkout", {}, 8)
            shop.control("catalog", "set", "wrong", factor=0.1)
            seen["cheap"] = buy(shop)
            shop.control("catalog", "clear", "wrong")
            shop.control("catalog", "set", "errors", share=1.0)
            seen["error"] = ask(shop, "GET", "/search?q=k1")
            shop.control("catalog", "clear", "errors")
            shop.control("catalog", "set", "canary", version="1.5.0", share=0.3)
            for user in range(40):
                ask(shop, "GET", "/product/3", user=user)
            shop.control("catalog", "clear", "canary")
            shop.control("gateway", "set", "refused", callee="recommendation")
            seen["refused"] = ask(shop, "GET", "/")
            shop.control("gateway", "clear", "refused")
            shop.delay_edge("checkout", "payment", 0.2)
            started = time.perf_counter()
            assert buy(shop)[0] == 200
            seen["slow_s"] = time.perf_counter() - started
            shop.clear_edge("checkout", "payment")
            shop.kill("valkey")
            seen["no cache"] = ask(shop, "GET", "/product/3")
            shop.restart("valkey")
            shop.restart("recommendation", version="1.5.0")
            seen["after"] = (buy(shop)[0], ask(shop, "GET", "/")[0])
    seen["tables"] = {name: decode(name, data) for name, data in sent.items()}
    return seen


def _words(table: Any, column: str) -> set[str]:
    return set(table.column(column).to_pylist())


def test_it_sells(recorded: dict[str, Any]) -> None:
    status, order = recorded["order"]
    assert status == 200
    assert order["order"] == 1001
    assert order["total"] > 5
    assert recorded["empty"][0] == 409
    assert recorded["cheap"][1]["total"] == pytest.approx(order["total"] / 10, abs=0.01)
    assert recorded["after"] == (200, 200)


def test_faults_strike_and_are_undone(recorded: dict[str, Any]) -> None:
    assert recorded["error"][0] == 502
    assert recorded["refused"][0] == 503
    assert recorded["slow_s"] > 0.4
    assert recorded["no cache"][0] == 200  # falls back on the database


def test_traces_link_all_services(recorded: dict[str, Any]) -> None:
    spans = recorded["tables"]["traces"]["spans"].to_pandas()
    assert set(spans.service_name) == set(SERVICES)
    root = spans[(spans.name == "POST /checkout") & (spans.status_code != 2)].iloc[0]
    trace = spans[spans.trace_id == root.trace_id]
    assert {"checkout", "cart", "payment", "inventory", "notifier"} <= set(trace.service_name)
    assert set(trace.parent_span_id.dropna()) - {b""} <= set(trace.span_id)
    assert spans.span_id.is_unique


def test_logs_belong_to_traces(recorded: dict[str, Any]) -> None:
    logs = recorded["tables"]["logs"]["logs"].to_pandas()
    spans = recorded["tables"]["traces"]["spans"].to_pandas()
    placed = logs[logs.body == "order placed"]
    assert len(placed)
    assert set(placed.span_id) <= set(spans.span_id)


def test_a_canary_serves_a_share_of_sessions(recorded: dict[str, Any]) -> None:
    tables = recorded["tables"]["traces"]
    spans = tables["spans"].to_pandas()
    attributes = tables["span_attributes"].to_pandas()
    versions = attributes[attributes.key == "service.version"].set_index("row_id").string
    served = versions[spans[(spans.service_name == "catalog") & (spans.kind == 2)].row_id]
    assert 4 <= (served == "1.5.0").sum() <= 20


def test_names_are_frozen(recorded: dict[str, Any]) -> None:
    """Recorded data can never be recorded again: a name may be added, none may change."""
    tables = recorded["tables"]
    metrics = tables["metrics"]["metrics"].to_pandas()
    kinds = {f"{name} {kind} {unit}" for name, kind, unit in zip(
        metrics.name, metrics.type, metrics.unit, strict=True)}
    spans = tables["traces"]["spans"].to_pandas()
    found = {
        "metrics": sorted(kinds),
        "metric_attributes": sorted(_words(tables["metrics"]["metric_attributes"], "key")),
        "spans": sorted({f"{s} {n}" for s, n in zip(
            spans.service_name, spans.name, strict=True)}),
        "span_attributes": sorted(_words(tables["traces"]["span_attributes"], "key")),
        "log_attributes": sorted(_words(tables["logs"]["log_attributes"], "key")),
        "resource_attributes": sorted(_words(tables["traces"]["resource_attributes"], "key")),
    }
    assert found == NAMES, json.dumps(found, indent=1)


def _runs(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE  # not every machine's init reaps
    except psutil.NoSuchProcess:
        return False


def test_two_shops_and_a_killed_parent(tmp_path: Path) -> None:
    program = ("import sys, time\nfrom aiops.testbed.shop import Shop\n"
               "shop = Shop(sys.argv[1], '127.0.0.1:1', orders=10)\nshop.start()\n"
               "print(*shop.pids().values(), flush=True)\ntime.sleep(60)\n")
    parents = [subprocess.Popen([sys.executable, "-c", program, str(tmp_path / name)],
                                stdout=subprocess.PIPE, text=True) for name in "ab"]
    pids: list[int] = []
    for parent in parents:
        assert parent.stdout
        pids += map(int, parent.stdout.readline().split())
    assert len(set(pids)) == 2 * (len(SERVICES) + len(SERVERS) + 1)
    processes = [psutil.Process(pid) for pid in pids]
    processes += [child for process in processes for child in process.children()]
    for parent in parents:
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
        assert parent.stdout
        parent.stdout.close()
    end = time.monotonic() + 1.0
    while alive := [process for process in processes if _runs(process)]:
        assert time.monotonic() < end, alive
        time.sleep(0.02)


def test_neighbours_share_the_shops_session_and_go(tmp_path: Path) -> None:
    with Shop(tmp_path, "127.0.0.1:9") as shop:
        shop.crowd(2)
        loops = [pid for name, pid in shop.pids().items() if name.startswith("neighbour")]
        assert len(loops) == 2
        assert {os.getsid(pid) for pid in loops} == {os.getsid(shop.pids()["gateway"])}
        shop.crowd(0)
        assert not any(_runs(psutil.Process(pid)) for pid in loops if psutil.pid_exists(pid))
        assert not [name for name in shop.pids() if name.startswith("neighbour")]


def test_what_is_no_hook_or_service_is_refused(tmp_path: Path) -> None:
    shop = Shop(tmp_path, "127.0.0.1:1")
    with pytest.raises(InputError, match="must be one of"):
        shop.control("catalog", "set", "latencies", ms=3)
    with pytest.raises(InputError, match="required"):
        shop.control("catalog", "set", "latency", milliseconds=3)
    with pytest.raises(InputError, match="must be one of"):
        shop.kill("catalogue")
