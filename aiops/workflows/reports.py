"""Notebooks as the pipeline's last stage: executed copies, pages, and what they found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat

from aiops.workflows import notebooks, train, whole


def report(notebook: Path, dataset: Path, out: Path) -> dict[str, Any]:
    """Run a notebook on what the pipeline made, into ``out/reports``.

    Of the folders ``dataset``, ``features``, ``model`` and ``figures`` (of rankers), the trained
    ``detector`` and its ``settings``, ``register`` (false: the pipeline does that) and ``out``,
    a folder for what it writes, it is given those that it declares. The titles of its pictures,
    which say what was found, go to ``<name>.json``: the stage's tracked output, since pages
    carry times.
    """
    import papermill

    notebooks.check_parameters(notebook, {})  # it is there
    declared = papermill.inspect_notebook(str(notebook))
    offered = {"dataset": str(dataset), "features": str(out), "model": str(out / "model"),
               "figures": str(out / "metrics"), "register": False,
               "out": str(out / "reports" / notebook.stem)}
    if "detector" in declared:
        card = train.read_card(out / "model")
        offered |= {"detector": card["detector"], "settings": card["settings"]}
    given = {name: value for name, value in offered.items() if name in declared}
    done = notebooks.run(notebook, out / "reports", given)
    found = {"notebook": notebook.name, "findings": findings(done.notebook)}
    whole.write_json(found, done.report.with_suffix(".json"))
    return {**found, "report": str(done.report)}


def findings(executed: Path) -> list[str]:
    """Titles of an executed notebook's pictures, in order."""
    book = nbformat.read(str(executed), as_version=4)
    shown = [output.get("metadata", {}) for cell in book.cells
             for output in cell.get("outputs", [])]
    titles = [about.get("image/png", about).get("alt") for about in shown]
    return [str(title) for title in titles if title]
