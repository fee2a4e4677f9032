"""OTLP files into a lake: each whole, and once."""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from aiops.errors import DecodeError, InputError, UsageError
from aiops.lake.store import Store
from aiops.otlp import decode, files

log = logging.getLogger(__name__)
BATCH_BYTES = 8 * 2**20
COUNTS = ("requests", "spans", "logs", "metrics", "refused", "already_there")


def ingest(store: Store, file: Path) -> Counter[str]:
    """Add what a file holds, unless the lake has a file of the same bytes."""
    with open(file, "rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    there = Counter({"already_there": 1})
    if store.has(digest):
        return there
    counts: Counter[str] = Counter()

    def refuse(error: DecodeError) -> None:
        counts["refused"] += 1
        log.warning("refused: %s", error)

    with store.batch(digest) as batch:
        for signal, requests in _batches(files.read(file, on_error=refuse)):
            tables = decode(signal, requests)
            batch.add(tables)
            counts["requests"] += len(requests)
            counts.update({t: len(tables[t]) for t in ("spans", "logs", "metrics")})
    # Not committed with something in it: another process was quicker with the same file.
    return counts if batch.committed or not batch.parts else there


def files_of(path: Path) -> list[Path]:
    """The file, or the OTLP files in a folder and below.

    Raises:
        UsageError: nothing is there. InputError: a folder without one.
    """
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise UsageError(f"There is no file or folder {path}. Give an OTLP file, or a folder of "
                         "them.")
    found = [f for f in sorted(path.rglob("*")) if f.is_file() and _is_otlp(f.name)]
    if not found:
        raise InputError(
            f"{path} holds no OTLP files. Expected names such as traces.otlp, logs.jsonl, "
            f"metrics.json, all.otlp.jsonl, with .gz or .zst if compressed."
        )
    return found


def _is_otlp(name: str) -> bool:
    stem = name.removesuffix(".gz").removesuffix(".zst")
    named = ".otlp" in stem or any(signal in stem for signal in ("trace", "log", "metric"))
    return named and stem.endswith((".otlp", ".jsonl", ".json", ".proto", ".pb"))


def _batches(requests: Iterator[tuple[str, bytes]]) -> Iterator[tuple[str, list[bytes]]]:
    """Requests of one signal together, some megabytes at a time, however signals alternate."""
    held: dict[str, list[bytes]] = {}
    sizes: Counter[str] = Counter()
    for signal, data in requests:
        held.setdefault(signal, []).append(data)
        sizes[signal] += len(data)
        if sizes[signal] >= BATCH_BYTES:
            yield signal, held.pop(signal)
            del sizes[signal]
    yield from held.items()
