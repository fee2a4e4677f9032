import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from aiops.testbed import load
from aiops.testbed.journeys import schedule


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    stall_from, stall_s, status = 0.0, 0.0, 200

    def answer(self):
        length = int(self.headers.get("content-length") or 0)
        self.rfile.read(length)
        late = type(self).stall_from + type(self).stall_s - time.time()
        if 0 < late <= type(self).stall_s:
            time.sleep(late)
        self.send_response(type(self).status)
        self.send_header("content-length", "0")
        self.end_headers()

    do_GET = do_POST = answer

    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):  # the generator may hang up first
        pass


@pytest.fixture
def shop():
    handler = type("Shop", (Handler,), {})
    server = Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield handler, server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


def settings(port, seconds=3.0, start_in=1.5, **more):
    return load.Settings(port, 7, seconds, time.time() + start_in, **more)


def test_every_request_drawn_is_sent_and_answered(shop, tmp_path):
    told = settings(shop[1])
    records = load.Load(told, tmp_path / "load.json").start().wait()
    drawn = [r for session in schedule(7, 3.0) for r in session]
    assert sorted(records["route"]) == sorted(r.route for r in drawn)
    assert (records["outcome"] == "answered").all()
    assert not records["failed"].any()
    assert load.summary(records)["outcomes"]["answered"] == len(drawn)


def test_a_stall_counts_from_the_due_time(shop, tmp_path):
    told = settings(shop[1], seconds=4.0)
    shop[0].stall_from, shop[0].stall_s = told.start_at + 1, 1.5
    records = load.Load(told, tmp_path / "load.json").start().wait()
    due = (records["due"].astype("int64") / 1e9) - told.start_at
    stalled = records[(due > 1.05) & (due < 2.2)]
    # whoever was due during the stall waited until its end, not merely its own request's time
    waited = stalled["latency_ms"] / 1e3 + due[stalled.index]
    assert len(stalled)
    assert (waited > 2.4).all()


def test_refusals_timeouts_and_errors_are_told_apart(shop, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        refused = load.Load(settings(free.getsockname()[1], seconds=1.0), tmp_path / "r").start()
        assert set(refused.wait()["outcome"]) == {"refused"}
    shop[0].status = 503
    broken = load.Load(settings(shop[1], seconds=1.0), tmp_path / "b").start().wait()
    assert broken["failed"].all()
    assert set(broken["status"]) == {503}
    shop[0].stall_from, shop[0].stall_s = time.time(), 6.0
    slow = load.Load(settings(shop[1], seconds=1.0, timeout_s=0.3), tmp_path / "t").start().wait()
    assert set(slow["outcome"]) == {"timeout"}
    assert slow["failed"].all()


def test_stop_leaves_no_process(shop, tmp_path):
    running = load.Load(settings(shop[1], seconds=60), tmp_path / "x").start()
    running.stop()
    assert running._process.poll() is not None
