"""How well scores tell anomalous windows from normal ones; without point adjustment.

VUS-PR after TSB-AD (Liu and Paparrizos, NeurIPS 2024), of Paparrizos et al., VLDB 2022:
the area under the precision-recall curve of labels softened by a buffer of w steps, averaged
over w = 0 ... 100, at 250 thresholds drawn from the ordered scores. A window at distance
d <= w // 2 from an event weighs sqrt(1 - d / w), overlapping weights add up to at most 1,
and recall is multiplied by the share of events (joined where buffers touch) that are found.

False alarms: runs of windows at or over the threshold; runs less than ``merge_s`` apart are
one, a run that lasts counts again every ``repeat_s``, a run that touches an event is none.
Event recall is taken at the lowest threshold above which the promised rate always holds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import average_precision_score

from aiops.errors import InputError

Runs = list[tuple[int, int]]  # first and last window, both within
BUFFER_STEPS = 100
THRESHOLDS = 250
MOST_ALARM_TIME = 0.5  # an alarm that never ends touches every event and would count as none


@dataclass(frozen=True)
class AlarmRule:
    """When alarms are one and when they count again, in seconds."""

    merge_s: float = 3600.0
    repeat_s: float = 4 * 3600.0


SHOP_RULE = AlarmRule(merge_s=60.0, repeat_s=240.0)  # a day pressed into minutes


def vus_pr(labels: np.ndarray, scores: np.ndarray, buffer: int = BUFFER_STEPS,
           thresholds: int = THRESHOLDS) -> float:
    """Volume under the precision-recall surface, a share.

    Args:
        labels: bool (n_windows,), true in an event.
        scores: float (n_windows,), higher is more anomalous.
        buffer: widest buffer, in windows.
        thresholds: how many thresholds along the ordered scores.
    """
    labels, scores = _checked(labels, scores)
    cuts = -np.sort(-scores)[np.linspace(0, len(scores) - 1, thresholds).astype(int)]
    first = np.searchsorted(-cuts, -scores, side="left")  # index of the first cut that it passes
    flagged = _passing(np.ones(len(scores)), first, thresholds)
    areas = [_area(labels, first, flagged, w) for w in range(buffer + 1)]
    return float(np.mean(areas))


def _area(labels: np.ndarray, first: np.ndarray, flagged: np.ndarray, width: int) -> float:
    weights = soft_labels(labels, width)
    hits = _passing(weights, first, len(flagged))
    beside = _passing(np.where(labels, 0.0, weights), first, len(flagged))
    joined = _joined(runs(labels), width // 2, len(labels))
    found = np.array([first[a:b + 1].min() for a, b in joined])
    share_found = _passing(np.ones(len(joined)), found, len(flagged)) / len(joined)
    recall = np.minimum(hits / (labels.sum() + beside / 2), 1.0) * share_found
    return float(np.sum(np.diff(recall, prepend=0.0) * hits / flagged))


def _passing(weights: np.ndarray, first: np.ndarray, thresholds: int) -> np.ndarray:
    """Sum of the weights of what passes each cut, from the highest cut down."""
    return np.cumsum(np.bincount(first, weights=weights, minlength=thresholds))[:thresholds]


def soft_labels(labels: np.ndarray, width: int) -> np.ndarray:
    """Labels with a buffer of ``width`` windows: float (n_windows,) within 0 and 1."""
    weights = np.asarray(labels, dtype=np.float64).copy()
    distance = np.arange(1, width // 2 + 1)
    for start, end in runs(labels):
        for at in (end + distance, start - distance):
            within = (at >= 0) & (at < len(weights))
            weights[at[within]] += np.sqrt(1.0 - distance[within] / width)
    return np.minimum(weights, 1.0)


def _joined(events: Runs, reach: int, n: int) -> Runs:
    """Events widened by ``reach`` on both sides, one where they touch or overlap."""
    joined: Runs = []
    for start, end in events:
        start, end = max(start - reach, 0), min(end + reach, n - 1)
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def pr_auc(labels: np.ndarray, scores: np.ndarray) -> float:
    """Average precision of single windows, a share; chance is the share of anomalous ones."""
    return float(average_precision_score(*_checked(labels, scores)))


def runs(flags: np.ndarray) -> Runs:
    """(first, last) of each stretch of true windows."""
    steps = np.diff(np.asarray(flags, dtype=np.int8), prepend=0, append=0)
    firsts, lasts = np.flatnonzero(steps == 1), np.flatnonzero(steps == -1) - 1
    return [(int(a), int(b)) for a, b in zip(firsts, lasts, strict=True)]


def alarms(flags: np.ndarray, step_s: float, rule: AlarmRule) -> Runs:
    """Runs of flagged windows, joined where less than ``rule.merge_s`` lies between them."""
    joined: Runs = []
    for start, end in runs(flags):
        if joined and (start - joined[-1][1] - 1) * step_s < rule.merge_s:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def false_alarms(labels: np.ndarray, flags: np.ndarray, step_s: float,
                 rule: AlarmRule | None = None) -> int:
    """How often a person is called for nothing."""
    rule = rule or AlarmRule()
    return sum(1 + int(((end - start + 1) * step_s - step_s) // rule.repeat_s)
               for start, end in alarms(flags, step_s, rule)
               if not labels[start:end + 1].any())


def threshold_at(labels: np.ndarray, scores: np.ndarray, step_s: float, per_hour: float,
                 rule: AlarmRule | None = None) -> float:
    """Lowest threshold at and above which false alarms keep to ``per_hour`` of normal time.

    Chosen on these very scores: what one fixed threshold could reach at best. Infinite
    where even the highest score is a false alarm too many. A threshold that is over for more
    than half of normal time is never chosen.
    """
    labels, scores = _checked(labels, scores)
    allowed = per_hour * (~labels).sum() * step_s / 3600.0
    lowest = np.inf
    for cut in -np.unique(-np.quantile(scores, np.linspace(0, 1, 1001), method="higher")):
        flags = scores >= cut
        always = flags[~labels].sum() > MOST_ALARM_TIME * (~labels).sum()
        if always or false_alarms(labels, flags, step_s, rule) > allowed:
            break
        lowest = float(cut)
    return lowest


@dataclass(frozen=True)
class AtRate:
    """What one threshold gives: shares, and the median delay from the label's first window."""

    threshold: float
    event_recall: float
    delay_s: float  # NaN where no event was found
    false_alarms: int
    alarm_time: float  # share of normal time spent in alarm


def at_threshold(labels: np.ndarray, scores: np.ndarray, step_s: float, threshold: float,
                 rule: AlarmRule | None = None) -> AtRate:
    """Events found, delay and false alarms at a threshold."""
    labels, scores = _checked(labels, scores)
    flags = scores >= threshold
    hits = [np.flatnonzero(flags[a:b + 1]) for a, b in runs(labels)]
    delays = [hit[0] * step_s for hit in hits if len(hit)]
    return AtRate(
        threshold=threshold, event_recall=len(delays) / len(hits),
        delay_s=float(np.median(delays)) if delays else float("nan"),
        false_alarms=false_alarms(labels, flags, step_s, rule),
        alarm_time=float(flags[~labels].mean()) if (~labels).any() else 0.0)


def chance_vus_pr(labels: np.ndarray, draws: int = 5, seed: int = 0) -> float:
    """Mean VUS-PR of scores that know nothing."""
    rng = np.random.default_rng(seed)
    return float(np.mean([vus_pr(labels, rng.random(len(labels))) for _ in range(draws)]))


def _checked(labels: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    labels, scores = np.asarray(labels, dtype=bool), np.asarray(scores, dtype=np.float64)
    if labels.ndim != 1 or labels.shape != scores.shape:
        raise InputError(f"labels and scores must be of one length. Got {labels.shape} "
                         f"and {scores.shape}.")
    if not np.isfinite(scores).all():
        raise InputError(f"scores must be finite. Got {int((~np.isfinite(scores)).sum())} others.")
    if not labels.any():
        raise InputError("labels hold no event: nothing to find. Leave this series out.")
    return labels, scores
