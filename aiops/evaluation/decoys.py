"""Decoys: services that were never there and behave as in normal time, also in the incident.

Small systems flatter every method: among 10 services noise seldom leads, among 50 it often does.
A decoy looks like one real service, its model (every called service is one in turn), in every
table that the model is in, and takes nothing of the incident:

- metrics, and log lines of no known span: the model's rows of normal time, in blocks drawn
  anew for both sides. Decoys of one *world* (a decoy for each model) share their blocks, so
  that what moves together in normal time does so here;
- spans and their lines: calls of normal time grafted into requests (``grafts``);
- alerts: what the model raised in a past incident, drawn anew for each decoy and Case; the
  culprits' alerts of that incident are left out. Without past incidents decoys are silent;
- topology: called by the callers of its model and by its world's decoys of them. No decoy
  calls a real service, unless all edges are listed both ways.

Names are drawn; a seed gives the same names, models and worlds in every Case of one system.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from aiops.case import Case
from aiops.errors import CaseError
from aiops.evaluation.grafts import World, graft
from aiops.evaluation.stress import known_edges, rng_of
from aiops.evidence import call_tree
from aiops.windows import union

COUNT = 40
BLOCKS = 10  # at least, that normal time is made of anew
_SYLLABLES = [a + b for a in "bdfgklmnprstvz" for b in "aeiou"]
_SECOND = 1_000_000_000


@dataclass(frozen=True)
class Past:
    """Alerts of past incidents, less those of their culprits; ``time`` since the incident began."""

    alerts: pd.DataFrame
    number: int


def past_alerts(cases: Iterable[Case], culprits: Iterable[Sequence[str]] | None = None) -> Past:
    """What services raise in incidents that are others' fault.

    Args:
        culprits: by case; None where nobody knows: all alerts are kept.
    """
    frames, number = [], 0
    told = iter(culprits) if culprits is not None else None
    for case in cases:
        guilty = next(told) if told is not None else []
        if case.alerts is not None:
            by = case.alerts["service"].isin(guilty) | case.alerts["instance"].isin(guilty)
            frames.append(_since(case.alerts[~by], case.abnormal[0]).assign(incident=number))
        number += 1
    return Past(pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(), number)


def _since(alerts: pd.DataFrame, start: pd.Timestamp) -> pd.DataFrame:
    return alerts.assign(time=alerts["time"] - start) if "time" in alerts else alerts


def decoys(case: Case, count: int = COUNT, seed: int = 0, past: Past | None = None) -> Case:
    """The Case with decoys among its suspects.

    Raises:
        CaseError: no service that could be a model.
    """
    edges = call_edges(case)
    worlds = plan(case, edges, count, seed)
    rng = rng_of(case, seed)
    changed: dict[str, Any] = graft(case, worlds, rng) if case.traces is not None else {}
    step = _step(case)
    blocks = [_blocks(case, step, rng) for _ in worlds]
    if case.metrics is not None:
        changed["metrics"] = _metrics(case, case.metrics, worlds, edges, blocks)
    if case.logs is not None:
        changed["logs"] = _lines(case, changed.get("logs", case.logs), worlds, blocks)
    if case.alerts is not None and past is not None and len(past.alerts):
        changed["alerts"] = _alerts(case, case.alerts, worlds, past, rng)
    if case.topology is not None:
        changed["topology"] = _topology(case.topology, worlds)
    new = dict.fromkeys(name for world in worlds for name in world.values())
    return replace(case, suspects=(*case.suspects, *new), **changed)


def call_edges(case: Case) -> set[tuple[str, str]]:
    """(caller, callee) by topology, peers, and the parents of spans."""
    edges = set(known_edges(case))
    if case.traces is not None:
        seen = call_tree.edges(case.traces)
        edges |= {(a, b) for a, b in zip(seen["caller"], seen["callee"], strict=True) if a != b}
    return edges


def plan(case: Case, edges: set[tuple[str, str]], count: int, seed: int) -> list[World]:
    """Worlds: a decoy for each model. Where they do not suffice for a world, some stand in two."""
    models = _models(case, edges)
    rng = np.random.default_rng(seed)
    names = _names(rng, count, set(case.suspects) | {end for edge in edges for end in edge})
    order = [models[i] for i in rng.permutation(len(models))][:count]
    of = {model: names[i::len(order)] for i, model in enumerate(order)}
    return [{model: own[k % len(own)] for model, own in of.items()}
            for k in range(max(map(len, of.values())))]


def _models(case: Case, edges: set[tuple[str, str]]) -> list[str]:
    """Called services that the tables know; all but the entry where no edge is known."""
    seen: set[str] = {end for edge in edges for end in edge}
    for frame in case.tables.values():
        for column in ("service", "instance"):
            if column in frame:
                seen.update(frame[column].dropna().unique())
    known = sorted(s for s in seen & set(case.suspects) if "->" not in s
                   and s != case.entry_service)
    called = [s for s in known if s in {callee for _, callee in edges}]
    if not known:
        raise CaseError("Decoys need a suspect that the tables know. "
                        f"This Case has {', '.join(case.tables) or 'no tables'}.")
    return called or known


def _names(rng: np.random.Generator, count: int, taken: set[str]) -> list[str]:
    made: dict[str, None] = {}
    while len(made) < count:
        name = "".join(_SYLLABLES[i] for i in rng.integers(len(_SYLLABLES),
                                                           size=rng.integers(2, 5)))
        if name not in taken:
            made[name] = None
    return list(made)


# --- blocks of normal time -----------------------------------------------------------------
def _step(case: Case) -> int:
    """The usual time between samples of a metric, ns; a second where there are none."""
    if case.metrics is None or len(case.metrics) < 2:
        return _SECOND
    metrics = case.metrics
    key = [c for c in ("service", "name", "instance", "peer_service") if c in metrics]
    column = metrics.groupby(key, dropna=False, sort=True).ngroup()
    times = np.sort(metrics.loc[column == column.mode()[0], "time"].astype("int64").unique())
    apart, often = np.unique(np.diff(times), return_counts=True)
    return int(apart[often.argmax()]) if len(apart) else _SECOND


@dataclass(frozen=True)
class _Block:
    """Blocks: [start, start + length) of normal time is seen again ``by`` later; ns."""

    start: np.ndarray
    length: np.ndarray
    by: np.ndarray

    def rows(self, frame: pd.DataFrame, time: str = "time") -> pd.DataFrame:
        """The frame's rows again, where and as often as their block is."""
        frame = frame.sort_values(time, kind="stable")
        times = frame[time].astype("int64").to_numpy()
        low = np.searchsorted(times, self.start)
        count = np.searchsorted(times, self.start + self.length) - low
        at = np.repeat(low - np.cumsum(count) + count, count) + np.arange(count.sum())
        moved = pd.to_datetime(times[at] + np.repeat(self.by, count), utc=True).as_unit("ns")
        return frame.iloc[at].assign(**{time: moved})


def _blocks(case: Case, step: int, rng: np.random.Generator) -> _Block:
    """Blocks that fill all windows, each from a place in normal time, whole steps away.

    In the incident they are as long as it is (at most half the longest normal window): what
    drifts in normal time drifts there too, and does not cancel out.
    """
    normal = [(a.value, b.value) for a, b in union(case.normal)]
    abnormal = case.abnormal[1].value - case.abnormal[0].value
    long_block = min(abnormal, max(b - a for a, b in normal) // 2)
    short = min(long_block, sum(b - a for a, b in normal) // BLOCKS)
    filled = [tile for a, b in normal for tile in _tiles(a, b, short, step)]
    filled += _tiles(case.abnormal[0].value, case.abnormal[1].value, long_block, step)
    start, long = (np.array(each, dtype="int64") for each in zip(*filled, strict=True))
    place = np.array([_place(normal, *each, step, rng)
                      for each in zip(start, long, strict=True)])
    return _Block(place, long, start - place)


def _tiles(start: int, end: int, length: int, step: int) -> list[tuple[int, int]]:
    """(start, length) of blocks of whole steps that fill this time; the last may be shorter."""
    whole = max(-(-length // step) * step, step)
    return [(at, min(whole, end - at)) for at in range(start, end, whole)]


def _place(normal: Sequence[tuple[int, int]], start: int, length: int, step: int,
           rng: np.random.Generator) -> int:
    """Where in normal time a block comes from, whole steps away; every place is equally likely.

    Where no window is long enough for it, the start of the longest.
    """
    first = np.array([a + (start - a) % step for a, _ in normal])
    ends = np.array([b for _, b in normal])
    places = np.maximum((ends - length - first) // step + 1, 0)
    if not places.sum():
        return int(first[np.argmax(ends - first)])
    at = int(rng.integers(places.sum()))
    window = int(np.searchsorted(places.cumsum(), at, side="right"))
    return int(first[window] + (at - places[:window].sum()) * step)


# --- tables --------------------------------------------------------------------------------
def _own(worlds: Sequence[World]) -> list[World]:
    """The worlds, with each decoy in the first that has it."""
    had: set[str] = set()
    made: list[World] = []
    for world in worlds:
        made.append({model: name for model, name in world.items() if name not in had})
        had |= set(world.values())
    return made


def _metrics(case: Case, metrics: pd.DataFrame, worlds: Sequence[World],
             edges: set[tuple[str, str]], blocks: Sequence[_Block]) -> pd.DataFrame:
    normal = case.select("metrics", "normal")
    parts = [metrics]
    for world, own, block in zip(worlds, _own(worlds), blocks, strict=True):
        mine = block.rows(normal[normal["service"].isin(list(own))])
        if "peer_service" not in metrics:
            parts.append(_as(mine, own))
            continue
        calls_it = _pairs(mine, "peer_service", "service", edges)
        parts.append(_as(mine[calls_it | mine["peer_service"].isna()], own))
        inside = mine[mine["peer_service"].isin(list(world)) | ~(
            calls_it | mine["peer_service"].isna())]
        parts.append(_as(inside.assign(peer_service=_mapped(inside["peer_service"], world)), own))
        about = normal[normal["peer_service"].isin(list(own))]
        about = block.rows(about[_pairs(about, "service", "peer_service", edges)])
        parts.append(about.assign(peer_service=_mapped(about["peer_service"], own)))
    return pd.concat([p for p in parts if len(p)], ignore_index=True)


def _pairs(rows: pd.DataFrame, first: str, second: str, edges: set[tuple[str, str]]
           ) -> pd.Series:
    """Which rows' pair of columns is an edge."""
    if not edges:
        return pd.Series(False, index=rows.index)
    found = pd.MultiIndex.from_frame(rows[[first, second]]).isin(list(edges))
    return pd.Series(found, index=rows.index)


def _mapped(names: pd.Series, world: World) -> pd.Series:
    return names.map(world).fillna(names)


def _as(rows: pd.DataFrame, own: World) -> pd.DataFrame:
    """Rows of models as those of their decoys; an instance is called after its service."""
    changed: dict[str, Any] = {"service": _mapped(rows["service"], own)}
    if "instance" in rows:
        pairs = rows[["service", "instance"]].drop_duplicates()
        new = [None if pd.isna(i) else i.replace(s, own[s]) if s in i else f"{own[s]}-{i}"
               for s, i in zip(pairs["service"], pairs["instance"], strict=True)]
        changed["instance"] = rows.merge(pairs.assign(new=new), on=["service", "instance"],
                                         how="left")["new"].to_numpy()
    return rows.assign(**changed)


def _lines(case: Case, logs: pd.DataFrame, worlds: Sequence[World],
           blocks: Sequence[_Block]) -> pd.DataFrame:
    """Log lines that no span of the Case wrote; those of spans are copied with them."""
    normal = case.select("logs", "normal")
    if case.traces is not None and {"trace_id", "span_id"} <= set(normal):
        spans = pd.MultiIndex.from_frame(case.traces[["trace_id", "span_id"]])
        normal = normal[~pd.MultiIndex.from_frame(normal[["trace_id", "span_id"]]).isin(spans)]
    ids = {name: None for name in ("trace_id", "span_id") if name in normal}
    parts = [logs]
    for own, block in zip(_own(worlds), blocks, strict=True):
        made = block.rows(normal[normal["service"].isin(list(own))])
        parts.append(made.assign(service=_mapped(made["service"], own), **ids))
    return pd.concat([p for p in parts if len(p)], ignore_index=True)


def _alerts(case: Case, alerts: pd.DataFrame, worlds: Sequence[World], past: Past,
            rng: np.random.Generator) -> pd.DataFrame:
    """What each decoy's model raised in a past incident, drawn for each."""
    key = "instance" if alerts["instance"].isin(case.suspects).any() else "service"
    found = past.alerts.groupby(["incident", key]).indices
    parts = [alerts]
    for own in _own(worlds):
        for model, name in own.items():
            at = found.get((int(rng.integers(past.number)), model))
            if at is not None:
                parts.append(_raised(past.alerts.iloc[at], model, name, key))
    made = pd.concat(parts[1:], ignore_index=True) if parts[1:] else alerts.iloc[:0]
    if "time" in made and len(parts) > 1:
        made = made.assign(time=case.abnormal[0] + made["time"])
    return pd.concat([alerts, made.reindex(columns=list(alerts))], ignore_index=True)


def _raised(rows: pd.DataFrame, model: str, name: str, key: str) -> pd.DataFrame:
    if key == "instance":
        return rows.assign(instance=name, service=name)
    return _as(rows, {model: name})


def _topology(topology: pd.DataFrame, worlds: Sequence[World]) -> pd.DataFrame:
    pairs = set(zip(topology["caller"], topology["callee"], strict=True))
    made: dict[tuple[str, str], None] = {}
    for world in worlds:
        for caller, callee in sorted(pairs):
            if callee in world:
                made[caller, world[callee]] = None
            if caller in world and (callee, caller) in pairs:
                made[world[caller], callee] = None
            if caller in world and callee in world:
                made[world[caller], world[callee]] = None
    new = pd.DataFrame(list(made), columns=["caller", "callee"])
    return pd.concat([topology, new], ignore_index=True)
