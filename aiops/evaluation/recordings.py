"""Detection on recorded incidents: figures of system scores, recording by recording.

Every recording is a series of its own. Windows wholly within the planted event of an incident
are to be found; of an incident the windows before it are normal, those after it (the system
recovers) or partly in it count for neither. All of disturbances and controls is normal: crying
wolf costs. Recordings of normal traffic are trained on and never judged; scores of them by
models that did not see them (held out) teach the threshold.

Two thresholds: the learned one, lowest that keeps the promised rate of false alarms on the
held-out scores; and one picked on the judged scores themselves, what a fixed threshold could
reach at best (metrics ``..._hindsight``). Chance is what the same procedure gives on scores
drawn at random.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from aiops.errors import InputError
from aiops.evaluation import detection
from aiops.evaluation.bootstrap import interval, resampled
from aiops.evaluation.detection import SHOP_RULE
from aiops.evaluation.figures import Figure
from aiops.evaluation.slices import group

PER_HOUR = 6.0  # promised false alarms: one in ten minutes, the shop's day
BUFFER_STEPS = 8  # of VUS-PR: up to 4 windows aside, events being some 9 windows long
JUDGED = ("incident", "disturbance", "control")
DRAWS = 20  # of random scores, for the chance level


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a detector is worth on a set of recordings.

    Args:
        figures: all figures, slice by slice.
        per_recording: one row a judged recording: recording, role, fault, slice, normal_s, ap
            (average precision of its event's windows against all normal windows judged) and
            chance (what guessing gives of it), both null where nothing is to be found, and at
            the learned threshold (with ``_hindsight`` at the other) detected, delay_s,
            false_alarms, alarm_s (normal time in alarm).
            A disturbance or control is ``detected`` by an alarm from its start on.
        scores: one row a judged window: recording, role, window_start, score, label.
        threshold, threshold_hindsight: an alarm is a score at or over it.
    """

    figures: list[Figure]
    per_recording: pd.DataFrame
    scores: pd.DataFrame
    threshold: float
    threshold_hindsight: float

    @property
    def incidents(self) -> pd.DataFrame:
        """``per_recording`` of incidents alone, index = recording."""
        found = self.per_recording
        return found[found["role"] == "incident"].set_index("recording")


def judge(scores: pd.DataFrame, held_out: pd.DataFrame, recordings: pd.DataFrame,
          window_s: float, dataset: str, model: str, per_hour: float = PER_HOUR) -> Evaluation:
    """Figures of one detector on one data set.

    Args:
        scores: recording, window_start, score of judged recordings, a row a window.
        held_out: the same of normal recordings, by models that were not fitted on them.
        recordings: columns of ``schema.RECORDINGS``.
        window_s: length of a window in seconds.
        per_hour: promised false alarms an hour of normal time.
    """
    rows = labelled(scores, recordings, window_s)
    if not (rows["label"] == 1).any():
        raise InputError("There is no incident to find. Got recordings of the roles "
                         f"{sorted(set(rows['role']))}: an evaluation needs role 'incident'.")
    learned, best = _thresholds(rows, held_out, window_s, per_hour)
    each = _per_recording(rows, recordings, window_s, {"": learned, "_hindsight": best})
    guess = _chance(rows, held_out, window_s, per_hour)
    figures = [Figure("detection", dataset, model, *values)
               for name, part in _slices(each).items()
               for values in _figures(name, part, rows, each, guess)]
    return Evaluation(figures, each, rows, learned, best)


def labelled(scores: pd.DataFrame, recordings: pd.DataFrame, window_s: float) -> pd.DataFrame:
    """Scores with role and label (1 event, 0 normal, NaN neither), by recording and time."""
    about = recordings.set_index("recording")[["role", "event_start", "event_end"]]
    incidents = about[about["role"] == "incident"]
    if (untold := incidents.index[incidents["event_start"].isna()]).size:
        raise InputError(f"The truth must say start and end of an incident. Got none for "
                         f"{', '.join(untold)}.")
    rows = scores.join(about, on="recording").sort_values(["recording", "window_start"],
                                                          ignore_index=True)
    if (unknown := rows["role"].isna()).any():
        raise InputError(f"recordings lack {sorted(set(rows.loc[unknown, 'recording']))}.")
    rows["label"] = _labels(rows, pd.Timedelta(seconds=window_s))
    found = set(rows.loc[rows["label"] == 1, "recording"])
    if lost := set(incidents.index) & set(rows["recording"]) - found:
        raise InputError(f"No window of {window_s:g} s lies wholly within the event of "
                         f"{', '.join(sorted(lost))}: choose a shorter window.")
    return rows[["recording", "role", "window_start", "score", "label"]]


def _labels(rows: pd.DataFrame, step: pd.Timedelta) -> np.ndarray:
    starts, ends = rows["window_start"], rows["window_start"] + step
    incident = rows["role"] == "incident"
    event = incident & (starts >= rows["event_start"]) & (ends <= rows["event_end"])
    return np.select([event, incident & (ends > rows["event_start"])], [1.0, np.nan], 0.0)


def learned_threshold(held_out: pd.DataFrame, window_s: float,
                      per_hour: float = PER_HOUR) -> float:
    """The lowest that keeps the promised rate of false alarms on held-out scores."""
    calm = held_out.sort_values(["recording", "window_start"])
    return detection.threshold_at(
        np.zeros(len(calm)), calm["score"].to_numpy(), window_s, per_hour, SHOP_RULE,
        calm["recording"].to_numpy())


def _thresholds(rows: pd.DataFrame, held_out: pd.DataFrame, window_s: float,
                per_hour: float) -> tuple[float, float]:
    learned = learned_threshold(held_out, window_s, per_hour)
    best = detection.threshold_at(rows["label"].to_numpy(), rows["score"].to_numpy(), window_s,
                                  per_hour, SHOP_RULE, rows["recording"].to_numpy())
    return learned, best


def _per_recording(rows: pd.DataFrame, recordings: pd.DataFrame, window_s: float,
                   thresholds: dict[str, float]) -> pd.DataFrame:
    about = recordings.set_index("recording")
    normal = rows.loc[rows["label"] == 0, "score"].to_numpy()
    made = []
    for name, part in rows.groupby("recording", sort=True):
        told = about.loc[name]
        row = {"recording": name, "role": told["role"], "fault": told["fault"],
               "slice": _group(told), "normal_s": (part["label"] == 0).sum() * window_s,
               "ap": _own_precision(part, normal), "chance": _own_chance(part, normal)}
        for suffix, threshold in thresholds.items():
            at = _at(part, told["event_start"], window_s, threshold)
            row |= {key + suffix: value for key, value in at.items()}
        made.append(row)
    return pd.DataFrame(made)


def _group(told: pd.Series) -> str:
    if told["role"] != "incident":
        return str(told["role"])
    routes = told["visible"]
    return group(told["kind"], routes if pd.api.types.is_list_like(routes) else None)


def precisions(rows: pd.DataFrame) -> pd.Series:
    """Average precision by incident (the index), of what ``labelled`` gives."""
    normal = rows.loc[rows["label"] == 0, "score"].to_numpy()
    incidents = rows[rows["role"] == "incident"]
    return pd.Series({name: _own_precision(part, normal)
                      for name, part in incidents.groupby("recording", sort=True)}, dtype=float)


def _own_precision(part: pd.DataFrame, normal: np.ndarray) -> float:
    own = part.loc[part["label"] == 1, "score"].to_numpy()
    if not len(own):
        return float("nan")
    return detection.pr_auc(np.repeat([1.0, 0.0], [len(own), len(normal)]), np.r_[own, normal])


def _own_chance(part: pd.DataFrame, normal: np.ndarray) -> float:
    own = int((part["label"] == 1).sum())
    return own / (own + len(normal)) if own else float("nan")


def _at(part: pd.DataFrame, event_start: pd.Timestamp, window_s: float,
        threshold: float) -> dict[str, float | bool]:
    """What one threshold makes of one recording."""
    flags, labels = part["score"].to_numpy() >= threshold, part["label"].to_numpy()
    sought = labels == 1
    if not sought.any():  # a disturbance or a control: an alarm from its start on
        sought = (part["window_start"] >= event_start).to_numpy()
    hits = np.flatnonzero(flags[sought])
    return {"detected": bool(len(hits)),
            "delay_s": (hits[0] + 1) * window_s if len(hits) else float("nan"),
            "false_alarms": detection.false_alarms(labels, flags, window_s, SHOP_RULE),
            "alarm_s": (flags & (labels == 0)).sum() * window_s}


def _slices(each: pd.DataFrame) -> dict[str, pd.DataFrame]:
    incidents = each[each["role"] == "incident"]
    return {"all": incidents, **dict(iter(each.groupby("slice", sort=True)))}


Values = tuple[str, str, float, float | None, float | None, int, float | None, str]


def _figures(name: str, part: pd.DataFrame, rows: pd.DataFrame, each: pd.DataFrame,
             guess: dict[str, float]) -> list[Values]:
    """Figures of one slice: (slice, metric, value, low, high, n, chance, unit)."""
    if name in JUDGED:  # disturbances, controls: the share that raised an alarm
        return [(name, "alarmed" + suffix, float(part["detected" + suffix].mean()),
                 *interval(part["detected" + suffix]), len(part), None, "share")
                for suffix in ("", "_hindsight")]
    made = _areas(name, part, rows)
    for suffix in ("", "_hindsight"):
        made += _found(name, part, suffix, guess["event_recall" + suffix])
        if name == "all":
            made += _false(name, each, suffix)
    return made


def _areas(name: str, part: pd.DataFrame, rows: pd.DataFrame) -> list[Values]:
    """VUS-PR and PR-AUC of the slice's incidents among all disturbances and controls."""
    kept = rows[rows["recording"].isin(part["recording"]) | (rows["role"] != "incident")]
    labels, scores = kept["label"].to_numpy(), kept["score"].to_numpy()
    number, names = pd.factorize(kept["recording"])
    strata = np.isin(names, part["recording"])
    surface = detection.Surface(labels, scores, BUFFER_STEPS, series=number)
    share = float((labels == 1).sum() / (~np.isnan(labels)).sum())
    return [
        (name, "vus_pr", surface.volume(),
         *resampled(lambda times: surface.volume(times[number]), strata), len(part),
         detection.chance_vus_pr(labels, DRAWS, buffer=BUFFER_STEPS, series=number), "share"),
        (name, "pr_auc", detection.pr_auc(labels, scores),
         *resampled(lambda times: detection.pr_auc(labels, scores, times[number]), strata),
         len(part), share, "share")]


def _found(name: str, part: pd.DataFrame, suffix: str, guess: float) -> list[Values]:
    detected, delay = part["detected" + suffix], part["delay_s" + suffix].dropna()
    made: list[Values] = [(name, "event_recall" + suffix, float(detected.mean()),
                           *interval(detected), len(part), guess, "share")]
    if len(delay):  # no delay where nothing was found
        made.append((name, "delay_s" + suffix, float(delay.median()), None, None, len(delay),
                     None, "s"))
    return made


def _false(name: str, each: pd.DataFrame, suffix: str) -> list[Values]:
    """False alarms and time in alarm, over all normal time judged."""
    strata, normal_s = each["role"] == "incident", each["normal_s"].to_numpy()
    alarms, alarm_s = (each[key + suffix].to_numpy() for key in ("false_alarms", "alarm_s"))
    ones, n = np.ones(len(each)), len(each)

    def rate(times: np.ndarray) -> float:
        return float((alarms @ times) / (normal_s @ times) * 3600.0)

    def time(times: np.ndarray) -> float:
        return float((alarm_s @ times) / (normal_s @ times))

    return [
        (name, "false_alarms" + suffix, float(alarms.sum()), None, None, n, None, "count"),
        (name, "false_alarms_per_hour" + suffix, rate(ones), *resampled(rate, strata), n, None,
         "1/h"),
        (name, "alarm_time" + suffix, time(ones), *resampled(time, strata), n, None, "share")]


def _chance(rows: pd.DataFrame, held_out: pd.DataFrame, window_s: float,
            per_hour: float) -> dict[str, float]:
    """Event recall of scores drawn at random, at both thresholds, found in the same way."""
    rng = np.random.default_rng(0)
    recalls = []
    for _ in range(DRAWS):
        drawn, calm = (frame.assign(score=rng.random(len(frame))) for frame in (rows, held_out))
        events = drawn[drawn["label"] == 1].groupby("recording")["score"].max()
        recalls.append([(events >= threshold).mean()
                        for threshold in _thresholds(drawn, calm, window_s, per_hour)])
    learned, best = np.mean(recalls, axis=0)
    return {"event_recall": float(learned), "event_recall_hindsight": float(best)}
