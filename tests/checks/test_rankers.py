"""Every ranker keeps the contract, but for what is listed; every planted cheat is caught."""

import pandas as pd
import pytest

from aiops import datasets
from aiops.base import Ranker
from aiops.checks import yield_checks
from aiops.checks.rankers import renamed
from aiops.errors import ContractError, InputError
from aiops.rca import RANKERS, Baro, NSigma

# What a baseline breaks as published, by name; the test asserts that it still does.
BREAKS = {
    "baro": {"ignores_units[megabytes=False]": "IQR 0 keeps scale 1: units leak",
             "ignores_units[megabytes=True]": "IQR 0 keeps scale 1: units leak"},
}
ALL = [(name, check, run) for name, ranker in RANKERS.items()
       for check, run in yield_checks(ranker())]


@pytest.mark.parametrize(("name", "check", "run"), ALL, ids=[f"{n}-{c}" for n, c, _ in ALL])
def test_contract(name, check, run):
    if check in BREAKS.get(name, {}):
        with pytest.raises(ContractError, match="another unit"):
            run()
    else:
        run()


@pytest.mark.parametrize("name", [n for n, ranker in RANKERS.items() if not ranker.hindsight])
def test_names_of_a_real_system_say_nothing_either(name):
    """The contract's names are made up; a prior on real ones would pass it."""
    _, case = datasets.load("shop-trial").case("r001")
    services = [suspect for suspect in case.suspects if "->" not in suspect]
    turned = dict(zip(services, [*services[1:], services[0]], strict=True))
    turned |= {edge: "->".join(turned[end] for end in edge.split("->"))
               for edge in case.suspects if "->" in edge}
    wanted, got = RANKERS[name]().rank(case), RANKERS[name]().rank(renamed(case, turned))
    pd.testing.assert_series_equal(got.sort_index(), wanted.rename(turned).sort_index())


def broken(model: Ranker) -> set[str]:
    names = set()
    for name, run in yield_checks(model):
        try:
            run()
        except ContractError:
            names.add(name)
    return names


class ColumnOrder(Ranker):
    def rank(self, case):
        order = list(dict.fromkeys(case.metrics["service"]))
        return pd.Series({s: float(len(order) - n) for n, s in enumerate(order)}).reindex(
            case.suspects, fill_value=0.0).sort_values(ascending=False)


class KnowsNames(Ranker):
    def rank(self, case):
        blame = NSigma().rank(case)
        return (blame + 1000.0 * (blame.index == "db")).sort_values(ascending=False)


class WrongSign(Ranker):
    def rank(self, case):
        blame = NSigma().rank(case)
        return (blame.max() - blame).sort_values(ascending=False)


class KnowsTheTime(Ranker):
    def rank(self, case):
        turn = int(case.detected_at.timestamp()) // 3600 % len(case.suspects)
        names = sorted(case.suspects)
        return pd.Series({s: float((n - turn) % len(names)) for n, s in enumerate(
            names)}).sort_values(ascending=False)


class Mutates(Ranker):
    def rank(self, case):
        case.metrics["value"] *= 2
        return NSigma().rank(case)


class Remembers(Ranker):
    def fit(self, cases, y=None):
        self.seen_ = getattr(self, "seen_", 0) + len(cases)
        return self

    def rank(self, case):
        return NSigma().rank(case) + float(self.seen_)


@pytest.mark.parametrize(("cheat", "check"), [
    (ColumnOrder, "ignores_order"), (KnowsNames, "ignores_names"),
    (WrongSign, "blames_the_planted_culprit"), (KnowsTheTime, "knows_no_clock"),
    (Mutates, "leaves_the_case_alone"), (Remembers, "clones_and_forgets"),
])
def test_a_cheat_is_caught(cheat, check):
    assert check in broken(cheat())


def test_flags_are_swept():
    assert {name.split("[")[1] for name, _ in yield_checks(Baro())} == {
        "megabytes=False]", "megabytes=True]"}


def test_what_is_no_model_is_refused():
    with pytest.raises(InputError, match="Detector or a Ranker"):
        list(yield_checks(object()))
