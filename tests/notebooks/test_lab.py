"""Every notebook opens clean in JupyterLab and runs there, in headless Chromium."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import nbformat
import papermill
import psutil
import pytest
from nbformat.v4 import new_notebook

from tests.notebooks import lab
from tests.notebooks.devtools import Page, chromium
from tests.notebooks.processes import running, wait

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
QUICK = "01-explore-telemetry.ipynb"  # the one that `make test` runs
PICTURES = re.compile(r"plots\.(?!enable|to_|typical_|slowest_)\w+\(|pictures\["
                      r"|pictures\.\w+\(|incidents\.evidence\(")
FEW = {"systems": 12, "incidents": 1, "networks": 1, "epochs": 2, "judged": "", "curve": "4 8"}


@pytest.fixture(scope="session")
def program() -> str:
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("no chromium on this machine. Install it: make apt")
    return found


@pytest.fixture(scope="session")
def parameters(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Parameters that notebooks need the pipeline for, made of the small bundled set."""
    from aiops.workflows import stages, train

    dataset, made = ROOT / "datasets" / "shop-trial", tmp_path_factory.mktemp("made")
    stages.ingest(dataset / "recordings", made / "lake")
    stages.featurize(made / "lake", made, 5, dataset=dataset)
    train.train(made, made / "model", "robust-z")
    return {"dataset": str(dataset), "features": str(made), "model": str(made / "model"),
            "out": str(made / "out")}


def parameterized(source: Path, parameters: dict[str, Any]) -> nbformat.NotebookNode:
    """A notebook that takes ``features`` gets the parameters that it knows, one that trains on
    made systems few of them; others none."""
    book = nbformat.read(source, 4)
    known = papermill.inspect_notebook(str(source))
    if "systems" in known:
        parameters = {**FEW, "folder": f"{parameters['out']}-made"}
    elif "features" not in known:
        return book
    cell = next(c for c in book.cells if "parameters" in c.metadata.get("tags", []))
    cell.source += "".join(f"\n{k} = {v!r}" for k, v in parameters.items() if k in known)
    return book


@dataclass(frozen=True)
class Screen:
    page: Page
    server: str
    shots: Path


@pytest.fixture(scope="session")
def screen(program: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Screen]:
    """One server and one browser for all notebooks; copies, as Lab saves what it ran."""
    folder = tmp_path_factory.mktemp("lab")
    shutil.copytree(ROOT / "notebooks", folder / "notebooks",
                    ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    with lab.server(folder / "notebooks", folder) as url, chromium(program, folder) as page:
        yield Screen(page, url, folder)


def expected_pictures(name: str) -> int:
    """How many pictures its cells draw."""
    book = nbformat.read(ROOT / "notebooks" / name, 4)
    return sum(len(PICTURES.findall(c.source)) for c in book.cells if c.cell_type == "code")


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", [
    name if name == QUICK else pytest.param(name, marks=pytest.mark.full) for name in NOTEBOOKS])
def test_a_notebook_opens_clean_and_runs_all_cells(
        screen: Screen, name: str, request: pytest.FixtureRequest) -> None:
    if name != QUICK:
        given = parameterized(ROOT / "notebooks" / name, request.getfixturevalue("parameters"))
        nbformat.write(given, screen.shots / "notebooks" / name)
    book = lab.Notebook(screen.page, screen.server, name)
    try:
        assert book.nags() == []
        cells = book.run()
        outputs = [output for cell in cells for output in cell["outputs"]]
        assert [o["ename"] + ": " + o["evalue"] for o in outputs if o["output_type"] == "error"] \
            == []
        said = "".join(o["text"] for o in outputs if o.get("name") == "stderr").split("\n")
        assert [line for line in said if re.search("warn|error", line, re.IGNORECASE)] == []
        assert [cell["count"] for cell in cells] == list(range(1, len(cells) + 1))
        pictures = [o for o in outputs if "image/png" in o.get("data", {})]
        assert len(pictures) == expected_pictures(name) > 0
        within = sum("".join(o.get("data", {}).get("text/html", "")).count("<img")
                     for o in outputs)  # an answer that shows itself holds its picture
        widths = book.image_widths(len(pictures) + within)
        assert len(widths) == len(pictures) + within
        assert min(widths) > 1000
        screen.page.screenshot(screen.shots / f"{Path(name).stem}.png")
        assert book.nags() == []
        assert screen.page.complaints() == []
        assert outside(screen.page.requested(), screen.server) == []
    finally:
        book.shutdown()


def outside(urls: list[str], server: str) -> list[str]:
    """Addresses that are not the server's own."""
    return [url for url in urls if urlsplit(url).scheme not in ("data", "blob")
            and urlsplit(url).netloc != urlsplit(server).netloc]


def test_a_request_to_another_machine_would_be_seen(screen: Screen) -> None:
    screen.page.open("about:blank")
    screen.page.js("fetch('http://192.0.2.1/x', {mode: 'no-cors', "
                   "signal: AbortSignal.timeout(200)}).catch(() => 0)")
    assert outside(screen.page.requested(), screen.server) == ["http://192.0.2.1/x"]


def test_server_kernel_and_browser_are_gone_afterwards(program: str, tmp_path: Path) -> None:
    (tmp_path / "notebooks").mkdir()
    empty = new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    nbformat.write(empty, tmp_path / "notebooks" / "empty.ipynb")
    before = psutil.Process().children(recursive=True)
    with lab.server(tmp_path / "notebooks", tmp_path) as url, chromium(program, tmp_path) as page:
        lab.Notebook(page, url, "empty.ipynb")  # its kernel is left running
        family = [p for p in psutil.Process().children(recursive=True) if p not in before]
        commands = [" ".join(p.cmdline()) for p in family]
        for part in ("jupyterlab", "ipykernel", "chromium"):
            assert any(part in command for command in commands)
    assert [p for p in family if p.is_running() and p.status() != psutil.STATUS_ZOMBIE] == []


def test_what_does_not_heed_a_first_signal_is_killed(tmp_path: Path) -> None:
    ready = tmp_path / "log"
    script = "trap '' TERM; echo ready; while :; do sleep 0.05; done"
    with running(["bash", "-c", script], ready, grace_s=0.5) as process:
        wait(lambda: "ready" in ready.read_text(), 10, "the script")
    assert process.returncode == -9
