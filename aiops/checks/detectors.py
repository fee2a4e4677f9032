"""The contract of a Detector, as checks that any of them must pass."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
from sklearn.base import clone

from aiops.base import Detector
from aiops.errors import ContractError

Check = tuple[str, Callable[[], None]]
TOLERANCE = 1e-6  # relative; trees cut in 32-bit floats


def detector_checks(model: Detector) -> Iterator[Check]:
    """(name, check) pairs; a check raises ContractError where the model breaks the contract.

    Every check runs for every combination of the model's boolean parameters, on frames as a
    service gives them: several units, a constant column, nulls, an anomaly planted in the
    second half of the part to be scored.
    """
    for variant, flags in _variants(model):
        for check in CHECKS:
            name = check.__name__.strip("_")
            yield f"{name}[{flags}]" if flags else name, _bind(check, variant)


def _bind(check: Callable[[Detector], None], model: Detector) -> Callable[[], None]:
    return lambda: check(clone(model))


def _variants(model: Detector) -> Iterator[tuple[Detector, str]]:
    names = [k for k, v in model.get_params(deep=False).items() if isinstance(v, bool)]
    for values in itertools.product([False, True], repeat=len(names)):
        flags = dict(zip(names, values, strict=True))
        yield clone(model).set_params(**flags), ",".join(f"{k}={v}" for k, v in flags.items())


def frames(seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
    """(train, test, labels): 300 and 200 windows of five columns, an event at 120 to 139."""
    rng = np.random.default_rng(seed)
    base = rng.normal(size=(500, 5)) * [20.0, 5.0, 0.01, 1e6, 0.0]
    base += [100.0, 30.0, 0.05, 2e8, 3.0]
    base[420:440, :3] += np.array([80.0, 60.0, 0.2])
    base[rng.random(base.shape) < 0.02] = np.nan
    index = pd.date_range("2026-01-05", periods=500, freq="5s", tz="UTC", name="window_start")
    columns = ["request_rate_per_s", "latency_p99_ms", "error_rate", "memory_bytes", "log_count"]
    frame = pd.DataFrame(base, index=index, columns=columns)
    labels = np.zeros(200, dtype=bool)
    labels[120:140] = True
    return frame.iloc[:300], frame.iloc[300:], labels


def _equal(got: np.ndarray, wanted: np.ndarray, what: str) -> None:
    off = np.max(np.abs(got - wanted), initial=0.0)
    if off > TOLERANCE * max(1.0, np.max(np.abs(wanted), initial=0.0)):
        raise ContractError(f"{what}: scores must stay equal. Got a difference of {off:.3g}.")


def _form(model: Detector) -> None:
    train, test, _ = frames()
    scores = model.fit(train).score(test)
    if not isinstance(scores, np.ndarray) or scores.dtype != np.float64:
        raise ContractError(f"score must return a float64 array. Got {type(scores).__name__}.")
    if scores.shape != (len(test),):
        raise ContractError(f"score must have shape ({len(test)},). Got {scores.shape}.")
    if not np.isfinite(scores).all():
        raise ContractError("score must be finite, also where cells are null.")


def _causal(model: Detector) -> None:
    train, test, _ = frames()
    whole = model.fit(train).score(test)
    for rows in (1, 60, 119, 125, 199):
        _equal(model.score(test.iloc[:rows]), whole[:rows], f"future cut off after {rows} windows")


def _orientation(model: Detector) -> None:
    train, test, labels = frames()
    scores = model.fit(train).score(test)
    higher = (scores[labels][:, None] > scores[~labels][None, :]).mean()
    if higher < 0.9:
        raise ContractError(
            "A planted anomaly must score higher than normal windows in 90 % of pairs. "
            f"Got {higher:.0%}.")


def _scale(model: Detector) -> None:
    train, test, _ = frames()
    wanted = model.fit(train).score(test)
    for column in train.columns:
        factor = dict.fromkeys(train.columns, 1.0) | {column: 1e6}
        _equal(clone(model).fit(train * factor).score(test * factor), wanted, f"{column} x 1e6")


def _offset(model: Detector) -> None:
    train, test, _ = frames()
    wanted = model.fit(train).score(test)
    for column in train.columns:
        moved = dict.fromkeys(train.columns, 0.0) | {column: 1e4}
        _equal(clone(model).fit(train + moved).score(test + moved), wanted, f"{column} + 1e4")


def _column_order(model: Detector) -> None:
    train, test, _ = frames()
    wanted = model.fit(train).score(test)
    turned = list(train.columns[::-1])
    _equal(model.score(test[turned]), wanted, "columns of the scored frame turned round")
    _equal(clone(model).fit(train[turned]).score(test), wanted, "columns of train turned round")


def _names(model: Detector) -> None:
    train, test, _ = frames()
    wanted = model.fit(train).score(test)
    names = dict(zip(train.columns, ["e", "d", "c", "b", "a"], strict=True))
    renamed = clone(model).fit(train.rename(columns=names))
    _equal(renamed.score(test.rename(columns=names)), wanted, "columns renamed")


def _time(model: Detector) -> None:
    train, test, _ = frames()
    wanted = model.fit(train).score(test)
    later = pd.Timedelta(days=9, hours=7)
    moved = clone(model).fit(train.set_axis(train.index + later))
    _equal(moved.score(test.set_axis(test.index + later)), wanted, "all windows moved in time")


def _position(model: Detector) -> None:
    """Usual windows, then one odd one among them: only counting would tell where it stands."""
    train, test, _ = frames()
    usual = pd.DataFrame([train.median()] * len(test), index=test.index)
    scores = model.fit(train).score(usual)
    _equal(scores, np.full(len(usual), scores[0]), "one window over and over")
    places = range(2, len(usual), 4)  # every fault lasts longer
    odd = np.array([model.score(_with_odd(usual, train, place))[place] for place in places])
    _equal(odd, np.full(len(odd), odd[0]), "one odd window, wherever it stands")


def _with_odd(usual: pd.DataFrame, train: pd.DataFrame, place: int) -> pd.DataFrame:
    frame = usual.copy()
    frame.iloc[place] = train.median() + 6 * train.std()
    return frame


def _no_mutation(model: Detector) -> None:
    train, test, _ = frames()
    before = train.copy(), test.copy()
    model.fit(train).score(test)
    if not (train.equals(before[0]) and test.equals(before[1])):
        raise ContractError("fit and score must not change their input.")


def _refit(model: Detector) -> None:
    train, test, _ = frames()
    other = frames(seed=1)[0]
    wanted = model.fit(train).score(test)
    _equal(clone(model).fit(train).score(test), wanted, "a clone, fitted")
    _equal(model.fit(other).fit(train).score(test), wanted, "fitted on another frame in between")


def _nulls(model: Detector) -> None:
    train, test, _ = frames()
    empty = test.copy()
    empty.iloc[5] = np.nan
    empty["latency_p99_ms"] = np.nan
    unseen = train.copy()
    unseen["error_rate"] = np.nan
    for scores in (model.fit(train).score(empty), model.fit(unseen).score(test)):
        if not np.isfinite(scores).all():
            raise ContractError("Empty rows and columns must give finite scores.")


CHECKS = (_form, _causal, _orientation, _scale, _offset, _column_order, _names, _time,
          _position, _no_mutation, _refit, _nulls)
