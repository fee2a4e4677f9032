"""Headless Chromium, driven over the DevTools protocol."""

from __future__ import annotations

import base64
import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import websocket

from tests.notebooks.processes import running, wait

_FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
          "--disable-background-networking", "--disable-component-update", "--disable-sync",
          "--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-port=0",
          "--window-size=1300,1000")


class Page:
    """One tab. Events that came meanwhile are kept in ``events``."""

    def __init__(self, url: str) -> None:
        self._socket = websocket.create_connection(url, suppress_origin=True, timeout=600)
        self._number = 0
        self.events: list[dict[str, Any]] = []
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setFocusEmulationEnabled", enabled=True)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and await its result."""
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while (message := json.loads(self._socket.recv())).get("id") != self._number:
            self.events.append(message)
        if "error" in message:
            raise RuntimeError(f"{method}: {message['error']}")
        return message["result"]

    def js(self, code: str) -> Any:
        """The value of an expression; a promise is awaited."""
        made = self.call("Runtime.evaluate", expression=code, awaitPromise=True,
                         returnByValue=True)
        if "exceptionDetails" in made:
            raise RuntimeError(f"{code[:80]}: {made['exceptionDetails']}"[:600])
        return made["result"].get("value")

    def open(self, url: str) -> None:
        """Go to an address; events of the page before are dropped."""
        self.events.clear()
        self.call("Page.navigate", url=url)

    def requested(self) -> list[str]:
        """Addresses that the page asked for, websockets too."""
        self.js("0")  # takes in what has arrived
        return [event["params"]["request"]["url"] if "request" in event["params"] else
                event["params"]["url"] for event in self.events if event.get("method") in
                ("Network.requestWillBeSent", "Network.webSocketCreated")]

    def complaints(self) -> list[str]:
        """Warnings and errors in the console."""
        self.js("0")
        logged = [event["params"]["entry"] for event in self.events
                  if event.get("method") == "Log.entryAdded"]
        return [f"{entry['level']}: {entry['text']}" for entry in logged
                if entry["level"] in ("warning", "error")]

    def screenshot(self, path: Path) -> None:
        """What the window shows, as PNG."""
        shot = self.call("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(shot["data"]))

    def close(self) -> None:
        self._socket.close()


@contextmanager
def chromium(program: str, folder: Path) -> Iterator[Page]:
    """A browser with a profile of its own in ``folder``, and its page."""
    profile = folder / "profile"
    told = profile / "DevToolsActivePort"
    command = [program, *_FLAGS, f"--user-data-dir={profile}", "about:blank"]
    with running(command, folder / "chromium.log"):
        text = wait(lambda: told.exists() and told.read_text(), 60, "Chromium to open its port")
        port = text.split("\n")[0]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json", timeout=60) as answer:
            tabs = json.load(answer)
        page = Page(next(t["webSocketDebuggerUrl"] for t in tabs if t["type"] == "page"))
        try:
            yield page
        finally:
            page.close()
