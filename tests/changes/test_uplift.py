"""Whom a change hit most: what was planted is named, and nothing where all are hit alike."""

import json

import numpy as np
import pandas as pd
import pytest

from aiops.changes import find, learner, pictures, uplift
from aiops.changes.uplift import among
from aiops.changes.words import uplift_dict, uplift_text
from aiops.commands.output import plain
from aiops.errors import UsageError
from tests.changes.made import made

PLANTED = "route=/buy, tenant=t1"
STRATA = ["route", "region", "tenant"]


@pytest.fixture(scope="module")
def planted(bench):
    return among(bench.kinds(0, "one tenant on one route, 10 ms", 10.0), STRATA)


def test_a_release_that_harms_one_tenant_on_one_route_is_named(planted):
    first = planted.found.iloc[0]
    assert (first["combination"], first["outcome"], first["halves"]) == (PLANTED, "latency_ms", 2)
    assert first["low"] < 10 < first["high"]
    assert abs(first["rest"]) < 1
    assert set(planted.sure["combination"]) == {PLANTED}


def test_the_curve_lies_above_any_order(planted):
    latency = planted.areas.set_index("outcome").loc["latency_ms"]
    assert latency["area"] > 0.1
    assert latency["p"] < 0.01
    curve = planted.curve[planted.curve["outcome"] == "latency_ms"]
    assert curve["gain"].iloc[0] == 0
    assert curve["gain"].iloc[-1] > 0
    assert (curve["gain"] - curve["chance"]).max() > 0.2


def test_failures_of_one_tenant_on_one_route_are_named(bench):
    table = bench.kinds(1, "nobody", 0.0)
    mine = (table["route"] == "/buy") & (table["tenant"] == "t1") & table["new"]
    told = among(table.assign(failed=table["failed"] | mine), STRATA)
    assert PLANTED in set(told.sure["combination"])
    assert set(told.sure["measure"]) == {"share"}


@pytest.mark.parametrize("ms", [0.0, 10.0])
def test_nothing_is_found_where_all_are_hit_alike(bench, ms, quick):
    """Forty releases, placebos and uniform ones: 5 % are two; four would be rare (p .05)."""
    found = [len(among(bench.kinds(seed, "all alike", ms, 1_000), STRATA, seed=seed).sure) > 0
             for seed in range(40)]
    assert sum(found) <= 4


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(learner, "TREES", 10)


def test_what_is_named_was_not_seen_by_those_who_answer(bench):
    """Half one's requests alone are hit: it names them, and half two says that it is not so."""
    table = bench.kinds(0, "nobody", 0.0)
    half = uplift._halves(table, 0)
    mine = half & ((table["route"] == "/buy") & (table["tenant"] == "t1") & table["new"]).to_numpy()
    told = among(table.assign(latency_ms=table["latency_ms"] + 40.0 * mine), STRATA)
    row = told.found[(told.found["combination"] == PLANTED)
                     & (told.found["outcome"] == "latency_ms")].iloc[0]
    assert row["halves"] == 1
    assert row["low"] < 0 < row["high"]


def test_sessions_are_not_torn_apart():
    table = pd.DataFrame({"cluster": np.repeat(np.arange(20), 10)})
    half = uplift._halves(table, 0)
    assert pd.Series(half).groupby(table["cluster"]).nunique().max() == 1
    assert half.sum() == 100


def test_fixed_combinations_are_tested_on_all_requests(bench):
    table = bench.kinds(0, "one tenant on one route, 10 ms", 10.0)
    found = uplift.of_kinds(table, [{"route": "/buy", "tenant": "t1"}, {"region": "eu"}], STRATA)
    assert found["combination"].iloc[0] == PLANTED
    assert found["p"].iloc[0] < 1e-6 < found.loc[found["combination"] == "region=eu", "p"].min()


def test_a_case_says_whom_it_hit():
    case = made(n=4_000, tenants=3, hit=30.0)
    (change,) = find(case)
    told = uplift.uplift(case, change)
    assert told.sure["combination"].iloc[0] == "route=GET /item, tenant=t1"
    words = uplift_text(told)
    assert max(map(len, words.splitlines())) <= 80
    assert "route=GET /item, tenant=t1" in words.replace("\n ", "")
    plainly = json.loads(json.dumps(plain(uplift_dict(told)), allow_nan=False))
    assert plainly["sure"][0] == "route=GET /item, tenant=t1"
    assert "tenant=t1" in pictures.combinations(told, change).get_label()
    assert "ms" not in pictures.curve(told, change, "failed").axes[0].get_ylabel()


@pytest.mark.parametrize(("asked", "said"), [
    ({"at_once": True, "ms": 9.0}, "All requests changed at once"),
    ({"n": 100}, "too few requests")])
def test_where_it_cannot_be_asked_it_says_so(asked, said):
    case = made(**asked)
    told = uplift.uplift(case, find(case)[0])
    assert said in told.why
    assert told.sure.empty
    assert said in uplift_text(told).replace("\n ", "")


def test_without_causalml_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "causalml.inference", None)
    with pytest.raises(UsageError, match="aiops"):
        learner.x_learner(np.zeros((4, 1)), np.arange(4) % 2 == 0, np.arange(4.0), np.full(4, 0.5))


def test_nothing_of_it_is_loaded_until_it_is_asked_for():
    import subprocess
    import sys

    code = ("import sys, aiops.changes, aiops.changes.uplift, aiops.commands.changes; "
            "print([n for n in ('causalml', 'sklearn', 'shap') if n in sys.modules])")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
