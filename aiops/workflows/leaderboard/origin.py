"""By what code, and from what data, figures were made; and whether both are still the same."""

from __future__ import annotations

from dataclasses import dataclass

from aiops.code_version import code_version
from aiops.datasets import Dataset
from aiops.workflows import plan
from aiops.workflows.leaderboard.sets import given, reader_of, version

_JUDGES = ("aiops.workflows.scoring", "aiops.workflows.leaderboard.falls")

OTHER_DATA = "other data"


@dataclass(frozen=True)
class Origin:
    """What decides the figures of one ranker on one set.

    Args:
        reader: module that reads the set. data: hash of what it reads.
        plain, stressed: versions of the code that ranked (``Asked.version`` less its data);
            stressed is "" where no stress was asked.
        judged: version of the code that made figures of the rankings.
    """

    reader: str
    data: str
    plain: str
    stressed: str
    judged: str


def origin(dataset: Dataset, ranker: str, stressed: bool) -> Origin:
    """Of what is measured now."""
    reader = reader_of(dataset)
    return Origin(reader, given(dataset), _code(ranker, reader, False),
                  _code(ranker, reader, True) if stressed else "", judges())


def judges() -> str:
    """Version of the code that makes figures of rankings."""
    return code_version(["aiops.evaluation.ranking"], alone=_JUDGES)


def changed(of: Origin, ranker: str, data: str | None, before: str = "") -> str:
    """What is other here than when the figures were made, in words; "": nothing.

    Args:
        data: hash of the set here; None: it is not here, and what ``before`` says of data stands.
    """
    code = of.plain != _code(ranker, of.reader, False) or (
        of.stressed not in ("", _code(ranker, of.reader, True)))
    differs = OTHER_DATA in before if data is None else of.data != data
    told = {"other code": code, OTHER_DATA: differs, "judged by other code": of.judged != judges()}
    return ", ".join(words for words, so in told.items() if so)


def _code(ranker: str, reader: str, stressed: bool) -> str:
    """Of the ranker and of its parts, which may be of modules of their own."""
    modules = {type(entry.model).__module__ for entry in plan.entries([ranker])}
    return "+".join(sorted({version(module, reader, stressed) for module in modules}))
