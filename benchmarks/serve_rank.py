"""The served ranker's speed over HTTP: python benchmarks/serve_rank.py [--requests N] [--json]"""

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import pandas as pd
import psutil

from aiops import datasets, rca
from aiops.case import Case
from aiops.commands.output import show
from aiops.evaluation.figures import Figure, to_json
from aiops.serving.ranker import as_case
from aiops.tracking import rankers, wire
from aiops.workflows import ranker

APART = 20  # times that reading and ranking are done apart, in this process


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", default="r005", help="incident of shop to send (default: r005)")
    parser.add_argument("--requests", type=int, default=200, help="of each Case (default: 200)")
    parser.add_argument("--ranker", default=rca.DEFAULT, choices=list(rca.RANKERS),
                        help=f"who is served (default: {rca.DEFAULT})")
    parser.add_argument("--json", action="store_true", help="print all figures as a JSON list")
    options = parser.parse_args()
    cases = {"made": ranker.example(), "shop": datasets.load("shop").case(options.case)[1]}
    with served(options.ranker) as (address, process):
        figures = [replace(each, model=options.ranker) for name, case in cases.items()
                   for each in measured(name, case, address, process, options)]
    print(to_json(figures)) if options.json else show(table(figures))


def measured(name: str, case: Case, address: str, process: psutil.Process,
             options: argparse.Namespace) -> list[Figure]:
    """Seconds a request, one after the other: the first, the others, and what they are made of.

    Beside them the processor time that the server took a request, which other work on the
    machine does not change.
    """
    requests = options.requests
    body = json.dumps({"dataframe_records": [wire.as_sent(case)]}).encode()
    with httpx.Client(timeout=120) as client:
        first = timed(lambda: ask(client, address, body), 1)
        before = process.cpu_times()
        rest = timed(lambda: ask(client, address, body), requests)
        after = process.cpu_times()
    frame = pd.DataFrame(json.loads(body)["dataframe_records"])
    chosen = rca.make(options.ranker)
    parts = {"first": first, "all": rest, "read": timed(lambda: as_case(frame), APART),
             "rank": timed(lambda: chosen.rank(case), APART)}
    rows = sum(map(len, case.tables.values()))
    sizes = [figure(name, "all", "request_bytes", len(body), 1, "byte"),
             figure(name, "all", "rows", rows, 1, "count")]
    taken = (after.user + after.system - before.user - before.system) / requests
    sizes.append(figure(name, "all", "seconds_cpu", taken, requests, "s"))
    return sizes + [figure(name, part, f"seconds_p{at}", float(np.percentile(seconds, at)),
                           len(seconds), "s")
                    for part, seconds in parts.items() for at in (50, 95, 99)]


def figure(dataset: str, part: str, metric: str, value: float, n: int, unit: str) -> Figure:
    return Figure("serve-rank", dataset, rca.DEFAULT, part, metric, value, None, None, n, None,
                  unit)


def ask(client: httpx.Client, address: str, body: bytes) -> None:
    client.post(f"{address}/invocations", content=body,
                headers={"Content-Type": "application/json"}).raise_for_status()


def timed(work: Callable[[], object], times: int) -> list[float]:
    seconds = []
    for _ in range(times):
        begun = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begun)
    return seconds


@contextmanager
def served(ranker: str) -> Iterator[tuple[str, psutil.Process]]:
    """Address and process of `aiops serve` on a ranker, in a store of its own."""
    model = rankers.named(ranker="" if ranker == rca.DEFAULT else ranker)
    with tempfile.TemporaryDirectory() as folder, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        aiops = [sys.executable, "-m", "aiops"]
        store = {**os.environ, "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db"}
        subprocess.run([*aiops, "register-ranker", "--ranker", ranker], env=store, check=True,
                       stdout=sys.stderr)
        with (Path(folder) / "server.log").open("w+") as log:
            server = subprocess.Popen([*aiops, "serve", "--model", model, "--port", str(port)],
                                      env=store, stdout=log, stderr=log)
            try:
                wait(f"http://127.0.0.1:{port}", server, Path(log.name))
                yield f"http://127.0.0.1:{port}", psutil.Process(server.pid)
            finally:
                server.send_signal(signal.SIGTERM)
                server.wait(60)


def wait(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    while server.poll() is None:
        try:
            httpx.get(f"{address}/ping").raise_for_status()
            return
        except httpx.TransportError:
            time.sleep(0.1)
    raise SystemExit(f"the server ended: {log.read_text()}")


def table(figures: list[Figure]) -> list[dict[str, object]]:
    """A row a Case and part."""
    rows: dict[tuple[str, str], dict[str, object]] = {}
    for each in figures:
        if each.unit == "s":
            row = rows.setdefault((each.dataset, each.slice), {
                "case": each.dataset, "part": each.slice, "n": each.n})
            row[each.metric] = each.value
    return list(rows.values())


if __name__ == "__main__":
    main()
