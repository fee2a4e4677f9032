"""What the metrics of services show of a run: resources, traffic, latency, errors, and noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from aiops.simulation.faults import State
from aiops.simulation.requests import CLIENT, SERVER, Recorded
from aiops.simulation.topology import System

DRIVERS = ("work", "memory", "busy", "traffic", "nothing")  # what moves a resource's metric
TRAFFIC = ("request_rate", "latency_p50", "latency_p95", "error_rate")


@dataclass(frozen=True)
class Shown:
    """Which metrics there are, drawn once a system.

    Args:
        step_s: between points. names: of them. stores: whether stores have traffic, which their
            callers measure. peers: whether latency is also told by caller and callee of an edge.
        walk: how far noise wanders, as a share of its level. base: level of each metric, by
            service. hidden: services (numbers) that no metric is told of.
    """

    step_s: float
    names: tuple[str, ...]
    stores: bool
    peers: bool
    walk: float
    base: np.ndarray
    hidden: frozenset[int]


def draw(rng: np.random.Generator, system: System, step_s: float, stores: bool,
         many: bool = False) -> Shown:
    """A choice of metrics: of resources (several may tell the same), of traffic, of nothing.

    Args:
        many: a dozen of them, as systems have that raise alerts on whatever moves.
    """
    most = 5 if many else 2
    names = [f"{driver}_{number}" for driver in DRIVERS
             for number in range(int(rng.integers(int(many), most)))]
    names += [name for name in TRAFFIC if rng.random() < 0.6]
    if not any(name in TRAFFIC for name in names):
        names += ["latency_p95", "request_rate"]
    n = len(system.services)
    hidden = frozenset(np.flatnonzero(rng.random(n) < 0.05).tolist()) - {0}
    return Shown(step_s, tuple(names), stores, bool(rng.random() < 0.25),
                 float(10 ** rng.uniform(-2.5, -0.8)), 10 ** rng.uniform(0, 3, (n, len(names))),
                 hidden)


def series(system: System, recorded: Recorded, state: State, shown: Shown,
           rng: np.random.Generator) -> pd.DataFrame:
    """service, name, value, at (s), peer_service (None: the service's own), a row a point."""
    grid = _Grid(system, recorded, shown)
    frames = [frame for name in shown.names
              for frame in [_one(name, grid, state, rng)] if frame is not None]
    if shown.peers:
        frames += [grid.edges()]
    whole = pd.concat(frames, ignore_index=True).dropna(subset=["value"])
    names = np.array([each.name for each in system.services], dtype=object)
    keep = ~whole["service"].isin(shown.hidden)
    whole = whole[keep]
    peer = np.where(whole["peer"] >= 0, names[whole["peer"].clip(lower=0)], None)
    return pd.DataFrame({"service": names[whole["service"]], "name": whole["name"].to_numpy(),
                         "value": whole["value"].to_numpy(), "at": whole["at"].to_numpy(),
                         "peer_service": peer})


class _Grid:
    """A run cut into steps: services (rows) by steps (columns)."""

    def __init__(self, system: System, recorded: Recorded, shown: Shown) -> None:
        self.system, self.recorded, self.shown = system, recorded, shown
        self.n, self.steps = len(system.services), int(recorded.seconds // shown.step_s)
        self.told = np.array([not each.store for each in system.services])
        spans = recorded.spans
        self.ended = np.isfinite(spans["end"]) & (spans["end"] < self.steps * shown.step_s)

    def server(self) -> pd.DataFrame:
        """Answered requests: service, step, ms, error."""
        spans = self.recorded.spans
        at = np.flatnonzero(self.ended & (spans["kind"] == SERVER))
        return self._requests(at, "service")

    def _requests(self, at: np.ndarray, who: str) -> pd.DataFrame:
        spans = self.recorded.spans
        return pd.DataFrame({
            "service": spans[who][at], "other": spans["service"][at],
            "step": (spans["end"][at] // self.shown.step_s).astype(int),
            "ms": (spans["end"][at] - spans["start"][at]) * 1e3, "error": spans["error"][at]})

    def work(self) -> np.ndarray:
        """Seconds of processor by service and step."""
        made, work = np.zeros((self.n, self.steps)), self.recorded.work
        inside = work[:, 0] < self.steps * self.shown.step_s
        where = (work[inside, 1].astype(int), (work[inside, 0] // self.shown.step_s).astype(int))
        np.add.at(made, where, work[inside, 2])
        return made

    def count(self) -> np.ndarray:
        """Answered requests by service and step."""
        found = self.server()
        made = np.zeros((self.n, self.steps))
        np.add.at(made, (found["service"], found["step"]), 1.0)
        return made

    def busy(self) -> np.ndarray:
        """Requests that a service works at, in the mean, by when they were answered."""
        found = self.server()
        made = np.zeros((self.n, self.steps))
        np.add.at(made, (found["service"], found["step"]), found["ms"] / 1e3)
        return made / self.shown.step_s

    def frame(self, name: str, values: np.ndarray, services: np.ndarray) -> pd.DataFrame:
        """Long form of values (n_services, n_steps)."""
        at = np.tile(np.arange(self.steps) * self.shown.step_s, len(services))
        return pd.DataFrame({"service": np.repeat(services, self.steps), "peer": -1, "name": name,
                             "value": values[services].ravel(), "at": at})

    def edges(self) -> pd.DataFrame:
        """Median latency of each edge as its caller and as its callee see it."""
        spans = self.recorded.spans
        client = np.flatnonzero(self.ended & (spans["kind"] == CLIENT))
        seen = self._requests(client, "peer")
        group = seen.groupby(["other", "service", "step"])["ms"].median().reset_index()
        caller = group.rename(columns={"other": "caller", "service": "callee"})
        answered = np.flatnonzero(self.ended & (spans["kind"] == SERVER) & (spans["parent"] >= 0))
        own = self._requests(answered, "service")
        own["other"] = spans["service"][spans["parent"][answered]]
        callee = own.groupby(["other", "service", "step"])["ms"].median().reset_index().rename(
            columns={"other": "caller", "service": "callee"})
        callee = callee[self.told[callee["callee"]]]
        at = self.shown.step_s
        return pd.concat([
            pd.DataFrame({"service": caller["caller"], "peer": caller["callee"], "name": "out_p50",
                          "value": caller["ms"], "at": caller["step"] * at}),
            pd.DataFrame({"service": callee["callee"], "peer": callee["caller"], "name": "in_p50",
                          "value": callee["ms"], "at": callee["step"] * at})])


def _one(name: str, grid: _Grid, state: State, rng: np.random.Generator) -> pd.DataFrame | None:
    if name in TRAFFIC:
        return _traffic(name, grid)
    services = np.flatnonzero(grid.told)
    return grid.frame(name, _resource(name, grid, state, rng), services)


def _traffic(name: str, grid: _Grid) -> pd.DataFrame:
    """Of every service with requests; of stores where their callers measure them."""
    found = grid.server()
    found = found[grid.told[found["service"]] | grid.shown.stores]
    group = found.groupby(["service", "step"])
    values = {"request_rate": lambda: group.size() / grid.shown.step_s,
              "latency_p50": lambda: group["ms"].median(),
              "latency_p95": lambda: group["ms"].quantile(0.95),
              "error_rate": lambda: group["error"].mean()}[name]()
    if name == "request_rate":  # no request is a rate of 0, and no latency
        whole = pd.MultiIndex.from_product([found["service"].unique(), range(grid.steps)],
                                           names=["service", "step"])
        values = values.reindex(whole, fill_value=0.0)
    rows = values.rename("value").reset_index()
    return rows.assign(peer=-1, name=name, at=rows["step"] * grid.shown.step_s).drop(
        columns="step")


def _resource(name: str, grid: _Grid, state: State, rng: np.random.Generator) -> np.ndarray:
    shown, n, steps = grid.shown, grid.n, grid.steps
    level = shown.base[:, shown.names.index(name)][:, None]
    noise = 1 + _wander(rng, n, steps) * shown.walk
    driver = name.split("_")[0]
    if driver == "work":
        burnt = _by(state.burns, n, steps)
        idle = 0.005 + 0.01 * np.abs(rng.standard_normal((n, steps)))
        return np.asarray((grid.work() / shown.step_s + burnt + idle) * level * noise)
    if driver == "memory":
        grown = _by(state.grows, n, steps) * shown.step_s * np.arange(steps)
        for at, period in state.restarts.items():
            grown[at] -= 2e7 * (np.arange(steps) * shown.step_s % period < period / 2)
        return np.asarray((5e7 * (1 + 0.1 * noise) + grown) * level)
    if driver == "busy":
        return np.asarray((grid.busy() + 0.02) * level * noise)
    if driver == "traffic":
        return np.asarray((grid.count() + 1) * level * noise)
    return np.asarray(level * np.abs(noise))


def _by(values: dict[int, float], n: int, steps: int) -> np.ndarray:
    """By service (n, steps), 0 where there is none."""
    made = np.zeros((n, steps))
    for at, value in values.items():
        made[at] = value
    return made


def _wander(rng: np.random.Generator, n: int, steps: int) -> np.ndarray:
    """Autoregressive noise of unit variance (n, steps), with a rare spike."""
    keep = rng.uniform(0.0, 0.9, (n, 1))
    made = rng.standard_normal((n, steps)) * np.sqrt(1 - keep**2)
    for at in range(1, steps):
        made[:, at] += keep[:, 0] * made[:, at - 1]
    return np.asarray(made + 6 * (rng.random((n, steps)) < 0.003))
