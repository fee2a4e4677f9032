"""OTLP in files: the Collector file exporter's formats, read and written.

``json`` is one request a line. ``proto`` is frames: a 4-byte big-endian length, then
that many bytes; with the exporter's ``compression: zstd`` each frame is compressed by
itself, whichever format. The file as a whole may be gzip or zstd as well.
"""

from __future__ import annotations

import gzip
import io
import os
import re
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import orjson
import pyarrow as pa

from aiops.errors import DecodeError
from aiops.otlp import json, messages

_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_LENGTH = struct.Struct(">I")
_ROOTS = {"resourceSpans": "traces", "resource_spans": "traces", "resourceLogs": "logs",
          "resource_logs": "logs", "resourceMetrics": "metrics", "resource_metrics": "metrics"}
OnError = Callable[[DecodeError], Any]


class Writer:
    """A sink that appends requests to ``<folder>/<signal>.otlp``; any number of threads."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._files: dict[str, BinaryIO] = {}
        self._lock = threading.Lock()
        self._closed = False

    def __call__(self, signal: str, data: bytes) -> None:
        path = self.path(messages.check_signal(signal))
        with self._lock:
            if self._closed:
                raise ValueError(f"The writer of {self.folder} is closed.")
            if signal not in self._files:
                self._files[signal] = open(path, "ab")  # noqa: SIM115 - closed by close()
            # One write a frame, so that a kill leaves at most one torn frame at the end.
            self._files[signal].write(_LENGTH.pack(len(data)) + data)
            self._files[signal].flush()

    def path(self, signal: str) -> Path:
        return self.folder / f"{signal}.otlp"

    def close(self, compress: bool = False) -> list[Path]:
        """The files written; with ``compress`` as ``.otlp.zst`` (zstd 19) in their place."""
        with self._lock:
            self._closed = True
            for file in self._files.values():
                file.close()
        paths = [self.path(signal) for signal in self._files]
        return [_compress(path) for path in paths] if compress else paths


def read(path: str | os.PathLike[str], on_error: OnError | None = None,
         ) -> Iterator[tuple[str, bytes]]:
    """Each request of a file as (signal, protobuf bytes).

    The signal is told by the file's name, else by the content. Without ``on_error`` the
    first bad request raises DecodeError; with it, each is handed over and reading goes on
    where the format allows (a torn frame ends the file).
    """
    path = Path(path)
    signal = _signal_of_name(path.name)
    for place, result in _records(path):
        try:
            if isinstance(result, DecodeError):
                raise result
            yield _request(signal, result)
        except DecodeError as error:
            located = DecodeError(f"{path.name}, {place}: {error}")
            if on_error is None:
                raise located from error
            on_error(located)


def _records(path: Path) -> Iterator[tuple[str, bytes | DecodeError]]:
    """(place, bytes) of each line or frame; an error where the file breaks off."""
    with _open(path) as stream:
        try:
            is_text = stream.peek(1)[:1] in (b"{", b"\n", b"\r", b" ")
            yield from _lines(stream) if is_text else _frames(stream)
        except (OSError, EOFError, zlib.error) as error:
            yield "at its end", DecodeError(f"the compressed file breaks off: {error}")


def _open(path: Path) -> io.BufferedReader:
    with open(path, "rb") as file:
        magic = file.read(4)
    if magic[:2] == _GZIP:
        return io.BufferedReader(gzip.open(path, "rb"))
    if magic == _ZSTD:
        return io.BufferedReader(pa.input_stream(str(path), compression="zstd"))
    return open(path, "rb")


def _lines(stream: BinaryIO) -> Iterator[tuple[str, bytes | DecodeError]]:
    for number, line in enumerate(stream, 1):
        if line.strip():
            yield f"line {number}", line


def _frames(stream: BinaryIO) -> Iterator[tuple[str, bytes | DecodeError]]:
    number = 0
    while head := stream.read(_LENGTH.size):
        number += 1
        place = f"frame {number}"
        if len(head) < _LENGTH.size:
            yield place, DecodeError(f"only {len(head)} of the length's 4 bytes are there.")
            return
        length = _LENGTH.unpack(head)[0]
        frame = stream.read(length)
        if len(frame) < length:
            yield place, DecodeError(
                f"the frame says {length} bytes and {len(frame)} are there. Either the file was "
                f"cut, or it is neither OTLP/JSON lines nor length-prefixed OTLP protobuf."
            )
            return
        yield place, frame


def _request(signal: str | None, record: bytes) -> tuple[str, bytes]:
    if record.startswith(_ZSTD):
        record = _unpack(record)
    if record.lstrip()[:1] == b"{":
        signal = signal or _signal_of_json(record)
        return signal, json.to_protobuf(signal, record)
    signal = signal or _signal_of_protobuf(record)
    messages.parse(signal, record)
    return signal, record


def _unpack(frame: bytes) -> bytes:
    try:
        return pa.input_stream(io.BytesIO(frame), compression="zstd").read()
    except OSError as error:
        raise DecodeError(f"the zstd frame cannot be unpacked: {error}") from error


def _signal_of_name(name: str) -> str | None:
    words = set(re.split(r"[^a-z]+", name.lower()))
    found = [s for s in messages.SIGNALS if {s, s.removesuffix("s")} & words]
    return found[0] if len(found) == 1 else None


def _signal_of_json(line: bytes) -> str:
    try:
        content = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise DecodeError(f"no JSON: {error}") from error
    found = {_ROOTS[key] for key in content if key in _ROOTS}
    if len(found) != 1:
        raise DecodeError(
            f"a line must hold one of resourceSpans, resourceLogs, resourceMetrics. "
            f"Got {sorted(content)[:5]}."
        )
    return found.pop()


def _signal_of_protobuf(frame: bytes) -> str:
    """The signal whose shape fits: the wire types of times and points tell them apart."""
    for signal, fits in _SHAPES.items():
        try:
            request = messages.parse(signal, frame)
        except DecodeError:
            continue
        if fits(request):
            return signal
    raise DecodeError(
        "the bytes do not tell which signal they are. Name the file after it "
        "(traces, logs or metrics) if this is OTLP."
    )


_SHAPES: dict[str, Callable[[Any], bool]] = {
    "traces": lambda request: any(
        span.start_time_unix_nano
        for r in request.resource_spans for s in r.scope_spans for span in s.spans),
    "logs": lambda request: any(
        record.time_unix_nano or record.observed_time_unix_nano
        for r in request.resource_logs for s in r.scope_logs for record in s.log_records),
    "metrics": lambda request: any(
        metric.WhichOneof("data")
        for r in request.resource_metrics for s in r.scope_metrics for metric in s.metrics),
}


def _compress(path: Path) -> Path:
    target = path.with_suffix(".otlp.zst")
    staged = target.with_suffix(".tmp")
    staged.write_bytes(pa.Codec("zstd", 19).compress(path.read_bytes(), asbytes=True))
    staged.replace(target)
    path.unlink()
    return target
