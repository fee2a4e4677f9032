"""A small recorded set, made here: real OTLP files of two services, and what is known of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from aiops.otlp import files
from tests import sent
from tests.sent import CLIENT, SERVER

T0 = pd.Timestamp("2026-01-05T10:00:00Z")


def at(seconds: float) -> str:
    return (T0 + pd.Timedelta(seconds=seconds)).isoformat()


def request(number: int, second: float, slow_ms: float) -> bytes:
    """front calls cart: three spans of one trace."""
    rng = np.random.default_rng(number)
    cart_ms = 4 + rng.random() + slow_ms
    spans = (("front", b"1", b"", SERVER, cart_ms + 3), ("front", b"2", b"1", CLIENT, cart_ms + 1),
             ("cart", b"3", b"2", SERVER, cart_ms))
    return sent.traces(sent.span(
        service, T0.value + int(second * 1e9), int(ms * 1e6), name="GET", kind=kind,
        trace_id=number.to_bytes(16, "big"), span_id=own * 8, parent_span_id=parent * 8,
        told={"server.address": "cart"} if kind == CLIENT else {},
    ) for service, own, parent, kind, ms in spans)


def recording(root: Path, name: str, start: float, seconds: float,
              planted: tuple[float, float] | None = None, slow_ms: float = 0.0,
              role: str = "incident") -> Path:
    """Four requests a second; ``planted`` counts from the start of the recording."""
    folder = root / "recordings" / name
    folder.mkdir(parents=True)
    writer = files.Writer(folder)
    for n in range(round(seconds * 4)):
        late = planted is not None and planted[0] <= n / 4 < planted[1]
        number = round(start * 4) + n + 1
        writer("traces", request(number, start + n / 4, slow_ms * late))
    writer.close(compress=True)
    about = {"id": name, "entry_service": "front", "recorded": [at(start), at(start + seconds)],
             "normal": [[at(start), at(start + (planted[0] if planted else seconds))]],
             "suspects": ["front", "cart", "host", "front->cart"]}
    if planted:
        abnormal = [at(start + planted[0]), at(start + planted[1])]
        about |= {"abnormal": abnormal, "detected_at": abnormal[0]}
        add_truth(root, name, abnormal, role)
    (folder / "recording.json").write_text(json.dumps(about))
    return folder


def add_truth(root: Path, name: str, planted: list[str], role: str) -> None:
    path = root / "truth.json"
    truth = json.loads(path.read_text()) if path.exists() else {}
    guilty = role == "incident"
    truth[name] = {"culprits": ["cart"] if guilty else [], "kind": "service" if guilty else "none",
                   "role": role, "start": planted[0], "end": planted[1],
                   "visible": {"GET /": {"latency": guilty, "errors": False}}}
    if guilty:
        truth[name]["fault"] = "latency"
    path.write_text(json.dumps(truth))
