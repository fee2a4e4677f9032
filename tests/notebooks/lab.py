"""A JupyterLab server of the test's own, and a notebook open in it."""

from __future__ import annotations

import json
import os
import re
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.notebooks.devtools import Page
from tests.notebooks.processes import running, wait

_ROOT = Path(__file__).parents[2]


def flags() -> list[str]:
    """What `make lab` sets, so that it is what is tested."""
    recipe = (_ROOT / "Makefile").read_text().split("\nlab:")[1].split("\n\n")[0]
    return re.findall(r"--LabApp\.\S+", recipe)


@contextmanager
def server(notebooks: Path, folder: Path) -> Iterator[str]:
    """JupyterLab on a free loopback port, all its state in ``folder``; gives its address.

    What notebooks log to MLflow goes to ``folder`` as well.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = folder / "home"
    home.mkdir()
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root",
               f"--ServerApp.root_dir={notebooks}", "--ServerApp.ip=127.0.0.1",
               f"--ServerApp.port={port}", "--ServerApp.port_retries=0",
               "--IdentityProvider.token=", "--LabApp.expose_app_in_browser=True", *flags()]
    environment = {**os.environ, "HOME": str(home), "JUPYTER_CONFIG_DIR": str(home),
                   "JUPYTER_DATA_DIR": str(home / "data"),
                   "JUPYTER_RUNTIME_DIR": str(home / "run"), "IPYTHONDIR": str(home / "ipython"),
                   "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db"}
    url = f"http://127.0.0.1:{port}"
    with running(command, folder / "lab.log", env=environment, cwd=_ROOT):
        wait(lambda: _answers(url), 120, "JupyterLab to answer")
        yield url


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/api/status", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


_FIND = """(window.opened = window.jupyterapp && [...window.jupyterapp.shell.widgets('main')]
    .find(w => w.context && w.context.path == %s))"""
_READY = """(() => { const w = %s; const k = w && w.context.isReady && w.sessionContext.session
    && w.sessionContext.session.kernel;
    return !!k && k.status == 'idle' && k.connectionStatus == 'connected' })()"""
_CELLS = """window.opened.content.widgets.filter(c => c.model.type == 'code').map(c => ({
    count: c.model.executionCount, outputs: c.model.outputs.toJSON()}))"""
_ATTACHED = "document.querySelectorAll('.jp-OutputArea-output img').length"
_IMAGES = """(async () => { const all = [...document.querySelectorAll('.jp-OutputArea-output img')];
    await Promise.all(all.map(i => i.decode().catch(() => 0)));
    return all.map(i => i.naturalWidth) })()"""
_NAGS = """[...document.querySelectorAll('.jp-Dialog, .Toastify__toast')].map(e => e.innerText)"""


class Notebook:
    """One notebook, open in JupyterLab with its kernel ready.

    Only states are awaited: nothing is clicked, and headless no widget has the focus.
    """

    def __init__(self, page: Page, server: str, name: str) -> None:
        self.page, self.name = page, name
        page.open(f"{server}/lab/tree/{name}?reset")
        ready = _READY % (_FIND % json.dumps(name))
        wait(lambda: page.js(ready), 120, f"{name} and its kernel")

    def run(self) -> list[dict[str, Any]]:
        """Run all cells; code cells as {"count", "outputs"}. A failed cell stops the run."""
        self.page.js("window.jupyterapp.shell.activateById(window.opened.id)")
        self.page.js("window.jupyterapp.commands.execute('notebook:run-all-cells')")
        return list(self.page.js(_CELLS))

    def image_widths(self, expected: int) -> list[int]:
        """Pixels of each picture on the page, once all are there; 0 where one does not show.

        Lab attaches a cell far down the page only some time after it was scrolled to.
        """
        self.page.js("window.opened.content.scrollToItem("
                     "window.opened.content.widgets.length - 1)")
        wait(lambda: self.page.js(f"{_ATTACHED} >= {expected}"), 30, f"{expected} pictures")
        return list(self.page.js(_IMAGES))

    def nags(self) -> list[str]:
        """Texts of dialogs and toasts on the screen."""
        return list(self.page.js(_NAGS))

    def shutdown(self) -> None:
        """Save, so that leaving asks for nothing, and end the kernel."""
        self.page.js("window.opened.context.save()")
        self.page.js("window.opened.sessionContext.shutdown()")
