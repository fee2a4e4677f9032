"""OTLP files: the writer, the Collector's formats, and files cut short."""

import gzip
import struct

import orjson
import pyarrow as pa
import pytest

from aiops.errors import DecodeError
from aiops.otlp import files
from aiops.otlp.json import to_protobuf

LINES = {
    "traces": orjson.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [
        {"name": "a", "startTimeUnixNano": "7", "traceId": "01"}]}]}]}),
    "logs": orjson.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [
        {"observedTimeUnixNano": 7}]}]}]}),
    "metrics": orjson.dumps({"resourceMetrics": [{"scopeMetrics": [{"metrics": [
        {"name": "m", "gauge": {"dataPoints": [{"asInt": "3"}]}}]}]}]}),
}
REQUESTS = {signal: to_protobuf(signal, line) for signal, line in LINES.items()}


def zstd(data):
    return pa.Codec("zstd").compress(data, asbytes=True)


def frame(data):
    return struct.pack(">I", len(data)) + data


PACK = {"plain": bytes, "gzip": gzip.compress, "zstd": zstd}


@pytest.mark.parametrize("compress", [False, True])
def test_what_the_writer_wrote_is_read_back(tmp_path, compress):
    writer = files.Writer(tmp_path / "r")
    for signal, data in [*REQUESTS.items(), *REQUESTS.items()]:
        writer(signal, data)
    paths = writer.close(compress=compress)
    assert [p.name for p in paths] == [
        f"{s}.otlp.zst" if compress else f"{s}.otlp" for s in REQUESTS]
    assert sorted(p.name for p in (tmp_path / "r").iterdir()) == sorted(p.name for p in paths)
    for path, (signal, data) in zip(paths, REQUESTS.items(), strict=True):
        assert list(files.read(path)) == [(signal, data)] * 2


@pytest.mark.parametrize("pack", PACK)
@pytest.mark.parametrize("name", ["{}.data", "unnamed.data"])
@pytest.mark.parametrize("signal", LINES)
def test_reads_the_collectors_formats(tmp_path, signal, name, pack):
    line, request = LINES[signal], REQUESTS[signal]
    path = tmp_path / name.format(signal)
    contents = [line + b"\n" + line + b"\n", frame(request) * 2, frame(zstd(request)) * 2,
                frame(zstd(line)) * 2]
    for content in contents:
        path.write_bytes(PACK[pack](content))
        assert list(files.read(path)) == [(signal, request)] * 2


@pytest.mark.parametrize("pack", PACK)
@pytest.mark.parametrize("cut", [1, 5])
def test_a_file_cut_short_gives_what_is_whole_and_an_error(tmp_path, pack, cut):
    path = tmp_path / "traces.otlp"
    path.write_bytes(PACK[pack](frame(REQUESTS["traces"]) * 2)[:-cut])
    with pytest.raises(DecodeError, match="traces.otlp"):
        list(files.read(path))
    errors: list[DecodeError] = []
    got = list(files.read(path, on_error=errors.append))
    assert len(errors) == 1
    assert len(got) < 2
    assert pack != "plain" or got == [("traces", REQUESTS["traces"])]


def test_a_bad_line_is_handed_over_and_the_rest_read(tmp_path):
    path = tmp_path / "traces.jsonl"
    path.write_bytes(b"\n".join([LINES["traces"], b"{bad", LINES["traces"]]))
    errors: list[DecodeError] = []
    assert len(list(files.read(path, on_error=errors.append))) == 2
    assert "line 2" in str(errors[0])


def test_random_bytes_are_refused(tmp_path):
    path = tmp_path / "something.bin"
    path.write_bytes(b"\x00\x00\x00\x04abcd")
    with pytest.raises(DecodeError, match="Name the file"):
        list(files.read(path))
    assert list(files.read(_write(tmp_path / "empty.otlp", b""))) == []


def _write(path, content):
    path.write_bytes(content)
    return path
