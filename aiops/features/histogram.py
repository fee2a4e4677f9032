"""The latency histogram: geometric buckets that merge, and the quantile read from them.

Bucket i counts latencies over ``bounds[i - 1]`` up to and with ``bounds[i]``; the first
begins at 0, the last is open. A quantile is the geometric middle of its bucket, so it is
within sqrt(1.12) - 1 = 5.9 % of the exact one between 10 µs and 599 s; below that within
5 µs, above it is the bucket's lower bound.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pyarrow as pa

from aiops import schema
from aiops.errors import InputError

QUANTILES = {"latency_p50_ms": 0.50, "latency_p95_ms": 0.95, "latency_p99_ms": 0.99}
_COUNTS = ["request_count", "error_count", "latency_sum_ns", "log_count",
           *[f"log_{level}_count" for level in schema.SEVERITIES]]


@cache
def bounds_ns() -> np.ndarray:
    """Upper bounds of the buckets in ns, int64 (LATENCY_BUCKETS,); the last is nominal."""
    steps = schema.LATENCY_GROWTH ** np.arange(schema.LATENCY_BUCKETS)
    bounds = np.rint(schema.LATENCY_FIRST_NS * steps).astype(np.int64)
    bounds.flags.writeable = False
    return bounds


def quantile_ns(histogram: np.ndarray, q: float) -> float:
    """The q-quantile (nearest rank) in ns of a histogram (LATENCY_BUCKETS,); nan if empty."""
    counts = np.asarray(histogram, dtype=np.int64)
    if counts.shape != (schema.LATENCY_BUCKETS,) or not 0 <= q <= 1:
        raise InputError(f"quantile_ns takes {schema.LATENCY_BUCKETS} counts and 0 <= q <= 1, "
                         f"got shape {counts.shape} and q={q}.")
    if not (total := counts.sum()):
        return float("nan")
    # 1e-9: 0.95 * 20 must be rank 19, whatever floats make of it
    rank = max(1, int(np.ceil(q * total - 1e-9)))
    return _middle(int(np.searchsorted(np.cumsum(counts), rank)))


def _middle(bucket: int) -> float:
    bounds = bounds_ns()
    if bucket == 0:
        return bounds[0] / 2
    if bucket == len(bounds) - 1:
        return float(bounds[-2])
    return float(np.sqrt(float(bounds[bucket - 1]) * float(bounds[bucket])))


def merge(features: pa.Table, window_s: float) -> pa.Table:
    """Longer windows from base windows, by what merges.

    Returns service, window_start, window_s, observed_s (time that base windows cover),
    the counts and latency_sum_ns summed, latency_histogram summed, request_rate_per_s
    over observed_s, error_rate, and quantiles read from the histogram with its error.
    Null where every base window is null. ``window_s`` must be a multiple of the base.
    """
    base, ns = _base_ns(features), round(window_s * 1e9)
    if base and (ns < base or ns % base):
        raise InputError(f"window_s must be a multiple of the base window of {base / 1e9} s, "
                         f"got {window_s!r}.")
    wanted = ["service", "window_start", "window_s", *_COUNTS, "latency_histogram"]
    frame = features.select(wanted).to_pandas()
    stamps = frame["window_start"].dt.as_unit("ns").astype("int64")
    frame["window_start"] = pd.to_datetime(stamps // ns * ns, unit="ns", utc=True)
    frame["observed_s"] = frame["window_s"].where(frame["request_count"].notna())
    return _merged(frame, window_s)


def _base_ns(features: pa.Table) -> int:
    sizes = set(features["window_s"].unique().to_pylist())
    if len(sizes) > 1:
        raise InputError(f"features must share one window_s to merge, got {sorted(sizes)}.")
    return round(sizes.pop() * 1e9) if sizes else 0


def _merged(frame: pd.DataFrame, window_s: float) -> pa.Table:
    groups = frame.groupby(["service", "window_start"], sort=True)
    out = groups[[*_COUNTS, "observed_s"]].sum(min_count=1)
    out["latency_histogram"] = groups["latency_histogram"].agg(_add)
    out["window_s"] = float(window_s)
    out["request_rate_per_s"] = out["request_count"] / out["observed_s"]
    out["error_rate"] = out["error_count"] / out["request_count"].where(out["request_count"] > 0)
    for column, q in QUANTILES.items():
        out[column] = [None if h is None else quantile_ns(h, q) / 1e6
                       for h in out["latency_histogram"]]
    made = out.reset_index()  # by way of lists: pyarrow reads tz-aware columns in a deprecated way
    arrays = [pa.array(made[field.name].tolist(), field.type, from_pandas=True)
              for field in _merged_schema()]
    return pa.Table.from_arrays(arrays, schema=_merged_schema())


def _add(histograms: pd.Series) -> list[int] | None:
    present = [h for h in histograms if h is not None]
    return np.sum(present, axis=0).tolist() if present else None


def _merged_schema() -> pa.Schema:
    names = ["service", "window_start", "window_s", *_COUNTS, "request_rate_per_s",
             "error_rate", "latency_histogram", *QUANTILES]
    fields = [schema.FEATURES.field(name) for name in names]
    return pa.schema([*fields[:3], pa.field("observed_s", pa.float64()), *fields[3:]])
