"""Run notebooks with parameters, make reports of them, keep them clean in git.

A run leaves an executed copy and a self-contained HTML report, also when a cell failed:
the report then says that the run stopped, and ``NotebookError`` tells where.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from aiops import datasets
from aiops.datasets.version import dataset_version
from aiops.errors import AiopsError, InputError, UsageError
from aiops.workflows import whole
from aiops.workflows.places import CLONE

TEMPLATE = Path(__file__).parent / "report_template"
_NOTEBOOK_KEYS = frozenset({"kernelspec", "language_info", "title"})
_CELL_KEYS = frozenset({"tags", "alt"})


class NotebookError(AiopsError):
    """A cell of a notebook failed; the message names notebook, cell and error."""


@dataclass(frozen=True)
class Run:
    """What a run left behind."""

    notebook: Path
    report: Path
    parameters: dict[str, Any]


def run(notebook: Path | str, out: Path | str, parameters: Mapping[str, Any] | None = None,
        timeout_s: int = 1800) -> Run:
    """Execute ``notebook`` into the folder ``out``, as ``<name>.ipynb`` and ``<name>.html``.

    Raises:
        UsageError, InputError: as ``check_parameters``.
        NotebookError: a cell failed; both files are there all the same.
    """
    import papermill
    from papermill.exceptions import PapermillExecutionError

    source, given = Path(notebook), dict(parameters or {})
    check_parameters(source, given)
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    copy_to, page = folder / source.name, folder / f"{source.stem}.html"
    failure: PapermillExecutionError | None = None
    try:
        papermill.execute_notebook(
            str(source), str(copy_to), given, kernel_name="python3", progress_bar=False,
            execution_timeout=timeout_s, kernel_manager_class=_quiet_kernel())
    except PapermillExecutionError as error:
        failure = error
    _tell(copy_to, _declared(source) | given)
    report(copy_to, page)
    if failure is not None:
        raise NotebookError(
            f"{source.name} stopped at In[{failure.exec_count}] with {failure.ename}: "
            f"{failure.evalue}. The report with the traceback is {page}.") from failure
    return Run(copy_to, page, given)


def _quiet_kernel() -> type:
    """Kernels behind a Unix socket: nobody else on the machine reaches them."""
    from jupyter_client.manager import AsyncKernelManager

    class IpcKernelManager(AsyncKernelManager):
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**{"transport": "ipc", **kwargs})

    return IpcKernelManager


def check_parameters(notebook: Path, given: Mapping[str, Any]) -> None:
    """Refuse a notebook that cannot be run so.

    Raises:
        UsageError: it is not there, or does not declare a given parameter.
        InputError: the file is no notebook.
    """
    import papermill

    if not notebook.is_file():
        near = sorted(p.name for p in notebook.parent.glob("*.ipynb"))
        raise UsageError(f"no notebook {notebook}. In that folder: {', '.join(near) or 'none'}.")
    try:
        known = papermill.inspect_notebook(str(notebook))
    except (AttributeError, TypeError, ValueError, nbformat.ValidationError) as error:
        raise InputError(f"{notebook} is no notebook: {error}") from error
    if unknown := sorted(set(given) - set(known)):
        raise UsageError(f"{notebook.name} has no parameter {', '.join(unknown)}. "
                         f"It takes: {', '.join(known) or 'none'}.")


def _declared(notebook: Path) -> dict[str, Any]:
    """Parameters as the notebook itself sets them, where that is a literal."""
    import papermill

    out = {}
    for name, about in papermill.inspect_notebook(str(notebook)).items():
        with suppress(ValueError, SyntaxError):
            out[name] = ast.literal_eval(about["default"])
    return out


def _tell(notebook: Path, parameters: dict[str, Any]) -> None:
    """Write into an executed copy what the report says of its making."""
    book = nbformat.read(str(notebook), as_version=4)
    book.metadata["aiops"] = {"parameters": parameters, **_data(parameters.get("dataset")),
                              **_code()}
    whole.write(notebook, nbformat.writes(book).encode())


def _data(name: Any) -> dict[str, str]:
    """The version of a recorded data set: DVC's hash of its files as they are."""
    if not isinstance(name, str):
        return {}
    try:
        recordings = datasets.load(name).raw
        return {"data": dataset_version(recordings)[:12]} if recordings.is_dir() else {}
    except AiopsError:  # the parameter means something else, or the run has said what is wrong
        return {}


def _code() -> dict[str, str]:
    """The commit of the clone, and whether files differ from it."""
    from aiops.tracking.provenance import git_state

    state = git_state(CLONE)
    if "git.dirty" not in state:
        return {}  # no clone, or no git: nothing to tell
    changed = " with changes" if state["git.dirty"] == "true" else ""
    return {"code": state["git.commit"][:9] + changed}


def report(notebook: Path | str, page: Path | str) -> Path:
    """Write an executed notebook as one HTML file that asks nothing of the network."""
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(template_name=TEMPLATE.name,
                            extra_template_basedirs=[str(TEMPLATE.parent)])
    body, _ = exporter.from_notebook_node(_described(nbformat.read(str(notebook), as_version=4)))
    whole.write(Path(page), body.encode())
    return Path(page)


def _described(book: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Give each picture its title as alternative text, where the figure told it."""
    for cell in book.cells:
        for output in cell.get("outputs", []):
            alt = output.get("metadata", {}).get("alt")
            if alt and "alt" not in cell.metadata:
                cell.metadata["alt"] = alt
    return book


# --- clean in git ------------------------------------------------------------------------
def faults(notebook: Path | str) -> list[str]:
    """What must not be committed: outputs, run counts, metadata of tools. Empty when clean."""
    book = nbformat.read(str(notebook), as_version=4)
    found = [f"notebook metadata {key}" for key in sorted(set(book.metadata) - _NOTEBOOK_KEYS)]
    for i, cell in enumerate(book.cells, 1):
        found += [f"cell {i}: metadata {key}" for key in sorted(set(cell.metadata) - _CELL_KEYS)]
        if cell.get("outputs"):
            found.append(f"cell {i}: outputs")
        if cell.get("execution_count") is not None:
            found.append(f"cell {i}: execution count")
    return found


def clean(notebook: Path | str) -> bool:
    """Strip a notebook in place, cell ids kept; true when that changed it."""
    path = Path(notebook)
    book = nbformat.read(str(path), as_version=4)
    before = copy.deepcopy(book)
    book.metadata = _only(book.metadata, _NOTEBOOK_KEYS)
    for cell in book.cells:
        cell.metadata = _only(cell.metadata, _CELL_KEYS)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    if book != before:
        whole.write(path, (nbformat.writes(book) + "\n").encode())
    return bool(book != before)


def _only(metadata: nbformat.NotebookNode, keys: frozenset[str]) -> nbformat.NotebookNode:
    return nbformat.NotebookNode({k: v for k, v in metadata.items() if k in keys})
