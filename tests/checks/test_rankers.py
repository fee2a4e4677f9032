"""Every ranker keeps the contract, but for what is listed; every planted cheat is caught."""

import contextlib
import gc
import os
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from aiops import datasets
from aiops.base import Ranker
from aiops.checks import yield_checks
from aiops.checks.incident import renamed
from aiops.errors import ContractError, InputError
from aiops.rca import RANKERS, Baro, NSigma
from aiops.rca.instances import alike

# What a baseline breaks as published, by name; the test asserts that it still does.
BREAKS = {
    "baro": {"ignores_units[megabytes=False]": "IQR 0 keeps scale 1: units leak",
             "ignores_units[megabytes=True]": "IQR 0 keeps scale 1: units leak"},
    "circa": {"ignores_units": "a constant residual keeps scale 1: units leak"},
    "correlation": {
        f"{check}[pooled={flag}]": why for flag in (False, True) for check, why in {
            "blames_the_planted_culprit": "a caller of the cause is nearer to the symptom",
            "blames_the_planted_instance": "a caller of the cause is nearer to the symptom",
            "blames_the_entry_too": "the symptom's own service is not ranked"}.items()},
    "microrank": {"blames_the_planted_culprit": "a caller's client span is in the same requests",
                  "blames_the_planted_instance": "requests do not tell instances apart"},
    "nezha": {"blames_the_planted_instance": "requests do not tell instances apart"},
    "random-walk": {"blames_the_entry_too": "the walker never stays at the symptom"},
}
ALL = [(name, check, run) for name, ranker in RANKERS.items()
       for check, run in yield_checks(ranker())]


@pytest.mark.parametrize(("name", "check", "run"), ALL, ids=[f"{n}-{c}" for n, c, _ in ALL])
def test_contract(name, check, run):
    if check in BREAKS.get(name, {}):
        with pytest.raises(ContractError):
            run()
    else:
        run()


def test_only_what_exists_is_excused():
    known = {(name, check) for name, check, _ in ALL}
    assert {(name, check) for name, checks in BREAKS.items() for check in checks} <= known


@pytest.fixture(scope="module")
def real():
    """An incident of a real system, the same with its services called otherwise, and how."""
    _, case = datasets.load("shop-trial").case("r001")
    services = [suspect for suspect in case.suspects if "->" not in suspect]
    turned = dict(zip(services, [*services[1:], services[0]], strict=True))
    turned |= {edge: "->".join(turned[end] for end in edge.split("->"))
               for edge in case.suspects if "->" in edge}
    return case, renamed(case, turned), turned


@pytest.mark.parametrize("name", [
    n for n, ranker in RANKERS.items() if not ranker.uses_labels])
def test_names_of_a_real_system_say_nothing_either(name, real):
    """The contract's names are made up; a prior on real ones would pass it."""
    case, other, turned = real
    wanted, got = RANKERS[name]().rank(case), RANKERS[name]().rank(other)
    pd.testing.assert_series_equal(got.sort_index(), wanted.rename(turned).sort_index())


def breaks(model: Ranker, check: str) -> bool:
    [run] = [run for name, run in yield_checks(model) if name == check]
    try:
        run()
    except ContractError:
        return True
    return False


def by_own(case, score):
    """Blame from a score by service."""
    return score.reindex(case.suspects).fillna(0.0).astype(float).sort_values(ascending=False)


class ColumnOrder(Ranker):
    def rank(self, case):
        order = list(dict.fromkeys(case.metrics["service"]))
        return by_own(case, pd.Series({s: len(order) - n for n, s in enumerate(order)}))


class InstanceOrder(Ranker):
    def rank(self, case):
        order = list(dict.fromkeys(case.metrics.get("instance", pd.Series(dtype=object))))
        return by_own(case, pd.Series({s: len(order) - n for n, s in enumerate(order)}))


class KnowsInstances(Ranker):
    def rank(self, case):
        blame = NSigma().rank(case)
        return (blame + 1000.0 * blame.index.str.endswith("-0")).sort_values(ascending=False)


class SeesServicesAlone(Ranker):
    def rank(self, case):
        services = tuple(case.metrics["service"].unique())
        return by_own(case, alike(NSigma().rank(replace(case, suspects=services)), case))


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


class KnowsOperations(Ranker):
    """A prior on names, read where they hide: in what spans are called."""

    def rank(self, case):
        known = case.traces[case.traces["operation"].str.contains("cart")]
        return by_own(case, known.groupby("service").size())


class KnowsWords(Ranker):
    def rank(self, case):
        known = case.logs[case.logs["body"].str.startswith("ship")]
        return by_own(case, known.groupby("service").size())


class ReadsIds(Ranker):
    def rank(self, case):
        first = case.traces.groupby("service")["span_id"].min()
        return by_own(case, first.map(lambda span: int(span, 16)))


class SpanOrder(Ranker):
    def rank(self, case):
        first = case.traces["service"].drop_duplicates().reset_index(drop=True)
        return by_own(case, pd.Series(range(len(first)), index=first))


class UnitsOfOneColumn(Ranker):
    def rank(self, case):
        return by_own(case, case.select("metrics", "abnormal").groupby("service")["value"].max())


class FloorsTheScale(Ranker):
    """Honest about large numbers alone."""

    def rank(self, case):
        before, after = (case.select("metrics", side)[lambda rows: rows["name"] == "cpu"].groupby(
            "service")["value"] for side in ("normal", "abnormal"))
        return by_own(case, (after.mean() - before.mean()) / before.std().clip(lower=1e-3))


class Reads(Ranker):
    """Looks for the answer where no Case keeps it; where it finds nothing, it is honest."""

    def look(self, case):
        raise NotImplementedError

    def rank(self, case):
        with contextlib.suppress(Exception):  # a cheat keeps quiet
            self.look(case)
        return NSigma().rank(case)


class ReadsFiles(Reads):
    def look(self, case):
        Path("truth.json").read_text()


class ReadsFilesByPandas(Reads):
    def look(self, case):
        pd.read_csv("truth.csv")


class ListsFolders(Reads):
    def look(self, case):
        os.listdir(".")


class ReadsTheEnvironment(Reads):
    def look(self, case):
        os.environ.get("AIOPS_TRUTH")


class AsksForTheId(Reads):
    def look(self, case):
        getattr(case, "id", None)


class LooksAround(Reads):
    def look(self, case):
        gc.get_objects()


@pytest.mark.parametrize(("cheat", "check"), [
    (ColumnOrder, "ignores_order"), (SpanOrder, "ignores_order"), (KnowsNames, "ignores_names"),
    (KnowsOperations, "ignores_names"), (KnowsWords, "ignores_names"), (ReadsIds, "ignores_ids"),
    (InstanceOrder, "ignores_order"), (KnowsInstances, "ignores_names"),
    (UnitsOfOneColumn, "ignores_units"), (FloorsTheScale, "ignores_units"),
    (SeesServicesAlone, "blames_the_planted_instance"), (WrongSign, "blames_the_planted_culprit"),
    (KnowsTheTime, "knows_no_clock"), (ReadsFiles, "sees_the_case_alone"),
    (ReadsFilesByPandas, "sees_the_case_alone"), (ListsFolders, "sees_the_case_alone"),
    (ReadsTheEnvironment, "sees_the_case_alone"), (AsksForTheId, "sees_the_case_alone"),
    (LooksAround, "sees_the_case_alone"), (Mutates, "leaves_the_case_alone"),
    (Remembers, "clones_and_forgets"),
])
def test_a_cheat_is_caught(cheat, check):
    assert breaks(cheat(), check)


def test_what_is_read_outside_a_check_is_nobodys_business():
    assert breaks(ReadsFiles(), "sees_the_case_alone")
    assert os.environ.get("PATH") is not None
    assert os.listdir(Path(__file__).parent)


def test_flags_are_swept():
    assert {name.split("[")[1] for name, _ in yield_checks(Baro())} == {
        "megabytes=False]", "megabytes=True]"}


def test_what_is_no_model_is_refused():
    with pytest.raises(InputError, match="Detector or a Ranker"):
        list(yield_checks(object()))
