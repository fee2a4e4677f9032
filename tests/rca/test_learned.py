"""What confirmed incidents teach, on made alerts; and what must not be learned: names."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from aiops import datasets
from aiops.case import Case
from aiops.checks.rankers import renamed
from aiops.errors import CaseError, InputError, NotFittedError
from aiops.evaluation.ranking import scores
from aiops.rca.alert_features import AlertHistory
from aiops.rca.learned import Learned

T0, T1, T2 = pd.date_range("1970-01-01", periods=3, freq="10min", tz="UTC")
SUSPECTS = ("cart-0", "cart-1", "front-0", "quote-0", "ship-0", "ship-1")
LOUD = {"front-0": 0.9, "cart-0": 0.5, "cart-1": 0.5}


def made(seed: int, culprit: str) -> Case:
    """Everybody raises cpu and mem at a rate of its own; a culprit's disk tells, mostly."""
    rng = np.random.default_rng(seed)
    rows = [(who, "metric", name) for who in SUSPECTS for name in ("cpu", "mem", "net")
            if rng.random() < LOUD.get(who, 0.2)]
    rows += [(culprit, "metric", "disk")] * (rng.random() < 0.9)
    rows += [(culprit, "log", "17"), ("front-0", "trace", "GET PD")]
    alerts = pd.DataFrame(rows, columns=["instance", "kind", "name"])
    alerts["service"] = alerts["instance"].str[:-2]
    alerts["direction"] = alerts["kind"].map({"metric": "up"})
    alerts["peer"] = alerts["kind"].map({"trace": culprit})
    edges = pd.DataFrame({"caller": ["front-0"] * 4, "callee": ["cart-0", "cart-1", "quote-0",
                                                                "ship-0"]})
    return Case(normal=((T0, T1),), abnormal=(T1, T2), alerts=alerts, topology=edges,
                suspects=SUSPECTS)


def past(n: int = 24) -> tuple[list[Case], list[list[str]]]:
    culprits = [SUSPECTS[k % len(SUSPECTS)] for k in range(n)]
    return [made(100 + k, who) for k, who in enumerate(culprits)], [[who] for who in culprits]


@pytest.fixture(scope="module")
def fitted() -> Learned:
    return Learned(trees=40).fit(*past())


def test_it_learns_what_culprits_look_like(fitted):
    for seed, culprit in enumerate(SUSPECTS):
        got = fitted.rank(made(seed, culprit))
        assert got.index[0] == culprit
        assert got.sum() == pytest.approx(1.0)


def test_wrong_labels_teach_wrong_things():
    cases, culprits = past()
    never = Learned(trees=40).fit(cases, [["quote-0" if who != ["quote-0"] else "ship-1"]
                                          for who in culprits])
    assert never.rank(made(3, "cart-1")).index[0] != "cart-1"


def test_renaming_services_in_history_and_case_permutes_the_answer(fitted):
    names = dict(zip(SUSPECTS, ("z-3", "b-1", "a-0", "m-0", "c", "b-0"), strict=True))
    cases, culprits = past()
    other = Learned(trees=40).fit([renamed(case, names) for case in cases],
                                  [[names[who]] for [who] in culprits])
    case = made(1, "quote-0")
    wanted = fitted.rank(case).rename(names).sort_index()
    pd.testing.assert_series_equal(other.rank(renamed(case, names)).sort_index(), wanted)


def test_the_order_of_alerts_means_nothing(fitted):
    case = made(2, "ship-0")
    assert case.alerts is not None
    mixed = replace(case, alerts=case.alerts.sample(frac=1, random_state=0),
                    suspects=SUSPECTS[::-1])
    pd.testing.assert_series_equal(fitted.rank(mixed), fitted.rank(case))


def test_a_suspect_that_history_does_not_know_is_ranked_too(fitted):
    case = replace(made(2, "ship-0"), suspects=(*SUSPECTS, "new-0"))
    assert set(fitted.rank(case).index) == {*SUSPECTS, "new-0"}


def test_surprise_is_the_log_of_the_base_rate():
    cases, _ = past(12)
    case = cases[0]
    history = AlertHistory(cases)
    n = sum(bool((each.alerts["instance"].eq("cart-0") & each.alerts["name"].eq("disk")).any())
            for each in cases)
    assert n == 2
    new, own = history.features(case), history.features(case, past=True)
    assert new.loc["cart-0", "alert metric disk up"] == new.loc["cart-0", "most_metric"]
    assert new.loc["cart-0", "most_metric"] == pytest.approx(-np.log((n + 0.5) / 13))
    assert own.loc["cart-0", "most_metric"] == pytest.approx(-np.log((n - 1 + 0.5) / 12))


def test_a_trace_alert_also_tells_of_its_caller():
    cases, _ = past(12)
    got = AlertHistory(cases).features(made(0, "quote-0"))
    assert got["distinct_caller"].to_dict() == {who: float(who == "quote-0") for who in SUSPECTS}


def test_a_trace_alert_of_a_callers_own_tells_of_who_is_known_to_answer_the_call():
    def traces(case: Case, *calls: tuple[str, str, str]) -> Case:
        rows = pd.DataFrame(calls, columns=["instance", "peer", "name"]).assign(kind="trace")
        rows["service"] = rows["instance"].str[:-2]
        return replace(case, alerts=pd.concat([case.alerts, rows], ignore_index=True))

    cases, _ = past(12)
    answers = (("ship-1", "front-0", "Ship PD"), ("ship-0", "front-0", "Bill PD"))
    known = AlertHistory([traces(cases[0], *answers), *cases[1:]])
    got = known.features(traces(made(0, "quote-0"), ("front-0", "front-0", "Ship PD"),
                                ("cart-0", "cart-0", "Bill PD"), ("front-0", "front-0", "Pay PD")))
    assert got["distinct_called"].to_dict() == {who: float(who == "ship-1") for who in SUSPECTS}
    assert got["distinct_caller"].sum() == 1


def test_what_lies_beside_a_suspect_is_seen():
    cases, _ = past(12)
    got = AlertHistory(cases).features(made(0, "quote-0"))
    assert got["neighbours"].to_dict() == dict(zip(SUSPECTS, [1, 1, 4, 1, 1, 0], strict=True))
    assert got.loc["cart-0", "surprise_weighed_replicas"] == pytest.approx(
        got.loc["cart-1", "surprise_weighed"])
    assert got.loc["cart-0", "surprise_weighed_around"] == pytest.approx(
        got.loc["front-0", "surprise_weighed"])


def test_labels_are_needed():
    cases, culprits = past(6)
    with pytest.raises(InputError, match="needs y"):
        Learned().fit(cases)
    with pytest.raises(InputError, match="Got 5 for 6"):
        Learned().fit(cases, culprits[:5])
    never = (Learned(), Learned().fit([], []), Learned().fit(cases, [["elsewhere"]] * 6),
             Learned(trees=5).fit(cases, culprits).fit([], []))
    for model in never:
        with pytest.raises(NotFittedError, match="culprits are among its suspects"):
            model.rank(cases[0])


def test_without_alerts_there_is_nothing_to_weigh():
    topology = pd.DataFrame({"caller": ["a"], "callee": ["b"]})
    case = Case(normal=((T0, T1),), abnormal=(T1, T2), topology=topology)
    with pytest.raises(CaseError, match="needs alerts"):
        AlertHistory([]).features(case)


def test_features_may_be_handed_in():
    def disk(case: Case) -> pd.DataFrame:
        alerts = case.alerts
        assert alerts is not None
        told = alerts.loc[alerts["name"].eq("17"), "instance"]
        return pd.DataFrame({"told": [float(who in set(told)) for who in case.suspects]},
                            index=list(case.suspects))

    got = Learned(disk, trees=20).fit(*past()).rank(made(0, "cart-1"))
    assert got.index[0] == "cart-1"
    assert got.iloc[1:].nunique() == 1


@pytest.mark.parametrize(("system", "least"), [("hotel", 0.83)])
def test_it_stands_where_published_systems_stand(aiops_data, system, least):
    known = datasets.load(aiops_data / "rca" / "tvdiag" / system)
    history = dict(known.history())
    model = Learned().fit(list(history.values()),
                          [known.history_truth[name]["culprits"] for name in history])
    hits = [scores(model.rank(case), case.suspects, known.truth[name]["culprits"])["ac@1"]
            for name, case in known.cases()]
    assert np.mean(hits) > least
