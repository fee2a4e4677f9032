"""Promote, hold or roll back: a judgement of a canary that may be looked at at any time.

Two shares are compared between the new and the old version: of requests that fail, and of those
slower than the old version's usual (a bound fixed before the release). For a hypothesis about
their difference the e-process is the mixture likelihood of both versions' counts over the largest
likelihood that the hypothesis allows (universal inference: Wasserman, Ramdas and Balakrishnan,
PNAS 2020). By Ville's inequality it ever reaches 1 / alpha with a probability of at most alpha
where the hypothesis is true, however often one looks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import betaln, xlog1py, xlogy

from aiops.errors import InputError

PROMOTE, HOLD, ROLL_BACK, TOO_FEW = "promote", "hold", "roll back", "not enough data"
_EPS = 1e-12
_MOST = 10**10  # requests; beyond, rounding decides


@dataclass(frozen=True)
class Counts:
    """Requests of either version, and how many of them were bad.

    Where requests of a session are alike, sessions are what is counted, each as bad as the share
    of its requests; so the bad ones may be fractions. The e-process holds for them: a likelihood
    of Bernoulli's form is convex in what is counted, so that its expectation is at most that of a
    yes or no of the same mean.

    Raises:
        InputError: negative, or more bad ones than requests.
    """

    new: int
    new_bad: float
    old: int
    old_bad: float

    def __post_init__(self) -> None:
        if not (0 <= self.new_bad <= self.new <= _MOST and 0 <= self.old_bad <= self.old <= _MOST):
            raise InputError(f"Counts must be 0 <= bad <= requests <= {_MOST} for either version. "
                             f"Got {self.new_bad} of {self.new} and {self.old_bad} of {self.old}.")


@dataclass(frozen=True)
class Looked:
    """What one outcome says.

    Attributes:
        tolerance: the largest difference of shares, new less old, that is accepted.
        harm: e-value against "no worse". within: against "worse by the tolerance or more".
    """

    outcome: str
    counts: Counts
    tolerance: float
    harm: float
    within: float
    alpha: float

    @property
    def difference(self) -> float:
        """Of shares, new less old."""
        return _shares(self.counts)

    @property
    def interval(self) -> tuple[float, float]:
        """Confidence sequence of the difference: holds at all looks together."""
        return interval(self.counts, self.alpha)


@dataclass(frozen=True)
class Judgement:
    """A decision ("promote", "hold", "roll back", "not enough data"), why, and on what."""

    decision: str
    why: str
    looked: list[Looked]


def judge(outcomes: dict[str, Counts], tolerance: dict[str, float], alpha: float = 0.05,
          least: int = 30, unit: str = "requests") -> Judgement:
    """Judge a canary by what has been counted so far; call it as often as there is news.

    It is promoted when every outcome is shown to be worse by less than its tolerance, and rolled
    back when one is shown to be worse at all while that is not shown. A release that is worse
    by its tolerance in some outcome is ever promoted, and one that is worse in none ever rolled
    back, with a probability of at most alpha each.

    Args:
        outcomes: counts by name, as {"failed": ..., "slow": ...}; all of the same requests.
        tolerance: by the same names, the difference of shares that is accepted, within (0, 1).
        least: requests on either version before which nothing is decided.
        unit: the word for what was counted, where it is not requests.

    Raises:
        InputError: no outcome, one without a tolerance, or values out of range.
    """
    _check(outcomes, tolerance, alpha)
    looked = [_look(name, counts, tolerance[name], alpha) for name, counts in outcomes.items()]
    fewest = min(min(c.new, c.old) for c in outcomes.values())
    if fewest < least:
        return Judgement(TOO_FEW, f"One version has served {fewest} {unit}, and {least} are "
                         "the least.", looked)
    worse = [each for each in looked if each.harm >= len(looked) / alpha]
    open_ = [each for each in looked if each.within < 1 / alpha]
    if not open_:
        return Judgement(PROMOTE, "Shown to be worse by less than the tolerance: "
                         f"{', '.join(e.outcome for e in looked)}.", looked)
    if worse:
        return Judgement(ROLL_BACK, f"Shown to be worse: {', '.join(e.outcome for e in worse)}.",
                         looked)
    return Judgement(HOLD, "Neither harm nor its absence is shown yet for: "
                     f"{', '.join(e.outcome for e in open_)}.", looked)


def e_value(counts: Counts, at_most: float | None = None, at_least: float | None = None) -> float:
    """Evidence against a difference new less old that is at most, or at least, a bound.

    1 is none; it may be reported whenever one looks, and 1 / alpha is reached with a probability
    of at most alpha where the hypothesis is true.
    """
    found = _shares(counts)
    bound = at_most if at_most is not None else at_least
    assert bound is not None
    inside = found <= bound if at_most is not None else found >= bound
    best = _log_likelihood(counts, counts.new_bad / max(counts.new, 1),
                           counts.old_bad / max(counts.old, 1)) if inside \
        else _restricted(counts, bound)
    return float(np.exp(min(_mixture(counts) - best, 700.0)))


def interval(counts: Counts, alpha: float = 0.05) -> tuple[float, float]:
    """Confidence sequence of the difference: holds at all looks together, at 1 - alpha."""
    wanted = _mixture(counts) - np.log(1 / alpha)

    def off(difference: float) -> float:
        return _restricted(counts, difference) - wanted

    middle = _shares(counts)
    return tuple(end if off(end) >= 0 else float(brentq(off, *sorted((end, middle))))
                 for end in (-1 + _EPS, 1 - _EPS))  # type: ignore[return-value]


def _look(name: str, counts: Counts, tolerance: float, alpha: float) -> Looked:
    return Looked(name, counts, tolerance, e_value(counts, at_most=0.0),
                  e_value(counts, at_least=tolerance), alpha)


def _shares(counts: Counts) -> float:
    return counts.new_bad / max(counts.new, 1) - counts.old_bad / max(counts.old, 1)


def _mixture(c: Counts) -> float:
    """Log likelihood of the counts, each version's share drawn from Jeffreys' prior."""
    return float(sum(betaln(bad + 0.5, n - bad + 0.5) - betaln(0.5, 0.5)
                     for n, bad in ((c.new, c.new_bad), (c.old, c.old_bad))))


def _restricted(c: Counts, difference: float) -> float:
    """Log likelihood of the counts at its largest where new = old + difference.

    The root of a cubic: Miettinen and Nurminen, Statistics in Medicine 4 (1985), appendix I.
    """
    n, d = c.new + c.old, difference
    if not n:
        return 0.0
    b = ((c.new + 2 * c.old) * d - n - c.new_bad - c.old_bad) / (3 * n)
    linear = ((c.old * d - n - 2 * c.old_bad) * d + c.new_bad + c.old_bad) / (3 * n)
    q = b**3 - 1.5 * b * linear + c.old_bad * d * (1 - d) / (2 * n)
    p = np.copysign(np.sqrt(max(b**2 - linear, 0.0)), q)
    angle = (np.pi + np.arccos(np.clip(q / p**3, -1, 1))) / 3 if p else np.pi / 2
    old = float(np.clip(2 * p * np.cos(angle) - b, max(0.0, -d), min(1.0, 1 - d)))
    return _log_likelihood(c, old + d, old)


def _log_likelihood(c: Counts, new: float, old: float) -> float:
    new, old = (min(max(share, 0.0), 1.0) for share in (new, old))
    return float(sum(xlogy(bad, p) + xlog1py(n - bad, -p)
                     for n, bad, p in ((c.new, c.new_bad, new), (c.old, c.old_bad, old))))


def _check(outcomes: dict[str, Counts], tolerance: dict[str, float], alpha: float) -> None:
    if not outcomes:
        raise InputError("judge needs at least one outcome. Got none. Count what is bad about a "
                         'request, as {"failed": Counts(...)}.')
    lacking = [name for name in outcomes if not 0 < tolerance.get(name, 0) < 1]
    if lacking:
        raise InputError("Every outcome needs a tolerance within (0, 1), the difference of shares "
                         f"that is accepted. Got none, or another, for: {', '.join(lacking)}.")
    if not 0 < alpha < 1:
        raise InputError(f"alpha must lie within (0, 1). Got {alpha}.")
