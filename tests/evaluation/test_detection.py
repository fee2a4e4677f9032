import math

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from aiops.errors import InputError
from aiops.evaluation import detection as d


def slow_vus_pr(labels: np.ndarray, scores: np.ndarray, buffer: int, thresholds: int,
                series: np.ndarray | None = None) -> float:
    """The published definition, word by word: every width, threshold and window in turn."""
    n = len(labels)
    of = [0] * n if series is None else list(series)
    events, areas = [], []
    for i in range(n):
        if labels[i] and (i == 0 or not labels[i - 1] or of[i] != of[i - 1]):
            events.append([i, i])
        if labels[i]:
            events[-1][1] = i
    ordered = sorted(scores, reverse=True)
    for w in range(buffer + 1):
        weight = [float(x) for x in labels]
        for a, b in events:
            for i in range(n):
                gap = i - b if i > b else a - i
                if 0 < gap <= w // 2 and of[i] == of[a]:
                    weight[i] += math.sqrt(1 - gap / w)
        weight = [min(1.0, x) for x in weight]
        segments = []
        for a, b in events:
            one, a, b = of[a], a - w // 2, b + w // 2
            if segments and segments[-1][1] >= a and segments[-1][2] == one:
                segments[-1][1] = b
            else:
                segments.append([a, b, one])
        area, last = 0.0, 0.0
        for k in range(thresholds):
            cut = ordered[int(k * (n - 1) / (thresholds - 1))]
            flagged = [i for i in range(n) if scores[i] >= cut]
            hits = sum(weight[i] for i in flagged)
            beside = sum(weight[i] for i in flagged if not labels[i])
            found = sum(any(a <= i <= b and of[i] == one for i in flagged)
                        for a, b, one in segments)
            recall = min(hits / ((sum(labels) + sum(labels) + beside) / 2), 1.0)
            recall *= found / len(segments)
            area += (recall - last) * hits / len(flagged)
            last = recall
        areas.append(area)
    return sum(areas) / len(areas)


@pytest.mark.parametrize("seed", range(6))
def test_fast_vus_pr_equals_the_definition(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = np.zeros(120, dtype=bool)
    for start in rng.integers(0, 118, size=4):
        labels[start:start + rng.integers(1, 12)] = True
    scores = rng.normal(size=120) + labels * rng.uniform(0, 2)
    if seed % 2:
        scores = np.round(scores)  # ties
    wanted = slow_vus_pr(labels, scores, 12, 17)
    assert d.vus_pr(labels, scores, 12, 17) == pytest.approx(wanted, abs=1e-12)


def test_perfect_scores_and_scores_that_know_nothing() -> None:
    labels = np.zeros(2000, dtype=bool)
    labels[500:600] = labels[1500:1600] = True
    assert d.pr_auc(labels, labels.astype(float)) == 1.0
    assert d.vus_pr(labels, labels.astype(float)) > 0.85
    assert d.chance_vus_pr(labels) < 0.25
    late = np.arange(2000.0)  # knows only the time
    assert d.vus_pr(labels, late) < 0.25
    assert d.vus_pr(labels, -labels.astype(float)) < 0.15  # the wrong sign


def test_pr_auc_is_the_average_precision() -> None:
    rng = np.random.default_rng(4)
    labels, scores = rng.random(200) < 0.2, np.round(rng.normal(size=200), 1)  # ties
    times = rng.integers(0, 4, 200)
    for weights in (None, times):
        wanted = average_precision_score(labels, scores, sample_weight=weights)
        assert d.pr_auc(labels, scores, weights) == pytest.approx(wanted, abs=1e-12)


def test_no_point_adjustment() -> None:
    labels = np.zeros(1000, dtype=bool)
    labels[400:500] = True
    one = np.zeros(1000)
    one[450] = 1.0
    assert d.pr_auc(labels, one) < 0.2


def flags(*stretches: tuple[int, int], n: int = 1000) -> np.ndarray:
    out = np.zeros(n, dtype=bool)
    for start, end in stretches:
        out[start:end] = True
    return out


@pytest.mark.parametrize(("stretches", "wanted"), [
    ([], 0),
    ([(10, 12)], 1),
    ([(10, 12), (23, 25)], 1),  # 55 s between them
    ([(10, 12), (24, 26)], 2),  # 60 s
    ([(10, 58)], 1), ([(10, 59)], 2),  # the window at 240 s counts again
    ([(505, 506)], 0), ([(495, 501)], 0)])  # touches the event
def test_false_alarms(stretches: list[tuple[int, int]], wanted: int) -> None:
    event, rule = flags((500, 510)), d.AlarmRule(merge_s=60.0, repeat_s=240.0)
    assert d.false_alarms(event, flags(*stretches), 5.0, rule) == wanted


@pytest.mark.parametrize(("stretches", "wanted"), [
    ([(505, 506)], 0), ([(495, 501)], 1), ([(490, 492), (505, 506)], 1), ([(509, 512)], 1)])
def test_of_a_fault_planted_at_a_known_instant_nothing_can_warn(
        stretches: list[tuple[int, int]], wanted: int) -> None:
    event = flags((500, 510))
    assert d.false_alarms(event, flags(*stretches), 5.0, d.SHOP_RULE) == wanted


def test_a_threshold_keeps_to_a_stated_rate() -> None:
    labels = flags((200, 220), (600, 620), (900, 910))
    scores = np.zeros(1000)
    scores[204:220], scores[602:604], scores[50] = 5.0, 3.0, 4.0
    strict = d.threshold_at(labels, scores, 5.0, per_hour=0.0, rule=d.SHOP_RULE)
    loose = d.threshold_at(labels, scores, 5.0, per_hour=1.0, rule=d.SHOP_RULE)
    assert (strict, loose) == (5.0, 3.0)
    assert [d.false_alarms(labels, scores >= cut, 5.0, d.SHOP_RULE) for cut in (5.0, 3.0)] == [0, 1]


def two_series() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, scores, series: an event at the end of the first, none in the second."""
    labels, scores = np.zeros(60), np.random.default_rng(5).normal(size=60)
    labels[24:30], scores[24:30] = 1.0, scores[24:30] + 1.5
    return labels, scores, np.repeat(["a", "b"], 30)


def test_nothing_reaches_over_the_end_of_a_series() -> None:
    labels, scores, series = two_series()
    assert d.soft_labels(labels, 10)[30] > 0
    assert not d.soft_labels(labels, 10, series)[30:].any()
    labels[31:34] = 1.0
    assert d.runs(labels, series) == [(24, 29), (31, 33)]
    over = np.zeros(60, dtype=bool)
    over[28:32] = over[59] = True
    assert d.runs(over, series) == [(28, 29), (30, 31), (59, 59)]
    calm = np.zeros(60)
    assert d.false_alarms(calm, over, 5.0, d.SHOP_RULE) == 2  # 28-31, 59
    assert d.false_alarms(calm, over, 5.0, d.AlarmRule(3600.0)) == 1
    assert d.false_alarms(calm, over, 5.0, d.AlarmRule(3600.0), series) == 2


@pytest.mark.parametrize("seed", range(3))
def test_vus_pr_of_many_series_is_the_definition_with_walls_between(seed: int) -> None:
    rng = np.random.default_rng(seed)
    series = np.repeat([3, 1, 2], [50, 30, 40])
    labels = np.zeros(120)
    labels[46:52] = labels[75:80] = labels[90:93] = labels[96:99] = 1.0  # over an end, up to one
    scores = rng.normal(size=120) + labels
    wanted = slow_vus_pr(labels, scores, 12, 17, series)
    assert d.vus_pr(labels, scores, 12, 17, series) == pytest.approx(wanted, abs=1e-12)
    assert wanted != pytest.approx(slow_vus_pr(labels, scores, 12, 17), abs=1e-3)


def test_a_surface_of_windows_counted_twice_is_that_of_the_windows_doubled() -> None:
    labels, scores, series = two_series()
    labels[40:45] = 1.0
    surface = d.Surface(labels, scores, 6, 60, series)
    assert surface.volume(np.full(60, 3.0)) == pytest.approx(surface.volume(), abs=1e-12)
    twice = np.r_[0:60, 0:30]
    names = np.r_[np.repeat([0, 1], 30), np.full(30, 2)]
    wanted = d.vus_pr(labels[twice], scores[twice], 6, 5000, names)
    fine = d.Surface(labels, scores, 6, 5000, series)
    assert fine.volume(np.repeat([2.0, 1.0], 30)) == pytest.approx(wanted, abs=1e-12)
    assert d.pr_auc(labels, scores, np.repeat([2.0, 1.0], 30)) == pytest.approx(
        d.pr_auc(labels[twice], scores[twice]))


def test_where_neither_counts_nothing_is_counted() -> None:
    labels = np.array([0, 0, np.nan, 1, 1, np.nan, np.nan, 0], dtype=float)
    scores = np.array([1, 2, 9, 3, 4, 9, 9, 0], dtype=float)
    assert d.pr_auc(labels, scores) == 1.0
    recovering = scores >= 9
    rule = d.AlarmRule(merge_s=0.0, repeat_s=240.0)
    assert d.false_alarms(labels, recovering, 5.0, rule) == 0


def test_a_threshold_is_learned_from_normal_operation_alone() -> None:
    calm = np.zeros(720)  # an hour
    scores = np.zeros(720)
    scores[[100, 200, 300]] = [1.0, 3.0, 2.0]
    learned = [d.threshold_at(calm, scores, 5.0, rate, d.SHOP_RULE) for rate in (0.5, 1.0, 2.0)]
    assert learned == [np.nextafter(3.0, 4.0), 3.0, 2.0]


def test_series_must_lie_together() -> None:
    labels, scores, series = two_series()
    with pytest.raises(InputError, match="must lie together"):
        d.vus_pr(labels, scores, series=np.roll(series, 3))
    with pytest.raises(InputError, match="one a window"):
        d.vus_pr(labels, scores, series=series[1:])


def test_a_series_without_event_is_refused() -> None:
    with pytest.raises(InputError, match="no event"):
        d.vus_pr(np.zeros(5, dtype=bool), np.arange(5.0))
    with pytest.raises(InputError, match="finite"):
        d.pr_auc(np.array([True, False]), np.array([np.nan, 1.0]))
