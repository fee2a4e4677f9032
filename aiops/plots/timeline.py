"""Time on x with long silences cut out: days between two windows take no room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from aiops.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LEAST_S, _STEPS = 60.0, 10  # a silence is cut from a minute on, if ten usual steps long
_BREAK, _BREAKS = 0.025, 0.15  # width of a cut, and of all, as a share of the time drawn
_NICE_S = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400]


@dataclass(frozen=True)
class Timeline:
    """Stretches of time laid side by side; calling it gives seconds on x.

    Args:
        starts, ends: of each stretch, nanoseconds since 1970.
        at_s: where on x each stretch starts, seconds.
    """

    starts: np.ndarray
    ends: np.ndarray
    at_s: np.ndarray

    @classmethod
    def of(cls, times: Any, align_s: float = 0.0) -> Timeline:
        """The stretches in which there are ``times``, each begun at a multiple of ``align_s``."""
        ns = np.unique(_ns(times))
        steps = np.diff(ns) / 1e9
        limit = max(_LEAST_S, _STEPS * float(np.median(steps))) if len(steps) else _LEAST_S
        cut = np.flatnonzero(steps > limit)
        starts, ends = ns[np.r_[0, cut + 1]], ns[np.r_[cut, len(ns) - 1]]
        if align_s:
            starts = starts - starts % int(align_s * 1e9)
        seconds = (ends - starts) / 1e9
        room = min(_BREAK, _BREAKS / len(starts)) * max(float(seconds.sum()), 1.0)
        if align_s:
            room = float(np.ceil(room / align_s) * align_s)
            seconds = np.ceil(seconds / align_s) * align_s
        return cls(starts, ends, np.r_[0.0, np.cumsum(seconds + room)[:-1]])

    def __call__(self, times: Any) -> np.ndarray:
        """Seconds on x; what lies in a cut stands at the end of the stretch before."""
        ns = _ns(times)
        k = np.clip(np.searchsorted(self.starts, ns, "right") - 1, 0, None)
        inside = np.clip(ns - self.starts[k], 0, (self.ends - self.starts)[k])
        return self.at_s[k] + inside / 1e9

    def split(self, times: Any) -> np.ndarray:
        """Number of the stretch each time belongs to; lines are drawn within one."""
        return np.clip(np.searchsorted(self.starts, _ns(times), "right") - 1, 0, None)

    @property
    def drawn_s(self) -> float:
        """Where the last stretch ends on x."""
        return float(self.at_s[-1] + (self.ends[-1] - self.starts[-1]) / 1e9)

    def dress(self, ax: Axes, ticks: int = 6) -> None:
        """Set ticks and their labels (UTC), and mark what is cut out."""
        marks = self._marks(nice_step(self.drawn_s / ticks), 0.9 * self.drawn_s / ticks)
        form = "%H:%M:%S" if (marks % int(60e9)).any() else "%H:%M"
        days = pd.to_datetime(marks).strftime("%m-%d")
        many = len(set(days)) > 1
        labels = [f"{stamp.strftime(form)}\n{day}" if many and (i == 0 or day != days[i - 1])
                  else stamp.strftime(form)
                  for i, (stamp, day) in enumerate(zip(pd.to_datetime(marks), days, strict=True))]
        ax.set_xticks(self(marks), labels)
        ends = self.at_s[:-1] + (self.ends - self.starts)[:-1] / 1e9
        for left, right in zip(ends, self.at_s[1:], strict=True):
            ax.axvspan(left, right, fc=style.PAPER, ec=style.GREY, hatch="////", lw=0, alpha=0.35,
                       zorder=7)

    def _marks(self, step_s: float, apart_s: float) -> np.ndarray:
        """Round times, and the start of a stretch that holds none; none too close to another."""
        found: list[int] = []
        step_ns = int(step_s * 1e9)
        for start, end in zip(self.starts, self.ends, strict=True):
            first = -(-start // step_ns) * step_ns
            inside = list(range(first, end + 1, step_ns)) or [start]
            for mark in inside:
                if not found or np.diff(self(np.array([found[-1], mark])))[0] >= apart_s:
                    found.append(int(mark))
        smaller = [s for s in _NICE_S if s < step_s]
        if len(found) < 2 and smaller and self.drawn_s > apart_s:
            return self._marks(smaller[-1], apart_s)
        return np.array(found, dtype="int64")


def nice_step(wish_s: float) -> float:
    """The least round number of seconds that is at least ``wish_s``."""
    return next((s for s in _NICE_S if s >= wish_s), _NICE_S[-1])


def _ns(times: Any) -> np.ndarray:
    if isinstance(times, np.ndarray) and times.dtype.kind == "i":
        return times
    return pd.DatetimeIndex(times).as_unit("ns").asi8
