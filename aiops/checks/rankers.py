"""The contract of a Ranker, as checks that any of them must pass."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from aiops.base import Ranker
from aiops.case import Case
from aiops.checks.incident import (
    COLUMNS,
    ENTRY,
    INSTANCES,
    SERVICES,
    alike,
    later,
    made_case,
    made_of_instances,
    recoded,
    renamed,
)
from aiops.checks.watch import watched, watching
from aiops.errors import ContractError

Check = tuple[str, Callable[[], None]]
TOLERANCE = 1e-9  # relative


def ranker_checks(model: Ranker) -> Iterator[Check]:
    """(name, check) pairs, each for every combination of the model's boolean parameters."""
    names = [k for k, v in model.get_params(deep=False).items() if isinstance(v, bool)]
    for values in itertools.product([False, True], repeat=len(names)):
        flags = dict(zip(names, values, strict=True))
        shown = ",".join(f"{k}={v}" for k, v in flags.items())
        for check in CHECKS:
            name = check.__name__.strip("_")
            yield f"{name}[{shown}]" if flags else name, _bind(
                check, clone(model).set_params(**flags))


def _bind(check: Callable[[Ranker], None], model: Ranker) -> Callable[[], None]:
    return lambda: check(clone(model))


def _fitted(model: Ranker) -> Ranker:
    """Past incidents of other culprits; the truth only for who says that labels are used."""
    past = {"cart": made_case(7, "cart"), "ship": made_case(8, "ship")}
    y = [[culprit] for culprit in past] if model.uses_labels else None
    return clone(model).fit(list(past.values()), y)


def _refuse(model: Ranker, what: str) -> None:
    raise ContractError(f"{type(model).__name__} {what}")


def _same(model: Ranker, got: pd.Series, wanted: pd.Series, what: str) -> None:
    if set(got.index) != set(wanted.index) or not np.allclose(
            got.reindex(wanted.index), wanted, rtol=TOLERANCE, atol=TOLERANCE):
        _refuse(model, f"{what}. Got {got.to_dict()}, before {wanted.to_dict()}.")


def _answers_every_suspect_sorted(model: Ranker) -> None:
    case = replace(made_case(), suspects=(*SERVICES, "never-seen"))
    got = _fitted(model).rank(case)
    if not isinstance(got, pd.Series) or got.dtype != np.float64:
        _refuse(model, f"must return a float64 Series. Got {type(got).__name__}.")
    if sorted(got.index) != sorted(case.suspects):
        _refuse(model, f"must rank each suspect once: {case.suspects}. Got {list(got.index)}.")
    if got.isna().any() or not got.is_monotonic_decreasing:
        _refuse(model, f"must give blame highest first, without NaN. Got {got.to_dict()}.")


def _blames_the_planted_culprit(model: Ranker) -> None:
    _must_blame(model, made_case, "checkout", "db", "quote")


def _blames_the_planted_instance(model: Ranker) -> None:
    _must_blame(model, made_of_instances, "checkout-0", "db-1", "quote-1")


def _blames_the_entry_too(model: Ranker) -> None:
    _must_blame(model, made_case, ENTRY)


def _must_blame(model: Ranker, made: Callable[[int, str], Case], *culprits: str) -> None:
    fitted = _fitted(model)
    for seed, culprit in enumerate(culprits, start=20):
        got = fitted.rank(made(seed, culprit))
        if list(got.index[got == got.max()]) != [culprit]:
            _refuse(model, f"must blame {culprit!r}, whose cpu rose by 30 deviations. "
                           f"Got {got.to_dict()}.")


def _ignores_units(model: Ranker) -> None:
    """Also without a stated symptom, which makes some look at other columns."""
    fitted, untold = _fitted(model), replace(made_case(), symptom=None)
    for case, names in ((made_case(), COLUMNS), (untold, ("retries", "restarts")),
                        (made_of_instances(), ("restarts", "latency"))):
        wanted = fitted.rank(case)
        places = zip(itertools.cycle(("quote", "cart")), names, strict=False)
        for (service, name), factor in itertools.product(places, (1e6, 1e-6)):
            _same(model, fitted.rank(_in_unit(case, service, name, factor)), wanted,
                  f"must not change when {name} of {service} is in another unit (x {factor:g})")


def _in_unit(case: Case, service: str, name: str, factor: float) -> Case:
    """The same Case with one column of a service times a factor."""
    assert case.metrics is not None
    value = case.metrics["value"]
    there = case.metrics["service"].eq(service) & case.metrics["name"].eq(name)
    return replace(case, metrics=case.metrics.assign(value=value.where(~there, value * factor)))


def _ignores_names(model: Ranker) -> None:
    fitted = _fitted(model)
    turned = {old: new for names in (SERVICES, INSTANCES)
              for old, new in zip(names, (*names[1:], names[0]), strict=True)}
    strange = {name: f"x{n}" for n, name in enumerate(reversed((*SERVICES, *INSTANCES)))}
    for case in (made_case(), made_of_instances()):
        wanted = fitted.rank(case)
        for names in (turned, strange):
            _same(model, fitted.rank(renamed(case, names)), wanted.rename(names),
                  "must permute its answer when suspects are renamed, wherever their names stand")


def _ignores_order(model: Ranker) -> None:
    fitted = _fitted(model)
    for seed, case in enumerate((made_case(), made_of_instances())):
        rng = np.random.default_rng(seed)
        tables: dict[str, Any] = {name: frame.sample(frac=1, random_state=seed)[
            list(rng.permutation(list(frame)))] for name, frame in case.tables.items()}
        shuffled = replace(case, **tables, suspects=tuple(rng.permutation(list(case.suspects))))
        _same(model, fitted.rank(shuffled), fitted.rank(case), "must not depend on rows', "
              "columns' or suspects' order")


def _ignores_ids(model: Ranker) -> None:
    case, fitted = made_case(), _fitted(model)
    _same(model, fitted.rank(recoded(case, seed=1)), fitted.rank(case),
          "must not read anything from the ids of traces and spans")


def _knows_no_clock(model: Ranker) -> None:
    case, fitted = made_case(), _fitted(model)
    _same(model, fitted.rank(later(case, pd.Timedelta(hours=31))), fitted.rank(case),
          "must not know the time of day")


def _sees_the_case_alone(model: Ranker) -> None:
    with watching() as tried:
        _fitted(model).rank(watched(made_case(), tried))
    if tried:
        _refuse(model, f"must see nothing but the Case. It tried {tried[0]}.")


def _ties_are_ties(model: Ranker) -> None:
    """But for the entry: its alert is evidence, to which some compare the others."""
    got = _fitted(model).rank(alike(made_case())).drop(ENTRY)
    if got.nunique() > 1:
        _refuse(model, f"must blame services of equal evidence equally. Got {got.to_dict()}.")


def _leaves_the_case_alone(model: Ranker) -> None:
    case = made_case()
    before = {name: frame.copy() for name, frame in case.tables.items()}
    rest = {f.name: getattr(case, f.name) for f in fields(case) if f.name not in before}
    _fitted(model).rank(case)
    for name, frame in case.tables.items():
        if not frame.equals(before[name]) or list(frame) != list(before[name]):
            _refuse(model, f"must not change the Case. It changed {name}.")
    if any(getattr(case, name) is not value for name, value in rest.items()):
        _refuse(model, "must not change the Case. It changed a field.")


def _clones_and_forgets(model: Ranker) -> None:
    case, first = made_case(), _fitted(model)
    wanted = first.rank(case)
    _same(model, first.rank(case), wanted, "must answer the same twice")
    _same(model, _fitted(clone(first)).rank(case), wanted, "must answer the same as its clone")
    y = [["db"]] if model.uses_labels else None
    again = clone(model).fit([made_case(9, "db")], y)
    past = {"cart": made_case(7, "cart"), "ship": made_case(8, "ship")}
    again.fit(list(past.values()), [[c] for c in past] if model.uses_labels else None)
    _same(model, again.rank(case), wanted, "must forget what it was fitted on before")


CHECKS = (_answers_every_suspect_sorted, _blames_the_planted_culprit,
          _blames_the_planted_instance, _blames_the_entry_too, _ignores_units, _ignores_names,
          _ignores_order, _ignores_ids, _knows_no_clock, _sees_the_case_alone, _ties_are_ties,
          _leaves_the_case_alone, _clones_and_forgets)
