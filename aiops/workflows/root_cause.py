"""One incident explained from its files: read, ranked, told as a page."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from pathlib import Path

from sklearn.base import clone

from aiops import datasets, rca
from aiops.base import Ranker
from aiops.case import Case
from aiops.datasets import Dataset, folder
from aiops.datasets.dataset import Truth
from aiops.errors import InputError, UsageError
from aiops.rca import Explanation
from aiops.workflows import whole

CSS = Path(__file__).parent / "report_template" / "report.css"


@dataclass(frozen=True)
class Incident:
    """A Case by name, with the past incidents of its system."""

    name: str
    case: Case
    history: list[Case] = field(default_factory=list)
    culprits: list[list[str]] = field(default_factory=list)  # of each of the history


def from_folder(path: Path) -> Incident:
    """The Case in a folder; history and shared normal time are looked for beside it.

    Raises:
        UsageError: no Case there. CaseError: one that cannot be read.
    """
    if not (path / "case.json").is_file():
        raise UsageError(f"{path} is no Case: it has no case.json. Give the folder of one Case "
                         "(docs/bench-rca.md tells how to make it), or --incident ID --dataset "
                         "NAME.")
    root = path.resolve().parent
    name, case = folder.read_case(path, root / "normal")
    history = root / "history"
    return Incident(name, case, *_past(dict(folder.read_cases(history, root)),
                                       folder.read_truth(history)))


def from_dataset(name: str, target: str) -> Incident:
    """The incident of this id in a data set.

    Raises:
        UsageError: no such data set, or no such incident in it.
    """
    found: Dataset = datasets.load(target)
    known = list(found.readers())
    if name not in known:
        few = ", ".join(known[:8]) + (", …" if len(known) > 8 else "")
        raise UsageError(f"The data set {target} has no incident {name!r}. "
                         f"It has {len(known)}: {few or 'none'}.")
    return Incident(*found.case(name), *_past(dict(found.history()), found.history_truth))


def _past(cases: dict[str, Case], truth: Truth) -> tuple[list[Case], list[list[str]]]:
    return list(cases.values()), [truth.get(name, {}).get("culprits", []) for name in cases]


def ranker(name: str) -> Ranker:
    """A ranker by name.

    Raises:
        UsageError: no such ranker, or one that must be fitted on what it ranks.
    """
    model = rca.make(name)
    if model.hindsight:
        able = [each for each, kind in rca.RANKERS.items() if not kind.hindsight]
        raise UsageError(f"The ranker {name} is fitted on the very incidents that it ranks, "
                         f"with their causes: a yardstick of the bench. Use one of "
                         f"{', '.join(able)}.")
    return model


def explain(incident: Incident, model: Ranker, shown: int = 5) -> Explanation:
    """Rank and explain; the ranker has seen the past incidents, with labels if it uses them."""
    return rca.explain(incident.case, _fitted(model, incident), shown)


def _fitted(model: Ranker, incident: Incident) -> Ranker:
    if not model.uses_labels:
        return clone(model).fit(incident.history) if incident.history else model
    told = [(case, names) for case, names in zip(incident.history, incident.culprits, strict=True)
            if names]
    if not told:
        return model  # it says itself what it lacks
    return clone(model).fit([case for case, _ in told], [names for _, names in told])


def write_page(told: Explanation, incident: Incident, by: str, path: Path) -> None:
    """Write a page of HTML that needs nothing else; whole, or not at all.

    Raises:
        InputError: no file can be written there.
    """
    start, end = told.case.abnormal
    about = {"ranker": by, "incident (UTC)": f"{start:%Y-%m-%d %H:%M:%S} to {end:%H:%M:%S}",
             "suspects": str(len(told.ranks)), "tables": ", ".join(told.case.tables)}
    meta = "".join(f"<span><b>{html.escape(key)}</b> {html.escape(value)}</span>"
                   for key, value in about.items())
    title = html.escape(f"Root cause of {incident.name}")
    page = (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>\n'
        f"<style>\n{CSS.read_text()}</style></head>\n<body><main><h1>{title}</h1>\n"
        f'<div class="meta">{meta}</div>\n{told._repr_html_()}\n</main></body></html>\n')
    try:
        whole.write(path, page.encode())
    except OSError as error:
        raise InputError(f"The page {path} cannot be written: {error.strerror}. Name a file in a "
                         "folder that takes new files.") from error
