"""What rankers are worth, told in words that agree with the figures."""

from dataclasses import replace

import pytest

from aiops.evaluation.figures import Figure
from aiops.workflows import ranking_report

FIRST = Figure("rca", "shop", "nsigma", "all", "ac@1", 0.625, 0.42, 0.83, 24, 0.048, "share")


def counted(metric: str, value: float, unit: str = "count") -> Figure:
    return replace(FIRST, metric=metric, value=value, low=None, high=None, chance=None, unit=unit)


def test_a_record_stands_beside_interval_and_chance():
    assert ranking_report.record([FIRST], "nsigma") == (
        "Over 24 incidents of this data set, the first suspect of nsigma is the culprit in 63% "
        "(95% interval 42% to 83%, chance 5%).")
    alone = replace(FIRST, low=None, high=None, chance=None, n=1)
    assert ranking_report.record([alone], "nsigma") == (
        "Over 1 incident of this data set, the first suspect of nsigma is the culprit in 63%.")
    assert ranking_report.record([replace(FIRST, slice="silent")], "nsigma") == ""
    assert ranking_report.record([FIRST], "baro") == ""


@pytest.mark.parametrize(("more", "told"), [
    ([], "24 incidents scored; no ranking failed."),
    ([counted("not_scored", 8.0), counted("failures", 2.0), counted("seconds_p50", 0.14, "s")],
     "24 incidents scored; 8 recordings without an incident not scored: there is no culprit to "
     "find; 2 rankings failed, and count as missed; a ranking takes 0.14 to 0.14 s (medians by "
     "ranker)."),
    ([counted("not_scored", 1.0)],
     "24 incidents scored; 1 recording without an incident not scored: there is no culprit to "
     "find; no ranking failed.")])
def test_counts_are_told_in_words(more, told):
    assert ranking_report.aside([FIRST, *more]) == told


def test_every_slice_has_its_chance_above_its_rankers():
    part = replace(FIRST, slice="silent", value=0.6, n=5)
    table = ranking_report.by_slice([FIRST, replace(FIRST, model="best-single-metric"), part,
                             counted("not_scored", 8.0)])
    assert table["slice"].tolist() == ["all"] * 3 + ["silent"] * 2
    assert table["model"].tolist() == ["chance", "nsigma", "best-single-metric (hindsight)",
                                       "chance", "nsigma"]
    assert table["AC@1"].tolist()[:2] == ["0.048", "0.625 [0.42, 0.83]"]
    assert table["incidents"].tolist() == [24, 24, 24, 5, 5]
