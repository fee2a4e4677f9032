"""The contract of a model, as checks that any of them must pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from aiops.base import Detector, Ranker
from aiops.errors import InputError

__all__ = ["yield_checks"]

Check = tuple[str, Callable[[], None]]


def yield_checks(model: Detector | Ranker) -> Iterator[Check]:
    """(name, check) pairs; a check raises ContractError where the model breaks the contract."""
    if isinstance(model, Detector):
        from aiops.checks.detectors import detector_checks

        yield from detector_checks(model)
    elif isinstance(model, Ranker):
        from aiops.checks.rankers import ranker_checks

        yield from ranker_checks(model)
    else:
        raise InputError("The model parameter of yield_checks must be a Detector or a Ranker. "
                         f"Got {type(model).__name__} instead.")
