"""One incident told to a colleague: what happened when, to whom, and what to look at next.

Everything is told from the Case's own tables; what a table would tell is left out where
there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pandas as pd

from aiops.case import Case, Which
from aiops.datasets import Dataset
from aiops.errors import InputError
from aiops.evidence import spans
from aiops.evidence.moves import labels, moves
from aiops.plots import style
from aiops.plots.waterfall import typical_trace

ERROR = 17  # severity number from which on a log record tells of an error
_SLOWER, _FAILS, _ADDS_MS = 1.5, 0.01, 1.0  # what counts as a change
_ENOUGH = 10  # requests that a p95 is told of


def most_felt(known: Dataset) -> str:
    """Id of the incident that users felt most: how a report chooses one, blind to any ranking.

    The one of which some entry route's p95 lies farthest above the highest seen without a fault,
    as the truth tells (``visible``); of equals, and where it tells nothing, the first incident;
    without incidents the first case.
    """
    names = list(known.readers())
    incidents = [name for name in names if known.truth.get(name, {}).get("culprits")]
    return max(incidents or names, key=lambda name: _felt(known.truth.get(name, {})), default="")


def _felt(truth: Mapping[str, Any]) -> float:
    """By how many times the p95 of a route went over what it reaches without a fault, at most."""
    routes = (truth.get("visible") or {}).values()
    return max((route["p95_ms"] / max(route["p95_ms_free"]) for route in routes
                if route.get("p95_ms") and route.get("p95_ms_free")), default=0.0)


def summary(name: str, case: Case, blame: pd.Series, ranker: str) -> str:
    """Two sentences of markdown: the symptom, and who is blamed."""
    first, score = str(blame.index[0]), style.brief(float(blame.iloc[0]))
    second = f"; next is `{blame.index[1]}` with {style.brief(float(blame.iloc[1]))}" \
        if len(blame) > 1 else ""
    return (f"**{name}, {case.detected_at:%Y-%m-%d %H:%M:%S} UTC: {_symptom(case)}.** "
            f"The ranker {ranker} blames **`{first}`** (blame {score}{second}; "
            f"{len(blame)} suspects).")


def _symptom(case: Case) -> str:
    routes = symptom(case)
    if routes.empty:
        return _alert(case)
    seconds = (case.abnormal[1] - case.abnormal[0]).total_seconds()
    slow = (routes.p95_now_ms / routes.p95_before_ms)[routes.now_per_s * seconds >= _ENOUGH]
    fails = routes.failed_now_percent - routes.failed_before_percent
    told = []
    if fails.max() >= 100 * _FAILS:
        row = routes.loc[fails.idxmax()]
        told.append(f"{row.failed_now_percent:.0f}% of {row.route} fail "
                    f"({row.failed_before_percent:.0f}% before)")
    if slow.max() >= _SLOWER:
        row = routes.loc[slow.idxmax()]
        told.append(f"p95 of {row.route} went from {style.brief(row.p95_before_ms)} to "
                    f"{style.brief(row.p95_now_ms)} ms")
    return ", ".join(told) or f"users see little of it ({_alert(case)})"


def _alert(case: Case) -> str:
    if case.symptom is None:
        return "no symptom is told"
    way = {"up": " rose", "down": " fell"}.get(str(case.symptom.get("direction")), " moved")
    return f"{case.symptom['metric']} of {case.symptom['service']}{way}"


def symptom(case: Case) -> pd.DataFrame:
    """What users saw, a row an entry route: requests per second, p95 in ms, failed in percent.

    Columns end in before and now (with the unit behind); most changed first; empty without
    traces.
    """
    if case.traces is None:
        return pd.DataFrame()
    before, now = (_routes(case, which) for which in ("normal", "abnormal"))
    out = before.add_suffix("_before").join(now.add_suffix("_now"), how="outer").fillna(
        {c: 0.0 for c in ("per_s_before", "per_s_now", "failed_before", "failed_now")})
    change = (out.p95_now / out.p95_before).fillna(1.0) + 10 * (out.failed_now - out.failed_before)
    out = out.loc[change.sort_values(ascending=False, kind="stable").index].reset_index()
    return pd.DataFrame({
        "route": out.operation, "before_per_s": out.per_s_before, "now_per_s": out.per_s_now,
        "p95_before_ms": out.p95_before, "p95_now_ms": out.p95_now,
        "failed_before_percent": 100 * out.failed_before,
        "failed_now_percent": 100 * out.failed_now})


def _routes(case: Case, which: Which) -> pd.DataFrame:
    entry = spans.roots(case.select("traces", which))
    entry["failed"] = entry.status_code == "error"
    windows = [case.abnormal] if which == "abnormal" else case.normal
    seconds = sum((b - a).total_seconds() for a, b in windows)
    by_route = entry.groupby("operation")
    return pd.DataFrame({"per_s": by_route.size() / seconds,
                         "p95": by_route.duration_ms.quantile(0.95),
                         "failed": by_route.failed.mean()})


def timeline(case: Case) -> pd.DataFrame:
    """What happened when: columns time_utc and what, in order of time."""
    rows = [(start, f"normal operation, compared with, until {end:%H:%M:%S}")
            for start, end in case.normal]
    rows.append((case.abnormal[0],
                 f"the incident's window begins, until {case.abnormal[1]:%H:%M:%S}"))
    if case.symptom is not None:
        rows.append((case.detected_at, f"detected: {_alert(case)}"))
    if case.traces is not None:
        rows += _first_failure(case.select("traces", "abnormal"))
    if case.logs is not None:
        rows += _first_error_log(case.select("logs", "abnormal"))
    rows.sort(key=lambda row: row[0])
    return pd.DataFrame(rows, columns=["time_utc", "what"])


def _first_failure(traces: pd.DataFrame) -> list[tuple[pd.Timestamp, str]]:
    wrong = traces[_codes(traces) == "error"].sort_values("start", kind="stable")
    return [(first.start, f"the first of {style.count(len(wrong), 'failed call')}: "
             f"{first.operation} at {first.service}") for _, first in wrong[:1].iterrows()]


def _first_error_log(logs: pd.DataFrame) -> list[tuple[pd.Timestamp, str]]:
    bad = logs[logs.severity_number >= ERROR].sort_values("time", kind="stable")
    return [(first.time, f"the first of {style.count(len(bad), 'error log')}, at {first.service}: "
             f"{str(first.body)[:90]}") for _, first in bad[:1].iterrows()]


def _codes(traces: pd.DataFrame) -> pd.Series:
    return traces.get("status_code", pd.Series(index=traces.index, dtype=object))


def struck_trace(case: Case, suspect: str) -> pd.DataFrame:
    """A request of the incident that was struck: it failed, else it was slow, at the suspect.

    Of those, the one of median duration. Where none touches the suspect (a host, a service
    that no one reached), any struck request.
    """
    now = case.select("traces", "abnormal")
    for part in (now[now.trace_id.isin(_touching(now, suspect))], now):
        for ids in (_failed(part), _slow(part, case.select("traces", "normal")), part.trace_id):
            struck = now[now.trace_id.isin(ids)]
            if struck.parent_span_id.isna().any():
                return typical_trace(struck)
    raise InputError("struck_trace found no whole trace in the incident's window. Draw none.")


def _touching(traces: pd.DataFrame, suspect: str) -> pd.Series:
    callee = suspect.split("->")[-1]  # an edge is seen where its callee is called
    peers = traces.get("peer_service", pd.Series(index=traces.index, dtype=object))
    return traces.trace_id[(traces.service == callee) | (peers == callee)]


def _failed(traces: pd.DataFrame) -> pd.Series:
    return traces.trace_id[(_codes(traces) == "error") & traces.parent_span_id.isna()]


def _slow(traces: pd.DataFrame, before: pd.DataFrame) -> pd.Series:
    usual = before[before.parent_span_id.isna()].groupby("operation").duration_ns.quantile(0.95)
    entry = traces[traces.parent_span_id.isna()]
    return entry.trace_id[entry.duration_ns > 1.2 * entry.operation.map(usual).astype(float)]


def drawn(case: Case, table: str, draw: Callable[[], Any]) -> Any:
    """What ``draw`` makes, or for a notebook the sentence that the Case lacks the table."""
    from IPython.display import Markdown

    if getattr(case, table) is None:
        return Markdown(f"This data set has no {table}: nothing to draw.")
    return draw()


def evidence(case: Case, blame: pd.Series, source: str, most: int = 3) -> Any:
    """What moved at the first suspects, a picture; a sentence where none of them sends metrics."""
    from IPython.display import Markdown

    from aiops import plots

    first = list(blame.index[:most])
    if case.metrics is not None and not case.metrics.service.isin(first).any():
        return Markdown(f"The first suspects ({', '.join(first)}) send no metrics of their own: "
                        "nothing to draw.")
    return drawn(case, "metrics", lambda: plots.evidence(
        case.metrics, case.normal, case.abnormal, first, blame=blame, source=source))


# --- what to do next ---------------------------------------------------------------------
def next_steps(case: Case, blame: pd.Series) -> str:
    """Markdown list of checks, each with the observation that asks for it."""
    first, steps = str(blame.index[0]), [*_from_traces(case), *_from_logs(case)]
    pointed = any(f"`{first.split('->')[-1]}`" in step for step in steps)
    steps = [*_from_metrics(case, first, pointed), *steps]
    steps.append("When it is over, confirm or correct the cause in the incident's record: "
                 "the blame above is a ranking, no proof.")
    return "\n".join(f"- {step}" for step in steps)


def _from_traces(case: Case) -> list[str]:
    if case.traces is None:
        return []
    before, now = (spans.prepare(case.select("traces", w)) for w in ("normal", "abnormal"))
    return [*_from_releases(case), *_from_errors(before, now), *_from_time(before, now)]


def _from_metrics(case: Case, first: str, pointed: bool) -> list[str]:
    """What the first suspect's metrics say; ``pointed``: its traces or logs speak against it."""
    if case.metrics is None:
        return [] if pointed else [_doubt(f"`{first}` is blamed, but {_silence(case)}")]
    mine = case.metrics[case.metrics.service == first]
    if mine.empty:
        return [f"`{first}` sends no metrics of its own: look at what calls it and at its host."]
    found = moves(mine, case.normal, case.abnormal)
    moved = found[found.moved]
    if moved.empty:
        return [_still(case, first, len(found), pointed)]
    words = [" ".join(filter(None, pair)) for pair in labels(moved.index[:3], found.index).values()]
    return [f"Look at `{first}`: {len(moved)} of its {style.count(len(found), 'metric')} left what "
            f"was seen before, {'most of all ' * (len(moved) > 1)}"
            f"{', '.join(f'`{w}`' for w in words)}."]


def _still(case: Case, first: str, metrics: int, pointed: bool) -> str:
    told = f"The one metric of `{first}` stayed within" if metrics == 1 else \
        f"None of the {metrics} metrics of `{first}` left"
    told += " what was seen before"
    if pointed:
        return f"{told}: what speaks against it are the traces and logs told of below."
    return _doubt(f"{told}, and {_silence(case)}")


def _silence(case: Case) -> str:
    """That traces and logs, those there are, do not point at the first suspect."""
    asked = [table for table in ("traces", "logs") if getattr(case, table) is not None]
    return f"nothing in {' or '.join(asked)} points at it" if asked else \
        "there are no traces or logs to ask"


def _doubt(told: str) -> str:
    return f"{told}: doubt the ranking, and look at the second suspect as well."


def _from_releases(case: Case) -> list[str]:
    """A version that was not there before, with how it does beside the old one."""
    told = []
    before, now = (_versions(case.select("traces", w)) for w in ("normal", "abnormal"))
    for service, mine in now.groupby("service"):
        new = sorted(set(mine.version.dropna()) - set(before.version[before.service == service]))
        for version in new:
            fresh, old = mine[mine.version == version], mine[mine.version != version]
            rival = f"against {_how(old)} of the old" if len(old) else "the old one is gone"
            told.append(f"`{service}` runs the new version {version} in "
                        f"{len(fresh) / len(mine):.0%} of its calls: {_how(fresh)}, {rival}. "
                        "Where it does worse, roll it back.")
    return told


def _versions(traces: pd.DataFrame) -> pd.DataFrame:
    served = traces[traces.kind == "server"] if "kind" in traces else traces
    if "attributes" not in served:
        return served.assign(version=None)
    return served.assign(version=[dict(a or ()).get("service.version") for a in served.attributes])


def _how(calls: pd.DataFrame) -> str:
    failed = (_codes(calls) == "error").mean()
    return f"median {style.brief(calls.duration_ns.median() / 1e6)} ms, {failed:.0%} fail"


def _from_errors(before: pd.DataFrame, now: pd.DataFrame) -> list[str]:
    more = spans.failures(now).sub(spans.failures(before), fill_value=0.0)
    if more.empty or more.max() < _FAILS:
        return []
    return [f"Errors begin at `{more.idxmax()}`, in {style.percent(more.max())} more of the "
            "requests than before: read its error logs, and what it answered."]


def _from_time(before: pd.DataFrame, now: pd.DataFrame) -> list[str]:
    usual, spent = spans.time_by_service(before), spans.time_by_service(now)
    added = spent.sub(usual, fill_value=0.0)
    if added.max() < _ADDS_MS:
        return []
    most, much = str(added.idxmax()), style.brief(added.max())
    doubled = (spent / usual >= 2).sum()
    if doubled > 0.6 * len(usual):
        return [f"{doubled} of {len(usual)} services take at least twice their usual time (most: "
                f"`{most}`, {much} ms more): suspect what they share, such as the host."]
    wire = _wire(now).sub(_wire(before), fill_value=0.0).get(most, 0.0)
    if wire > 0.5 * added.max():
        return [f"Of the {much} ms that `{most}` adds to a request, {style.brief(wire)} ms pass in "
                "neither caller nor callee: look at the network and at queues before it, rather "
                "than at its code."]
    if most not in set(now.service):
        return [f"Requests wait {much} ms more for `{most}`: look at its load, its locks and its "
                "slowest statements."]
    return [f"`{most}` adds {much} ms to a request by work of its own: profile it, and ask what "
            "it was doing."]


def _wire(prepared: pd.DataFrame) -> pd.Series:
    """Ms a request spends between caller and an answering callee, by callee."""
    work = spans.charged(prepared)
    between = work[work.callee.notna() & (work.calls == 1)]
    return between.groupby("callee").own_ms.sum() / work.trace_id.nunique()


def _from_logs(case: Case, most: int = 3) -> list[str]:
    """The commonest error of each service that was not logged before."""
    if case.logs is None:
        return []
    bad, usual = case.select("logs", "abnormal"), set(case.select("logs", "normal").body)
    new = bad[(bad.severity_number >= ERROR) & ~bad.body.isin(usual)]
    if new.empty:
        return []
    said = new.groupby(["service", "body"]).size().sort_values(ascending=False, kind="stable")
    first = said.groupby(level="service", sort=False).head(1)[:most]
    words = [f"`{service}` “{str(body)[:90]}” ({n} ×)" for (service, body), n in first.items()]
    return [f"Read the error logs, new are: {', '.join(words)}."]


def planted(truth: Mapping[str, Any] | None, blame: pd.Series) -> str:
    """What is known to have been the cause, and where the ranking put it."""
    if truth is None:
        return "The cause of this incident is not known to the data set."
    if not truth["culprits"]:
        what = truth.get("fault") or "nothing"
        return f"Nothing was broken: this recording is a {truth.get('role', 'control')} ({what})."
    fault = f"{truth['fault']} ({truth['layer']}) " if truth.get("layer") else \
        f"{truth.get('fault', 'a fault')} "
    when = " from {:%H:%M:%S} to {:%H:%M:%S} UTC".format(*map(pd.Timestamp, (
        truth["start"], truth["end"]))) if truth.get("start") else ""
    return (f"Known cause: {fault}at {', '.join(truth['culprits'])}{when}. "
            f"In the ranking {places(truth['culprits'], blame)}.")


def places(culprits: Iterable[str], blame: pd.Series) -> str:
    """Where the ranking put the culprits."""
    return ", ".join(f"`{c}` stands at {list(blame.index).index(c) + 1} of {len(blame)}"
                     if c in blame.index else f"`{c}` is no suspect" for c in culprits)


def verdict(truth: Mapping[str, Any] | None, blame: pd.Series) -> str:
    """Whether the ranking is right this time, where the truth is known; else empty."""
    if not truth or not truth["culprits"]:
        return ""
    right = "right" if blame.index[0] in truth["culprits"] else "wrong"
    return (f"Here it is {right}: the cause is known, and "
            f"{places(truth['culprits'], blame)}.")
