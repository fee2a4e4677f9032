"""Open-loop load on the shop, from a process of its own.

Latency counts from the moment a request was due, not from when it could be sent: a shop
that stands still for three seconds shows three seconds, whatever the users waited for.
Timeouts and refusals are counted apart, and the generator's own lateness is recorded.
"""

import asyncio
import ctypes
import json
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiops.errors import TestbedError
from aiops.testbed.journeys import Request, schedule
from aiops.testbed.priority import raise_session

if TYPE_CHECKING:
    import aiohttp
    import pandas as pd

OUTCOMES = ("answered", "timeout", "refused", "broken")
HEADROOM_S = 0.8  # the generator's own start-up, before the first request is due
_DRAIN_S = 10.0


@dataclass(frozen=True)
class Settings:
    """What the generator process is told."""

    port: int
    seed: int
    seconds: float
    start_at: float  # Unix seconds at which the schedule's second 0 lies
    requests_per_s: float = 10.0
    offset_s: float = 0.0
    timeout_s: float = 6.0
    drop_after_s: float = 10.0  # a session that late gives up


class Load:
    """A generator running beside the shop; ``wait`` gives its records.

    Start it from the main thread: it ends when the thread that started it does.
    """

    def __init__(self, settings: Settings, out: Path) -> None:
        self.settings, self.out = settings, out
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Load":
        command = [sys.executable, "-m", __name__, str(self.out), json.dumps(asdict(self.settings))]
        self._process = subprocess.Popen(command, start_new_session=True)
        return self

    @property
    def pid(self) -> int:
        assert self._process is not None, "start() first"
        return self._process.pid

    def wait(self) -> "pd.DataFrame":
        """Records of all requests, once the schedule is over (see ``read``)."""
        assert self._process is not None, "start() first"
        end = self.settings.start_at + self.settings.seconds + _DRAIN_S + 10
        code = self._process.wait(max(5.0, end - time.time()))
        if code:
            raise TestbedError(f"The load generator ended with code {code}; it says why above.")
        return read(self.out)

    def stop(self) -> None:
        """End the generator at once; its records are lost."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()


def read(path: Path) -> "pd.DataFrame":
    """Records: due, started, ended (UTC), route, status (0: none), outcome, latency_ms, failed.

    ``failed`` is what a user would call so: no answer, or a status of 400 and more.
    """
    import pandas as pd

    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    raw = json.loads(path.read_text())
    frame = pd.DataFrame(raw["records"], columns=["due", "started", "ended", "route", "status",
                                                  "outcome"])
    for column in ("due", "started", "ended"):
        seconds = frame[column] + raw["start_at"]
        frame[column] = pd.to_datetime((seconds * 1e6).round().astype("int64"), unit="us",
                                       utc=True).dt.as_unit("ns")
    frame["latency_ms"] = (frame["ended"] - frame["due"]).dt.total_seconds() * 1e3
    frame["failed"] = (frame["outcome"] != "answered") | (frame["status"] >= 400)
    return frame.sort_values("due", ignore_index=True)


def summary(records: "pd.DataFrame") -> dict[str, Any]:
    """Requests, outcomes, latency quantiles and the generator's lateness, for the record."""
    late = (records["started"] - records["due"]).dt.total_seconds() * 1e3
    return {
        "requests": len(records),
        "outcomes": {name: int((records["outcome"] == name).sum()) for name in OUTCOMES},
        "failed_share": round(float(records["failed"].mean()), 4),
        "latency_p50_ms": round(float(records["latency_ms"].quantile(0.5)), 1),
        "latency_p95_ms": round(float(records["latency_ms"].quantile(0.95)), 1),
        "lateness_p99_ms": round(float(late.quantile(0.99)), 1),
        "lateness_max_ms": round(float(late.max()), 1),
    }


async def _send(session: "aiohttp.ClientSession", settings: Settings,
                request: Request) -> tuple[int, str]:
    import aiohttp

    url = f"http://127.0.0.1:{settings.port}{request.path}"
    headers = {"x-user": str(request.user)}
    try:
        async with session.request(request.method, url, json=request.body,
                                   headers=headers) as answer:
            await answer.read()
            return answer.status, "answered"
    except TimeoutError:
        return 0, "timeout"
    except aiohttp.ClientConnectorError:
        return 0, "refused"
    except (aiohttp.ClientError, OSError):
        return 0, "broken"


async def _follow(session: "aiohttp.ClientSession", settings: Settings,
                  requests: list[Request], records: list[tuple[Any, ...]]) -> None:
    """One user's session: each step at its time, or as soon as the step before lets go."""
    for request in requests:
        await asyncio.sleep(max(0.0, settings.start_at + request.at - time.time()))
        started = time.time() - settings.start_at
        status, outcome = await _send(session, settings, request)
        ended = time.time() - settings.start_at
        records.append((request.at, started, ended, request.route, status, outcome))
        if ended - request.at > settings.drop_after_s:
            return


async def run(settings: Settings) -> list[tuple[Any, ...]]:
    """Follow the whole schedule; records of (due, started, ended, route, status, outcome)."""
    import aiohttp

    records: list[tuple[Any, ...]] = []
    sessions = schedule(settings.seed, settings.seconds, settings.requests_per_s,
                        settings.offset_s)
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=20)
    timeout = aiohttp.ClientTimeout(total=settings.timeout_s)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        tasks = []
        for requests in sessions:
            await asyncio.sleep(max(0.0, settings.start_at + requests[0].at - time.time()))
            tasks.append(asyncio.create_task(_follow(session, settings, requests, records)))
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=_DRAIN_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    return records


def main(out: str, settings_json: str) -> None:
    """Entry of the generator process."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: never outlive the recorder
    raise_session()  # its session's, so that its own lateness is not the machine's
    settings = Settings(**json.loads(settings_json))
    records = asyncio.run(run(settings))
    Path(out).write_text(json.dumps({"start_at": settings.start_at, "records": records}))


if __name__ == "__main__":
    main(*sys.argv[1:])
