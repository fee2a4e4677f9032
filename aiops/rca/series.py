"""The metric columns of a Case, side by side, and the statistics that rankers share.

Spans become columns too, so that a ranker of metrics also works on a Case of traces:
per service and bucket the latency p95, the share of errors and the number of spans;
a peer that sends no spans (a database) is seen through its callers' spans, and an edge
``a->b`` that may be to blame through what lies between a's client spans and b's answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from aiops.case import Case, Which, Window
from aiops.errors import CaseError
from aiops.rca.instances import owner

BUCKET_S = 5.0
KEY = ["service", "name", "instance", "peer_service"]
_ENTERING = ("server", "consumer")
_LEAVING = ("client", "producer")


@dataclass(frozen=True)
class Columns:
    """Values by column, long: ``column`` (a number), ``time``, ``value``; both sides apart.

    ``about`` has a row a column: service, name, unit, and owner, the suspect that it tells about.
    """

    about: pd.DataFrame
    normal: pd.DataFrame
    abnormal: pd.DataFrame


def columns(case: Case, bucket_s: float = BUCKET_S) -> Columns:
    """All columns of a Case's metrics and spans.

    Values are in ascending order within a column, so that sums do not depend on the order
    of rows. The time of a bucket of spans is its start.

    Raises:
        CaseError: the Case has neither metrics nor traces.
    """
    sides = [_side(case, which, bucket_s) for which in ("normal", "abnormal")]
    both = pd.concat(sides, keys=["normal", "abnormal"], names=["side"])
    both["column"] = _numbered(both[KEY])
    about = both[~both["column"].duplicated()].set_index("column").sort_index()
    about = about.assign(owner=owner(about, case.suspects))[["service", "name", "unit", "owner"]]
    kept = both[["column", "time", "value"]].sort_values(["column", "value"])
    normal = kept.index.get_level_values("side") == "normal"
    parts = {"normal": kept[normal].reset_index(drop=True),
             "abnormal": kept[~normal].reset_index(drop=True)}
    return Columns(about, parts["normal"], parts["abnormal"])


def _numbered(keys: pd.DataFrame) -> np.ndarray:
    """A number a row, the same for equal keys; numbers follow the order of the keys."""
    number = np.zeros(len(keys), dtype=np.int64)
    for name in keys:
        codes, known = pd.factorize(keys[name], sort=True)
        number = np.unique(number * (len(known) + 1) + codes + 1, return_inverse=True)[1]
    return number


def varying(made: Columns) -> pd.Index:
    """Columns seen on both sides and constant on neither."""
    spans = [side.groupby("column")["value"].agg(["min", "max"])
             for side in (made.normal, made.abnormal)]
    moving = [span.index[span["max"] > span["min"]] for span in spans]
    return moving[0].intersection(moving[1])


def quantiles(side: pd.DataFrame, *levels: float) -> pd.DataFrame:
    """Quantiles by column: a row a column, a column a level."""
    return side.groupby("column")["value"].quantile(list(levels)).unstack()


def robust(normal: pd.DataFrame) -> pd.DataFrame:
    """Median and unit-free scale by column.

    The scale is IQR/1.35, where that is 0 the 5-95 % range/3.29, and never below 1 % of
    |median|; a column that never moved takes a tenth of its largest value, and one that
    was always 0 has no scale of its own (0).
    """
    q = quantiles(normal, 0.05, 0.25, 0.5, 0.75, 0.95)
    iqr, wide = (q[0.75] - q[0.25]) / 1.35, (q[0.95] - q[0.05]) / 3.29
    scale = iqr.where(iqr > 0, wide)
    largest = normal["value"].abs().groupby(normal["column"]).max()
    scale = scale.where(scale > 0, largest / 10)
    return pd.DataFrame({"median": q[0.5], "scale": np.maximum(scale, q[0.5].abs() / 100)})


def shift(made: Columns) -> pd.Series:
    """By column: how many normal scales the abnormal mean lies off the normal median.

    A column that was always 0 and moved gets as many scales as its share of rows that
    moved, times 10: the mean of a flag, which has no unit.
    """
    normal = robust(made.normal)
    value = made.abnormal.groupby("column")["value"]
    mean, moved = value.mean(), value.agg(lambda v: float((v != 0).mean()))
    z = (mean - normal["median"]) / normal["scale"].where(normal["scale"] > 0)
    flag = (10 * moved * np.sign(mean)).where(normal["scale"] == 0)
    return z.fillna(flag).dropna()


def worst(made: Columns, by_column: pd.Series) -> pd.Series:
    """By owner: the highest of its columns."""
    owner = made.about["owner"].rename("service").reindex(by_column.index)
    return by_column.groupby(owner).max()


def blame(case: Case, made: Columns, by_column: pd.Series) -> pd.Series:
    """A suspect's blame is that of its worst column; who has none gets 0."""
    return ordered(case, worst(made, by_column))


def ordered(case: Case, by_suspect: pd.Series) -> pd.Series:
    """Blame over all suspects, float64, highest first; equal blame by name, which says nothing."""
    full = by_suspect.reindex(sorted(case.suspects)).fillna(0.0).clip(lower=0.0).astype(float)
    return full.sort_values(ascending=False, kind="stable").rename("blame")


def _side(case: Case, which: Which, bucket_s: float) -> pd.DataFrame:
    parts = []
    if case.metrics is not None:
        parts.append(case.select("metrics", which))
    if case.traces is not None:
        windows = [case.abnormal] if which == "abnormal" else list(case.normal)
        spans = case.select("traces", which)
        parts.append(span_series(spans, windows, bucket_s))
        if edges := edge_suspects(case):
            parts.append(edge_series(spans, edges, windows, bucket_s))
    if not parts:
        raise CaseError("Ranking by metrics needs metrics or traces. "
                        f"This Case has {', '.join(case.tables) or 'no tables'}.")
    made = pd.concat(parts, ignore_index=True)
    return made.reindex(columns=[*KEY, "unit", "time", "value"]).astype(
        {name: "object" for name in [*KEY, "unit"]})


def span_series(spans: pd.DataFrame, windows: list[Window], bucket_s: float) -> pd.DataFrame:
    """Spans as metrics: ``span_latency_p95`` (ms), ``span_error_rate``, ``span_count``.

    Buckets are whole and counted from the start of each window; a bucket without spans
    has a count of 0 and neither latency nor errors.
    """
    answered = _answered(spans)
    parts = [_buckets(answered, *whole, bucket_s) for whole in _whole(windows, bucket_s)]
    return pd.concat(parts, ignore_index=True)


def _whole(windows: list[Window], bucket_s: float) -> Iterator[tuple[pd.Timestamp, int]]:
    """Start of each window and how many whole buckets it holds."""
    for start, end in windows:
        yield start, int((end - start).total_seconds() // bucket_s)


def edge_suspects(case: Case) -> list[str]:
    """Suspects that are edges, ``caller->callee``."""
    return [suspect for suspect in case.suspects if "->" in suspect]


def edge_series(spans: pd.DataFrame, edges: list[str], windows: list[Window],
                bucket_s: float) -> pd.DataFrame:
    """What lies on these edges: time and calls that the callee did not see.

    ``edge_latency_p95`` (ms) of the client span less the callee's answer, ``edge_error_rate``
    the share of calls that nobody answered. How many there were is the callee's own matter.
    """
    if "kind" not in spans or "peer_service" not in spans:
        return span_series(spans.iloc[:0], windows, bucket_s)
    crossing = _crossing(spans, edges)
    made = pd.concat([_buckets(crossing, *whole, bucket_s) for whole in _whole(windows, bucket_s)],
                     ignore_index=True)
    made["name"] = made["name"].str.replace("span_", "edge_")
    return made[made["name"] != "edge_count"]


def _crossing(spans: pd.DataFrame, edges: list[str]) -> pd.DataFrame:
    """Client spans by edge, with what their callee's span leaves of their time."""
    leaving = spans[spans["kind"].isin(_LEAVING) & spans["peer_service"].notna()]
    crossing = leaving.assign(service=leaving["service"] + "->" + leaving["peer_service"])
    crossing = crossing[crossing["service"].isin(edges)]
    answers = spans[spans["kind"].isin(_ENTERING)]
    inner = answers.groupby(["trace_id", "parent_span_id"])["duration_ns"].max()
    crossing = crossing.join(inner.rename("inner"), on=["trace_id", "span_id"])
    unanswered = crossing["inner"].isna()
    return crossing.assign(
        status_code=unanswered.map({True: "error", False: "ok"}),
        duration_ns=crossing["duration_ns"] - crossing["inner"].fillna(0))


def _answered(spans: pd.DataFrame) -> pd.DataFrame:
    """The spans that show how a service answers, by the service that answers."""
    kind = spans["kind"] if "kind" in spans else pd.Series(None, index=spans.index, dtype=object)
    entering = kind.isin(_ENTERING)
    without = ~spans["service"].isin(spans.loc[entering, "service"].unique())
    own = spans[entering | (without & ~kind.isin(_LEAVING))]
    if "peer_service" not in spans:
        return own
    peers = spans[kind.isin(_LEAVING) & spans["peer_service"].notna()
                  & ~spans["peer_service"].isin(own["service"].unique())]
    return pd.concat([own, peers.assign(service=peers["peer_service"])])


def _buckets(spans: pd.DataFrame, start: pd.Timestamp, n: int, bucket_s: float) -> pd.DataFrame:
    number = ((spans["start"] - start).dt.total_seconds() // bucket_s).astype(int)
    kept = spans[(number >= 0) & (number < n)]
    status = kept["status_code"] if "status_code" in kept else pd.Series(None, index=kept.index)
    data = pd.DataFrame({"service": kept["service"], "bucket": number[kept.index],
                         "ms": kept["duration_ns"] / 1e6, "error": status.eq("error")})
    group = data.groupby(["service", "bucket"])
    grid = pd.MultiIndex.from_product([sorted(data["service"].unique()), range(n)],
                                      names=["service", "bucket"])
    made = {"span_latency_p95": group["ms"].quantile(0.95),
            "span_error_rate": group["error"].mean(),
            "span_count": group.size().reindex(grid, fill_value=0).astype(float)}
    rows = pd.concat([values.rename("value").reset_index().assign(name=name)
                      for name, values in made.items()], ignore_index=True)
    at = start + pd.to_timedelta(rows.pop("bucket") * bucket_s, unit="s")
    return rows.assign(time=at.astype("datetime64[ns, UTC]"))
