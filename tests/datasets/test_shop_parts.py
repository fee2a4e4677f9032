"""The bundled set `shop-parts`: incidents of several parts, each felt where its truth says."""

from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from aiops import datasets
from aiops.case import Case
from aiops.evaluation import ranking
from tests.datasets.test_shop_faults import FELT

SHOP = Path(datasets.BUNDLED) / "shop-parts"


@pytest.fixture(scope="module")
def incidents() -> list[tuple[str, dict, Case]]:
    shop = datasets.load(SHOP)
    return [(name, shop.truth[name], case) for name, case in shop.cases()
            if shop.truth[name]["culprits"]]


def test_every_part_is_there_and_roles_are_those_promised():
    told = datasets.recordings(SHOP).to_pandas()
    assert Counter(told["role"]) == {"incident": 9, "control": 1, "normal": 2}
    parts = Counter(part for truth in datasets.load(SHOP).truth.values()
                    for part in truth.get("slices", []))
    assert parts == {"part=two-causes": 3, "part=slow-burn": 2, "part=cascade": 2,
                     "part=outside": 2}


def test_every_cause_is_felt_at_each_of_its_culprits(incidents):
    unfelt = []
    for name, truth, case in incidents:
        for cause in truth.get("causes", [truth]):
            measure, factor = FELT[cause["metric"]]
            for culprit in cause["culprits"]:
                before, after = (measure(case, culprit, window)
                                 for window in (case.normal[0], case.abnormal))
                if not after > before * factor:
                    unfelt.append((name, cause["fault"], culprit, before, after))
    assert not unfelt


def test_a_perfect_ranking_of_several_culprits_scores_all_of_it(incidents):
    several = [(truth["culprits"], case.suspects) for _, truth, case in incidents
               if len(truth["culprits"]) > 1]
    assert len(several) == 4  # three of two causes, and the edges of one service
    for culprits, suspects in several:
        blame = pd.Series({name: float(name in culprits) + 0.1 * culprits.index(name)
                           if name in culprits else 0.0 for name in suspects})
        assert set(ranking.scores(blame, suspects, culprits).values()) == {1.0}
        half = blame.drop(culprits[1:]).reindex(list(suspects)).fillna(-1)
        assert ranking.scores(half, suspects, culprits)["ac@1"] == 1
        assert ranking.scores(half, suspects, culprits)["ac@3"] == pytest.approx(
            1 / min(3, len(culprits)))
