"""An explanation drawn: the graph with blame, the strongest series, a telling request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from aiops import plots
from aiops.evidence.moves import labels
from aiops.explained.explanation import SPANS
from aiops.windows import Window, within

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from aiops.explained import Explanation

_ROWS, _COLUMNS = 3, 4  # suspects and series of each that are drawn
_BLAMED = 0.1  # share of the first's blame from which a suspect's series are drawn
_NORMAL = 12  # times the incident: normal time that is drawn
_FAILURES = ("errors", "templates", "sequence")


def figures(told: Explanation) -> dict[str, Figure]:
    """The pictures that this Case allows: graph, series, request."""
    if told.ranks.empty or told.ranks.iloc[0] <= 0:
        return {}
    made = {"graph": _graph(told), "series": _series(told), "request": _request(told)}
    return {name: figure for name, figure in made.items() if figure is not None}


def _graph(told: Explanation) -> Figure | None:
    calls = told.exhibits.calls()
    if calls is None:
        return None
    return plots.blame_graph(calls, told.ranks, [step.place for step in told.path])


def _request(told: Explanation) -> Figure | None:
    first = str(told.ranks.index[0])
    terms = told.terms.iloc[0]
    failing = terms.reindex(_FAILURES).sum() > terms.get("latency", 0.0)
    trace = told.exhibits.request(first, bool(failing))
    if trace is None:
        return None
    seen = pd.concat([trace["service"], trace.get("peer_service", pd.Series(dtype=object))])
    end = first.split("->")[-1]
    return plots.waterfall(trace, end if (seen == end).any() else None)


# --- series ------------------------------------------------------------------------------
def _series(told: Explanation) -> Figure | None:
    """The strongest metrics, and what spans show, of the first suspects and of the symptom."""
    case, ranks = told.case, told.ranks
    first = [str(name) for name in ranks.index[:_ROWS] if ranks[name] >= _BLAMED * ranks.iloc[0]]
    first += [step.place for step in told.path[:1] if step.place not in first]
    shown = told.exhibits.series(first)
    if shown is None:
        return None
    names = {name: _strongest(told, shown, name) for name in first}
    first = [name for name in first if names[name]]
    if not first:
        return None
    near = _near(case.normal, case.abnormal)
    shown = shown[within(shown["time"], [*near, case.abnormal])].reset_index(drop=True)
    return plots.evidence(shown, near, case.abnormal, first, names, ranks,
                          "Normal time is that nearest to the incident." * (near != [*case.normal]))


def _near(normal: Sequence[Window], abnormal: Window) -> list[Window]:
    """So much of the normal time that the incident can still be seen beside it; the nearest."""
    left, near = _NORMAL * (abnormal[1] - abnormal[0]), []
    for start, end in sorted(normal, key=lambda w: abs(w[0] - abnormal[0])):
        if left <= pd.Timedelta(0):
            break
        part = (max(start, end - left), end) if end <= abnormal[0] else \
            (start, min(end, start + left))
        near.append(part)
        left -= part[1] - part[0]
    return sorted(near)


def _strongest(told: Explanation, shown: pd.DataFrame, suspect: str) -> list[str]:
    """Names of a suspect's series: its strongest metrics, of each metric one first, then spans."""
    mine = told.signals[told.signals["suspect"] == suspect]
    told_of = (shown["service"] == suspect) & (shown["value"] != 0)  # 0 throughout tells nothing
    seen = set(shown.loc[told_of, "name"])
    moved = mine.loc[mine["evidence"] == "metrics", "signal"].drop_duplicates()
    moved = moved[moved.isin(seen)]
    stated = told.case.symptom["metric"] if told.case.symptom else None
    moved = pd.concat([pd.Series([stated] if stated in seen else [], dtype=object), moved],
                      ignore_index=True).drop_duplicates()
    again = moved.map({name: metric for name, (metric, _) in labels(moved, moved).items()})
    metrics = [*moved[~again.duplicated()], *moved[again.duplicated()]]
    spans = [name for name in SPANS if name in seen]
    room = _COLUMNS - (1 if spans and "latency" in set(mine["evidence"]) else 0)
    return [*metrics[:room], *spans][:_COLUMNS]


