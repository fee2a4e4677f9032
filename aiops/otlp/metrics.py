"""Metrics of all five types: one row a data point, one for a metric without points."""

from __future__ import annotations

from typing import Any

from aiops.otlp import attributes
from aiops.otlp.leftovers import leftover
from aiops.otlp.resources import Source
from aiops.otlp.tables import Row, Tables, nanoseconds
from aiops.schema import METRICS

_FIRST = METRICS.get_field_index("value_double")  # the columns from here on vary by type
_VALUES = METRICS.names[_FIRST:-1]
_TIMES = ("start_time_unix_nano", "time_unix_nano")


def time(metric: Any) -> int | None:
    return min((t for point in _points(metric) if (t := nanoseconds(point.time_unix_nano))),
               default=None)


def add(tables: Tables, source: Source, metric: Any, keep: bool) -> None:
    """Append a metric's points; ``keep``: the batch holds what has no column."""
    kind = metric.WhichOneof("data")
    data = getattr(metric, kind) if kind else None
    head = (*source, metric.name, metric.description or None, metric.unit or None, kind,
            getattr(data, "aggregation_temporality", None), getattr(data, "is_monotonic", None))
    for point in _points(metric):
        _add_point(tables, head, metric, point, keep)
    if not _points(metric):
        row_id = tables.row_id()
        more = attributes.add(tables.rows["metric_metadata"], row_id, None, metric.metadata)
        tables.rows["metrics"].append(
            (row_id, *head, None, None, None, *[None] * len(_VALUES),
             leftover(metric) if keep or more else None))


def _points(metric: Any) -> Any:
    kind = metric.WhichOneof("data")
    return getattr(metric, kind).data_points if kind else ()


def _add_point(tables: Tables, head: Row, metric: Any, point: Any, keep: bool) -> None:
    row_id, at = tables.row_id(), nanoseconds(point.time_unix_nano)
    values = _values(point)
    # Both, whatever the first says: each adds rows.
    more = [attributes.add(tables.rows["metric_attributes"], row_id, at, point.attributes),
            attributes.add(tables.rows["metric_metadata"], row_id, at, metric.metadata)]
    odd = any(getattr(point, field) >> 63 for field in _TIMES)
    tables.rows["metrics"].append((
        row_id, *head, nanoseconds(point.start_time_unix_nano), at, point.flags,
        *(values.get(name) for name in _VALUES),
        leftover(_alone(metric, point)) if keep or odd or any(more) else None))
    for exemplar in getattr(point, "exemplars", ()):
        _add_exemplar(tables, row_id, exemplar, keep)


def _values(point: Any) -> dict[str, Any]:
    """The columns of a point by its type; a field not sent is null."""
    match point.DESCRIPTOR.name:
        case "NumberDataPoint":
            return _number(point)
        case "HistogramDataPoint":
            return _counted(point) | {
                "explicit_bounds": list(point.explicit_bounds),
                "bucket_counts": list(point.bucket_counts)}
        case "ExponentialHistogramDataPoint":
            return _counted(point) | {
                "scale": point.scale, "zero_count": point.zero_count,
                "zero_threshold": point.zero_threshold,
                **_buckets(point, "positive"), **_buckets(point, "negative")}
        case _:  # SummaryDataPoint
            return {"count": point.count, "sum": point.sum,
                    "quantiles": [q.quantile for q in point.quantile_values],
                    "quantile_values": [q.value for q in point.quantile_values]}


def _number(point: Any) -> dict[str, Any]:
    kind = point.WhichOneof("value")
    return {"value_double": point.as_double if kind == "as_double" else None,
            "value_int": point.as_int if kind == "as_int" else None}


def _counted(point: Any) -> dict[str, Any]:
    sent = {name: getattr(point, name) for name in ("sum", "min", "max") if point.HasField(name)}
    return {"count": point.count} | sent


def _buckets(point: Any, side: str) -> dict[str, Any]:
    if not point.HasField(side):
        return {}
    buckets = getattr(point, side)
    return {f"{side}_offset": buckets.offset,
            f"{side}_bucket_counts": list(buckets.bucket_counts)}


def _alone(metric: Any, point: Any) -> Any:
    """The metric with this point only, so that one leftover tells of both."""
    single = type(metric)()
    single.CopyFrom(metric)
    data = getattr(single, metric.WhichOneof("data"))
    del data.data_points[:]
    data.data_points.add().CopyFrom(point)
    return single


def _add_exemplar(tables: Tables, metric: int, exemplar: Any, keep: bool) -> None:
    row_id, at = tables.row_id(), nanoseconds(exemplar.time_unix_nano)
    value = _number(exemplar)
    more = attributes.add(tables.rows["exemplar_attributes"], row_id, at,
                          exemplar.filtered_attributes)
    tables.rows["exemplars"].append((
        row_id, metric, at, value["value_double"], value["value_int"],
        exemplar.trace_id or None, exemplar.span_id or None,
        leftover(exemplar) if keep or more or exemplar.time_unix_nano >> 63 else None))
