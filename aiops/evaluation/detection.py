"""How well scores tell anomalous windows from normal ones; without point adjustment.

Labels are 1 in an event, 0 in normal operation and NaN where neither counts: a window that an
event covers in part, or one in which the system recovers. Windows may be of many ``series``
(recordings, machines), named window by window: nothing reaches over the end of one.

VUS-PR after TSB-AD (Liu and Paparrizos, NeurIPS 2024), of Paparrizos et al., VLDB 2022:
the area under the precision-recall curve of labels softened by a buffer of w steps, averaged
over w = 0 ... 100, at 250 thresholds drawn from the ordered scores. A window at distance
d <= w // 2 from an event weighs sqrt(1 - d / w), overlapping weights add up to at most 1,
and recall is multiplied by the share of events (joined where buffers touch) that are found.
Its buffer is there for windows beside an event, so a NaN label counts as normal in it.

False alarms: runs of windows at or over the threshold; runs less than ``merge_s`` apart are
one, a run that lasts counts again every ``repeat_s``; a run that touches an event, or holds
no normal window, is none. Where labels are ``exact`` (a fault planted at a known instant) no
alarm can foresee an event: then only normal windows make runs, and an alarm raised before an
event is false even if it lasts into it. Event recall is taken at the lowest threshold above
which the promised rate always holds. An alarm fires when its first window ends: delay counts
to there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aiops.errors import InputError

Runs = list[tuple[int, int]]  # first and last window, both within
BUFFER_STEPS = 100
THRESHOLDS = 250
MOST_ALARM_TIME = 0.5  # an alarm that never ends touches every event and would count as none


@dataclass(frozen=True)
class AlarmRule:
    """When alarms are one and when they count again, in seconds; whether labels are exact."""

    merge_s: float = 3600.0
    repeat_s: float = 4 * 3600.0
    exact: bool = False


SHOP_RULE = AlarmRule(merge_s=60.0, repeat_s=240.0, exact=True)  # a day pressed into minutes


def vus_pr(labels: np.ndarray, scores: np.ndarray, buffer: int = BUFFER_STEPS,
           thresholds: int = THRESHOLDS, series: np.ndarray | None = None) -> float:
    """Volume under the precision-recall surface, a share.

    Args:
        labels: (n_windows,), 1 in an event.
        scores: float (n_windows,), higher is more anomalous.
        buffer: widest buffer, in windows.
        thresholds: how many thresholds along the ordered scores.
        series: (n_windows,), which series a window is of; None: all of one.
    """
    return Surface(labels, scores, buffer, thresholds, series).volume()


class Surface:
    """The precision-recall surface of VUS-PR, ready to be asked again for resampled windows.

    Arguments as of ``vus_pr``.
    """

    def __init__(self, labels: np.ndarray, scores: np.ndarray, buffer: int = BUFFER_STEPS,
                 thresholds: int = THRESHOLDS, series: np.ndarray | None = None) -> None:
        labels, scores = _checked(labels, scores, series)
        self.event = labels == 1
        self.thresholds = thresholds
        cuts = -np.sort(-scores)[np.linspace(0, len(scores) - 1, thresholds).astype(int)]
        self.first = np.searchsorted(-cuts, -scores, side="left")  # first cut that it passes
        self.widths = [(soft_labels(self.event, w, series), self._found(w, series))
                       for w in range(buffer + 1)]

    def _found(self, width: int, series: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """Of each joined event a window of its own, and the first cut that finds it."""
        joined = _joined(runs(self.event, series), width // 2, _ends(len(self.event), series))
        return (np.array([a for a, _ in joined]),
                np.array([self.first[a:b + 1].min() for a, b in joined]))

    def volume(self, times: np.ndarray | None = None) -> float:
        """VUS-PR where each window counts ``times`` (n_windows,), alike within a series.

        The thresholds stay those of the windows as they came.
        """
        times = np.ones(len(self.event)) if times is None else times
        flagged = self._passing(times, self.first)
        return float(np.mean([self._area(times, flagged, *each) for each in self.widths]))

    def _area(self, times: np.ndarray, flagged: np.ndarray, weights: np.ndarray,
              events: tuple[np.ndarray, np.ndarray]) -> float:
        hits = self._passing(weights * times, self.first)
        beside = self._passing(np.where(self.event, 0.0, weights) * times, self.first)
        of, found = events
        share_found = self._passing(times[of], found) / times[of].sum()
        positive = times[self.event].sum() + beside / 2
        recall = np.minimum(hits / positive, 1.0) * share_found
        precision = hits / np.where(flagged > 0, flagged, 1.0)
        return float(np.sum(np.diff(recall, prepend=0.0) * precision))

    def _passing(self, weights: np.ndarray, first: np.ndarray) -> np.ndarray:
        """Sum of the weights of what passes each cut, from the highest cut down."""
        n = self.thresholds
        return np.cumsum(np.bincount(first, weights=weights, minlength=n))[:n]


def soft_labels(labels: np.ndarray, width: int, series: np.ndarray | None = None) -> np.ndarray:
    """Labels with a buffer of ``width`` windows: float (n_windows,) within 0 and 1."""
    weights = (np.asarray(labels) == 1).astype(np.float64)
    begins, ends = _ends(len(weights), series)
    distance = np.arange(1, width // 2 + 1)
    for start, end in runs(labels, series):
        for at in (end + distance, start - distance):
            within = (at >= begins[start]) & (at <= ends[start])
            weights[at[within]] += np.sqrt(1.0 - distance[within] / width)
    return np.minimum(weights, 1.0)


def _joined(events: Runs, reach: int, ends: tuple[np.ndarray, np.ndarray]) -> Runs:
    """Events widened by ``reach`` on both sides, one where they touch or overlap."""
    joined: Runs = []
    for first, last in events:
        start, end = max(first - reach, ends[0][first]), min(last + reach, ends[1][first])
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def _ends(n: int, series: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """First and last window of each window's series, int (n,) each."""
    begins = _begins(n, series)
    of = np.cumsum(begins) - 1
    firsts = np.flatnonzero(begins)
    lasts = np.append(firsts[1:], n) - 1
    return firsts[of], lasts[of]


def _begins(n: int, series: np.ndarray | None) -> np.ndarray:
    """Where a series begins, bool (n,)."""
    begins = np.zeros(n, dtype=bool)
    begins[:1] = True
    if series is not None:
        begins[1:] = series[1:] != series[:-1]
    return begins


def pr_auc(labels: np.ndarray, scores: np.ndarray, times: np.ndarray | None = None) -> float:
    """Average precision of single windows, a share; chance is the share of anomalous ones.

    ``times`` says how often each window counts (n_windows,); windows labelled NaN do not.
    """
    labels, scores = _checked(labels, scores)
    known = np.flatnonzero(~np.isnan(labels))
    down = known[np.argsort(-scores[known], kind="stable")]
    times = np.ones(len(down)) if times is None else times[down]
    ties = np.append(np.diff(scores[down]) != 0, True)  # a threshold flags all of a tie
    hits = np.cumsum(times * labels[down])[ties]
    flagged = np.cumsum(times)[ties]
    steps = np.diff(hits / hits[-1], prepend=0.0)
    return float(np.sum(steps * hits / np.where(flagged > 0, flagged, 1.0)))


def runs(flags: np.ndarray, series: np.ndarray | None = None) -> Runs:
    """(first, last) of each stretch of true windows; one ends where its series does."""
    flags = np.asarray(flags) == 1
    begins = _begins(len(flags), series)
    ends = np.append(begins[1:], True)
    firsts = np.flatnonzero(flags & (begins | ~np.append(False, flags[:-1])))
    lasts = np.flatnonzero(flags & (ends | ~np.append(flags[1:], False)))
    return [(int(a), int(b)) for a, b in zip(firsts, lasts, strict=True)]


def alarms(flags: np.ndarray, step_s: float, rule: AlarmRule,
           series: np.ndarray | None = None) -> Runs:
    """Runs of flagged windows, joined where less than ``rule.merge_s`` lies between them."""
    begins, _ = _ends(len(flags), series)
    joined: Runs = []
    for start, end in runs(flags, series):
        same = joined and joined[-1][0] >= begins[start]
        if same and (start - joined[-1][1] - 1) * step_s < rule.merge_s:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def false_alarms(labels: np.ndarray, flags: np.ndarray, step_s: float,
                 rule: AlarmRule | None = None, series: np.ndarray | None = None) -> int:
    """How often a person is called for nothing."""
    rule = rule or AlarmRule()
    if rule.exact:
        flags = flags & (labels == 0)
    return sum(1 + int(((end - start + 1) * step_s - step_s) // rule.repeat_s)
               for start, end in alarms(flags, step_s, rule, series)
               if _is_false(labels[start:end + 1], flags[start:end + 1]))


def _is_false(labels: np.ndarray, flags: np.ndarray) -> bool:
    return not (labels == 1).any() and bool((flags & (labels == 0)).any())


def threshold_at(labels: np.ndarray, scores: np.ndarray, step_s: float, per_hour: float,
                 rule: AlarmRule | None = None, series: np.ndarray | None = None) -> float:
    """Lowest threshold at and above which false alarms keep to ``per_hour`` of normal time.

    On scores that are judged afterwards it is what one fixed threshold could reach at best;
    on normal operation alone it is a threshold learned. Just above the highest score where
    even that is a false alarm too many. A threshold that is over for more than half of normal
    time is never chosen.
    """
    labels, scores = _checked(labels, scores, series, events=False)
    normal = labels == 0
    allowed = per_hour * normal.sum() * step_s / 3600.0
    lowest = float(np.nextafter(scores.max(), np.inf))
    for cut in -np.unique(-np.quantile(scores, np.linspace(0, 1, 1001), method="higher")):
        flags = scores >= cut
        always = flags[normal].sum() > MOST_ALARM_TIME * normal.sum()
        if always or false_alarms(labels, flags, step_s, rule, series) > allowed:
            break
        lowest = float(cut)
    return lowest


def chance_vus_pr(labels: np.ndarray, draws: int = 5, seed: int = 0, buffer: int = BUFFER_STEPS,
                  series: np.ndarray | None = None) -> float:
    """Mean VUS-PR of scores that know nothing."""
    rng = np.random.default_rng(seed)
    return float(np.mean([vus_pr(labels, rng.random(len(labels)), buffer, series=series)
                          for _ in range(draws)]))


def _checked(labels: np.ndarray, scores: np.ndarray, series: np.ndarray | None = None,
             events: bool = True) -> tuple[np.ndarray, np.ndarray]:
    labels, scores = (np.asarray(each, dtype=np.float64) for each in (labels, scores))
    if labels.ndim != 1 or labels.shape != scores.shape:
        raise InputError(f"labels and scores must be of one length. Got {labels.shape} "
                         f"and {scores.shape}.")
    if not np.isfinite(scores).all():
        raise InputError(f"scores must be finite. Got {int((~np.isfinite(scores)).sum())} others.")
    if events and not (labels == 1).any():
        raise InputError("labels hold no event: nothing to find. Leave this series out.")
    if series is not None:
        _check_series(series, len(labels))
    return labels, scores


def _check_series(series: np.ndarray, n: int) -> None:
    if len(series) != n:
        raise InputError(f"series must name one a window, {n}. Got {len(series)}.")
    if _begins(n, series).sum() > len(set(series)):
        raise InputError("The windows of a series must lie together, in order of time. Got some "
                         "apart: sort by series and time.")
