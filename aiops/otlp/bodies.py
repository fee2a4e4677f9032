"""The body of an HTTP request: with a length or in chunks, plain or compressed, never too large."""

from __future__ import annotations

import zlib
from email.message import Message
from io import BufferedIOBase

from aiops.errors import DecodeError

MAX_REQUEST_BYTES = 64 * 2**20
_MAX_LINE = 4096  # of a chunk's size or a trailer
_MAX_TRAILERS = 100


class Refusal(Exception):
    """An answer other than 200."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def read(stream: BufferedIOBase, headers: Message) -> bytes:
    """The body as it was sent, to the end of the request.

    Raises Refusal: 400 where it breaks off, 411 without a length, 413 where it is too large.
    """
    length, coding = headers.get("content-length"), headers.get("transfer-encoding")
    if coding is None:
        return _sized(stream, length)
    if coding.strip().lower() != "chunked":
        raise Refusal(501, f"Transfer-Encoding must be chunked. Got {coding}.")
    if length is not None:  # two ends: what lies between could be taken for another request
        raise Refusal(400, "Content-Length and Transfer-Encoding exclude each other.")
    return _chunked(stream)


def unpack(body: bytes, coding: str) -> bytes:
    """The body without its Content-Encoding: identity, gzip or deflate."""
    if coding == "identity":
        return body
    if coding in ("gzip", "deflate"):
        return _inflate(body)
    raise Refusal(415, f"Content-Encoding must be gzip or deflate. Got {coding}.")


def _sized(stream: BufferedIOBase, length: str | None) -> bytes:
    if length is None or not (length.isascii() and length.isdigit() and len(length) < 19):
        raise Refusal(411, "A body needs a Content-Length, or Transfer-Encoding: chunked.")
    _check_size(int(length))
    return _exactly(stream, int(length))


def _chunked(stream: BufferedIOBase) -> bytes:
    """RFC 9112, 7.1; what trailers say is not for us."""
    parts, total = [], 0
    while size := _chunk_size(_line(stream)):
        total += size
        _check_size(total)
        parts.append(_exactly(stream, size))
        if _line(stream):
            raise Refusal(400, "A chunk is longer than it said.")
    for _ in range(_MAX_TRAILERS):
        if not _line(stream):
            return b"".join(parts)
    raise Refusal(400, f"More than {_MAX_TRAILERS} trailers follow the last chunk.")


def _chunk_size(line: bytes) -> int:
    digits = line.split(b";")[0].strip()
    if not 0 < len(digits) <= 16 or digits.strip(b"0123456789abcdefABCDEF"):
        raise Refusal(400, f"A chunk must begin with its size in hex. Got {line[:40]!r}.")
    return int(digits, 16)


def _line(stream: BufferedIOBase) -> bytes:
    line = stream.readline(_MAX_LINE)
    if not line.endswith(b"\n"):
        raise Refusal(400, f"The body breaks off in the line {line[:40]!r}, or the line is over "
                           f"{_MAX_LINE} bytes long.")
    return line.rstrip(b"\r\n")


def _exactly(stream: BufferedIOBase, length: int) -> bytes:
    body = stream.read(length)
    if len(body) < length:
        raise Refusal(400, f"The body ended after {len(body)} of {length} bytes.")
    return body


def _check_size(length: int) -> None:
    if length > MAX_REQUEST_BYTES:
        raise Refusal(413, f"A request may have {MAX_REQUEST_BYTES} bytes. Got {length}.")


def _inflate(body: bytes) -> bytes:
    """A zlib body, or the gzip members it consists of, no larger than a request may be."""
    parts, room = [], MAX_REQUEST_BYTES
    while body:
        machine = zlib.decompressobj(zlib.MAX_WBITS | 32)
        parts.append(_unpacked(machine, body, room + 1))
        room -= len(parts[-1])
        if room < 0:
            raise Refusal(413, f"The body unpacks to more than {MAX_REQUEST_BYTES} bytes.")
        if not machine.eof:
            raise DecodeError(f"The compressed body ends early, after {len(body)} bytes.")
        body = machine.unused_data
    return b"".join(parts)


def _unpacked(machine: zlib._Decompress, body: bytes, most: int) -> bytes:
    try:
        return machine.decompress(body, most)
    except zlib.error as error:
        raise DecodeError(f"The compressed body cannot be read: {error}.") from error
