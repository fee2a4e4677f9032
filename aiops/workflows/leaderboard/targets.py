"""What the default ranker is to reach on each set, and whether it does."""

from __future__ import annotations

from dataclasses import dataclass

from aiops import rca
from aiops.evaluation.figures import Figure
from aiops.workflows.judging import FALSE_ALARM
from aiops.workflows.leaderboard.falls import FALL
from aiops.workflows.leaderboard.sets import SETS
from aiops.workflows.plan import DECOYS

LEARNED = "learned"  # the ranker that may use a system's own confirmed incidents


@dataclass(frozen=True)
class Target:
    """One aim.

    Args:
        set: where. protocol: how it is judged, for people. slice, metric: which figure.
        aim: its bound; None: the figure is only stated.
        beat: what others reach, for people.
        most: the figure may be at most the aim, not at least.
        model: whose.
    """

    set: str
    protocol: str
    slice: str
    metric: str
    aim: float | None = None
    beat: str = ""
    most: bool = False
    model: str = rca.DEFAULT

    def met(self, figure: Figure | None) -> str:
        """yes, no, or why neither."""
        if figure is None:
            return "not measured"
        if self.aim is None:
            return "stated"
        off = figure.value - self.aim
        return "yes" if (off < 0 if self.most and figure.unit == "s" else
                         off <= 1e-9 if self.most else off >= -1e-9) else "no"


def _pair(at: str, protocol: str, part: str, aims: tuple[float | None, float | None],
          beat: tuple[str, str]) -> list[Target]:
    return [Target(at, protocol, part, metric, aim, told) for metric, aim, told in zip(
        ("ac@1", "ac@3"), aims, beat, strict=True)]


TARGETS = [
    Target("rcd-sockshop", "all", "all", "avg@5", 0.992, "BARO .992"),
    Target("rcd-sockshop", "cpu", "fault=cpu", "ac@1", None, "BARO .96"),
    Target("rcd-sockshop", "mem", "fault=mem", "ac@1", None, "BARO .96"),
    Target("rcd-sockshop", "detected 180 s late", "delay_s=180", "avg@5", 0.98),
    *_pair("petshop-low", "symptom given", "all", (0.80, 0.95), ("", "")),
    *_pair("petshop-low", "latency", "fault=latency", (None, None), (".57", ".57")),
    *_pair("petshop-low", "availability", "fault=availability", (None, None), (".75", "1")),
    *_pair("nezha-ob", "scored minute has spans", "minute=scored", (0.90, 0.95),
           ("traces .41, metrics .21", "traces .48, metrics .57")),
    *_pair("nezha-ob", "all", "all", (0.85, 0.92), ("", "")),
    *_pair("nezha-ob", "metrics only", "without=traces", (0.70, 0.88), ("", "")),
    *[Target("nezha-ob", f"40 decoys, {told}", part, FALL + metric, 0.03, most=True)
      for told, part in (("scored minute", f"{DECOYS}, minute=scored"), ("all", DECOYS))
      for metric in ("ac@1", "ac@3")],
    Target("tvdiag/sockshop", "test, no labels", "all", "ac@1", 0.70, "alert count .37"),
    Target("tvdiag/hotel", "test, no labels", "all", "ac@1", 0.75, "alert count .46"),
    Target("tvdiag/sockshop", "test, own train split", "all", "ac@1", 0.89, "TVDiag .863",
           model=LEARNED),
    Target("tvdiag/hotel", "test, own train split", "all", "ac@1", 0.83, "TVDiag .821",
           model=LEARNED),
    Target("shop", "culprit a service, not silent", "culprit=service", "ac@1", 0.90),
    Target("shop", "other culprit, not silent", "culprit=other", "ac@1", 0.90),
    Target("shop", "silent", "silent", "ac@1"),
    Target("shop", "abstains over disturbances", "no_incident=disturbance", "abstained", 0.90),
    Target("shop", "abstains over controls", "no_incident=control", "abstained", 0.90),
    Target("shop", "abstains over pseudo-incidents", FALSE_ALARM, "abstained", 0.90),
    Target("shop-2", "culprit a service, not silent", "culprit=service", "ac@1", 0.90),
    Target("shop-2", "other culprit, not silent", "culprit=other", "ac@1", 0.90),
    Target("shop-2", "silent", "silent", "ac@1"),
    Target("shop-2", "abstains over disturbances", "no_incident=disturbance", "abstained", 0.90),
    Target("shop-2", "abstains over pseudo-incidents", FALSE_ALARM, "abstained", 0.90),
    *[Target(name, "all", "all", "seconds_p95", 1.0, most=True) for name in SETS],
]
