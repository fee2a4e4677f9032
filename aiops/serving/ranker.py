"""A ranker as MLflow serves it: a Case's tables in, one row a suspect out."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import pandas as pd
import pyarrow as pa
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INTERNAL_ERROR
from mlflow.pyfunc import PythonModel, PythonModelContext

from aiops import schema
from aiops.case import TABLES, Case
from aiops.errors import CaseError, InputError
from aiops.evaluation.ranking import ranks, stated
from aiops.serving import times
from aiops.tracking import ranker_file
from aiops.tracking.rankers import KIND
from aiops.tracking.wire import FIELDS

log = logging.getLogger(__name__)


class ServedRanker(PythonModel):
    """Ranks the suspects of one Case a request (its form: ``aiops.tracking.wire``)."""

    def load_context(self, context: PythonModelContext) -> None:
        """Open the ranker's file; anything but JSON of our own form is refused."""
        path = context.artifacts[KIND]
        self.ranker = ranker_file.load_file(path)
        if not ranker_file.same_code(path):
            log.warning("this ranker was registered by other code than it ranks by now: the "
                        "figures of its run do not hold. Register it again.")

    def predict(self, context: PythonModelContext, model_input: pd.DataFrame,
                params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Rows of suspect, blame, rank, confidence, abstains, the most blamed first.

        A bad Case raises status 400, a ranker that fails on a good one 500.
        """
        try:
            return answer(self.ranker.rank(case := as_case(model_input)), case)
        except InputError as error:
            raise MlflowException.invalid_parameter_value(str(error)) from error
        except Exception as error:
            log.exception("the ranker failed")
            raise MlflowException(f"the ranker failed on this Case: {error!r}. The Case is well "
                                  "formed: this is a fault of the ranker's. Please report it.",
                                  INTERNAL_ERROR) from error


def answer(blame: pd.Series, case: Case) -> pd.DataFrame:
    """One row a suspect: rank 1 is most blamed, ties share their mean rank.

    ``confidence`` (0 to 1, that the first is a culprit) and ``abstains`` are the same in all
    rows, null where the ranker states none.
    """
    sure, abstains = stated(blame)
    rank = ranks(blame, case.suspects).sort_values(kind="stable")
    made = pd.DataFrame({"suspect": rank.index, "rank": rank.to_numpy(dtype=float),
                         "blame": blame.reindex(rank.index).to_numpy(dtype=float)})
    made = made.assign(confidence=pd.Series([sure] * len(made), dtype=object),
                       abstains=pd.Series([abstains] * len(made), dtype=object))
    return made[["suspect", "blame", "rank", "confidence", "abstains"]]


# --- a Case of what was sent -------------------------------------------------------------------
def as_case(given: pd.DataFrame) -> Case:
    """The one Case of a request.

    Raises:
        InputError: says what of it is no Case, what was got, and what is allowed.
    """
    if len(given) != 1:
        raise InputError(f"a request holds one Case, one record. Got {len(given)} records. Send "
                         "a request for each.")
    sent = {name: given[name].iloc[0] for name in FIELDS if name in given}
    sent = {name: value for name, value in sent.items() if not _null(value)}
    fields = {name: value for name, value in sent.items() if name not in TABLES}
    if "suspects" in fields:
        fields["suspects"] = _suspects(fields["suspects"])
    return Case(**fields, **{name: table(name, sent[name]) for name in TABLES if name in sent})


def _null(value: Any) -> bool:
    return value is None or value is pd.NaT or (isinstance(value, float) and value != value)


def _suspects(given: Any) -> list[str]:
    if not isinstance(given, list) or not all(isinstance(each, str) and each for each in given):
        raise CaseError(f"suspects must be a list of names. Got {_short(given)}. Leave it out, "
                        "and all services seen are.")
    return given


def table(name: str, given: Mapping[str, Any]) -> pd.DataFrame:
    """A table of a Case from its columns, each a list; a column that is null is left out."""
    columns = {column: values for column, values in given.items() if values is not None}
    for column, values in columns.items():
        if not isinstance(values, list):
            raise CaseError(f"{name}.{column} must be a list, a cell a row. Got {_short(values)}.")
    lengths = {column: len(values) for column, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise CaseError(f"the columns of {name} must be of one length. Got {lengths}.")
    kinds = schema.CASE[name]
    return pd.DataFrame({column: _column(f"{name}.{column}", values, kinds.field(column).type)
                         for column, values in columns.items()})


def _column(what: str, values: list[Any], kind: pa.DataType) -> pd.Series:
    if pa.types.is_timestamp(kind):
        return _times(what, _only(what, values, (str,), f"RFC 3339, like {times.EXAMPLE!r}"))
    if pa.types.is_map(kind):
        return pd.Series([each if each is None else list(each.items()) for each in _only(
            what, values, (dict,), "objects of text")], dtype=object)
    if pa.types.is_string(kind):
        return pd.Series(_only(what, values, (str,), "text"), dtype="str")
    return pd.Series(_only(what, values, (int, float), f"numbers ({kind})"),
                     dtype=None if values else float)


def _only(what: str, values: list[Any], kinds: tuple[type, ...], allowed: str) -> list[Any]:
    """The cells, each of one of these types (bool is no int) or null."""
    if strange := set(map(type, values)) - {*kinds, type(None)}:
        at = next(row for row, value in enumerate(values) if type(value) in strange)
        raise CaseError(f"{what} must hold {allowed}, or null where it may be empty. Got "
                        f"{_short(values[at])} in row {at} (from 0).")
    return values


def _times(what: str, values: list[Any]) -> pd.Series:
    given = pd.Series(values, dtype=object)
    found = times.parsed(given)
    bad = (found.isna() & given.notna()).to_numpy()
    if bad.any():
        at = int(bad.argmax())
        raise CaseError(f"{what} must hold times of RFC 3339 with their offset, like "
                        f"{times.EXAMPLE}. Got {_short(values[at])} in row {at} (from 0), one of "
                        f"{int(bad.sum())}.")
    return found


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
