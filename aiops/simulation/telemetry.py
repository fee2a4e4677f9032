"""What is seen of a run: spans and log records, less samples and services that tell nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from aiops.simulation.requests import CLIENT, SERVER, Recorded
from aiops.simulation.topology import System


@dataclass(frozen=True)
class Seen:
    """How a system is instrumented.

    Args:
        sampled: share of traces that are kept. dark: services (numbers) that send no spans.
        kinds: whether spans tell their kind and peer. logs: whether there are any; lines: share
            of records at level info that are kept. hosts: whether spans name their host.
    """

    sampled: float = 1.0
    dark: frozenset[int] = frozenset()
    kinds: bool = True
    logs: bool = True
    lines: float = 0.3
    hosts: bool = False


def draw(rng: np.random.Generator, system: System) -> Seen:
    """Most systems keep every trace and every service's; some do not."""
    sampled = 1.0 if rng.random() < 0.6 else float(10 ** rng.uniform(-1.3, -0.2))
    share = float(rng.uniform(0.05, 0.25)) if rng.random() < 0.3 else 0.0
    services = [at for at, each in enumerate(system.services) if at and not each.store]
    dark = frozenset(at for at in services if rng.random() < share)
    return Seen(sampled, dark, bool(rng.random() < 0.85), bool(rng.random() < 0.6),
                float(rng.uniform(0.05, 0.5)), bool(rng.random() < 0.4))


def spans(system: System, recorded: Recorded, seen: Seen, begin: pd.Timestamp, label: str
          ) -> pd.DataFrame:
    """Spans as a Case holds them; ``label`` (8 hex digits) begins all ids."""
    at = _exported(system, recorded, seen)
    of = {name: values[at] for name, values in recorded.spans.items()}
    names = np.array([each.name for each in system.services], dtype=object)
    operations = np.array([each.name for each in system.operations], dtype=object)
    ids = np.array([f"{label}{row:08x}" for row in range(len(recorded.spans["start"]))],
                   dtype=object)
    made = pd.DataFrame({
        "trace_id": [f"{label}{trace:024x}" for trace in of["trace"]], "span_id": ids[at],
        "parent_span_id": np.where(of["parent"] < 0, None, ids[of["parent"].clip(min=0)]),
        "service": names[of["service"]], "operation": operations[of["operation"]],
        "start": begin + pd.to_timedelta(of["start"], unit="s"),
        "duration_ns": ((of["end"] - of["start"]) * 1e9).astype("int64"),
        "status_code": np.where(of["error"], "error", "unset")})
    if seen.hosts:
        told = [[("host.name", f"host-{each.host}")] for each in system.services]
        made["attributes"] = [told[at] for at in of["service"]]
    if seen.kinds:
        client = of["kind"] == CLIENT
        made["kind"] = np.where(client, "client", "server")
        made["peer_service"] = np.where(client, names[of["peer"].clip(min=0)], None)
    return made


def _exported(system: System, recorded: Recorded, seen: Seen) -> np.ndarray:
    """Rows of spans that ended, of services that tell, in traces that are kept."""
    of = recorded.spans
    store = np.array([each.store for each in system.services])
    silent = store | np.isin(np.arange(len(store)), list(seen.dark))
    kept = np.modf((of["trace"] + 1) * 0.6180339887498949)[0] < seen.sampled
    found: np.ndarray = np.flatnonzero(np.isfinite(of["end"]) & ~silent[of["service"]] & kept)
    return found


def lines(system: System, recorded: Recorded, seen: Seen, begin: pd.Timestamp, label: str,
          rng: np.random.Generator) -> pd.DataFrame:
    """Log records, of services that tell; most at level info are left out."""
    rows = [(time, system.services[service].name, severity, text, at)
            for time, service, text, severity, at in recorded.lines
            if service not in seen.dark and (severity > 9 or rng.random() < seen.lines)]
    made = pd.DataFrame(rows, columns=["time", "service", "severity_number", "body", "row"])
    trace = recorded.spans["trace"]
    at = made["row"].to_numpy(dtype=int)
    known = at >= 0
    traced = [f"{label}{trace[row]:024x}" if row >= 0 else None for row in at]
    return pd.DataFrame({
        "time": begin + pd.to_timedelta(made["time"].astype(float), unit="s"),
        "service": made["service"], "severity_number": made["severity_number"].astype("int64"),
        "body": made["body"], "template": made["body"], "trace_id": traced,
        "span_id": [f"{label}{row:08x}" if is_known else None
                    for row, is_known in zip(at, known, strict=True)]})


def edges(system: System, recorded: Recorded) -> pd.DataFrame:
    """Who called whom in a run: caller, callee."""
    of = recorded.spans
    client = of["kind"] == CLIENT
    names = np.array([each.name for each in system.services], dtype=object)
    pairs = np.unique(np.stack([of["service"][client], of["peer"][client]]), axis=1)
    return pd.DataFrame({"caller": names[pairs[0]], "callee": names[pairs[1]]})


def felt(recorded: Recorded) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What users see: start (s), latency (s; NaN: no answer), failed."""
    of = recorded.spans
    root = (of["parent"] < 0) & (of["kind"] == SERVER)
    return of["start"][root], (of["end"] - of["start"])[root], of["error"][root]
