"""Arrow schemas of every table, with units: the one source of column names.

Lake tables hold OTLP as it came. Ids are bytes of whatever length was sent,
times are ``timestamp[ns, UTC]``, enumerations are the protocol's own numbers (the
lake's views spell them out), and what has no column yet is kept, serialised, in
``unknown_fields``. Attributes are typed tables of their own, joined by ``row_id``
(resources and scopes: by ``resource_id`` / ``scope_id``, a hash of their content),
so that any key can be asked for and no type is lost.

A ``row_id`` is unique within its lake: the codec counts from 0 in a batch, and the
lake shifts a batch when it appends it.
"""

import pyarrow as pa

TIME = pa.timestamp("ns", tz="UTC")
WORD = pa.dictionary(pa.int32(), pa.string())  # few distinct values: names, keys

_SOURCE = [("resource_id", pa.uint64()), ("scope_id", pa.uint64()), ("service_name", WORD)]
_REST = [("dropped_attributes_count", pa.uint32()), ("unknown_fields", pa.binary())]

RESOURCES = pa.schema([
    ("resource_id", pa.uint64()), ("first_seen", TIME),
    ("service_name", WORD), ("service_namespace", WORD), ("service_version", WORD),
    ("service_instance_id", pa.string()), ("host_name", WORD), ("schema_url", WORD), *_REST,
])
SCOPES = pa.schema([
    ("scope_id", pa.uint64()), ("first_seen", TIME),
    ("name", WORD), ("version", WORD), ("schema_url", WORD), *_REST,
])
SPANS = pa.schema([
    ("row_id", pa.int64()), *_SOURCE,
    ("trace_id", pa.binary()), ("span_id", pa.binary()), ("parent_span_id", pa.binary()),
    ("trace_state", pa.string()), ("flags", pa.uint32()),
    ("name", WORD), ("kind", pa.int32()),
    ("start_time", TIME), ("end_time", TIME), ("duration_ns", pa.int64()),
    ("status_code", pa.int32()), ("status_message", pa.string()),
    ("dropped_events_count", pa.uint32()), ("dropped_links_count", pa.uint32()), *_REST,
])
SPAN_EVENTS = pa.schema([
    ("row_id", pa.int64()), ("span_row_id", pa.int64()), ("time", TIME), ("name", WORD), *_REST,
])
SPAN_LINKS = pa.schema([
    ("row_id", pa.int64()), ("span_row_id", pa.int64()), ("time", TIME),  # time: the span's start
    ("trace_id", pa.binary()), ("span_id", pa.binary()), ("trace_state", pa.string()),
    ("flags", pa.uint32()), *_REST,
])
LOGS = pa.schema([
    ("row_id", pa.int64()), *_SOURCE,
    ("time", TIME),  # when it happened, else when it was observed
    ("event_time", TIME), ("observed_time", TIME),
    ("severity_number", pa.int32()), ("severity_text", WORD), ("event_name", WORD),
    ("body", pa.string()),  # text as it is, anything else as JSON
    ("body_value", pa.binary()),  # the serialised AnyValue where the body is no text
    ("trace_id", pa.binary()), ("span_id", pa.binary()), ("flags", pa.uint32()), *_REST,
])
METRICS = pa.schema([  # one row a data point, of whichever type
    ("row_id", pa.int64()), *_SOURCE,
    ("name", WORD), ("description", WORD), ("unit", WORD),
    ("type", WORD),  # gauge, sum, histogram, exponential_histogram, summary
    ("temporality", pa.int32()), ("is_monotonic", pa.bool_()),
    ("start_time", TIME), ("time", TIME), ("flags", pa.uint32()),
    ("value_double", pa.float64()), ("value_int", pa.int64()),  # as sent: one of the two
    ("count", pa.uint64()), ("sum", pa.float64()), ("min", pa.float64()), ("max", pa.float64()),
    ("explicit_bounds", pa.list_(pa.float64())), ("bucket_counts", pa.list_(pa.uint64())),
    ("scale", pa.int32()), ("zero_count", pa.uint64()), ("zero_threshold", pa.float64()),
    ("positive_offset", pa.int32()), ("positive_bucket_counts", pa.list_(pa.uint64())),
    ("negative_offset", pa.int32()), ("negative_bucket_counts", pa.list_(pa.uint64())),
    ("quantiles", pa.list_(pa.float64())), ("quantile_values", pa.list_(pa.float64())),
    ("unknown_fields", pa.binary()),
])
EXEMPLARS = pa.schema([
    ("row_id", pa.int64()), ("metric_row_id", pa.int64()), ("time", TIME),
    ("value_double", pa.float64()), ("value_int", pa.int64()),
    ("trace_id", pa.binary()), ("span_id", pa.binary()), ("unknown_fields", pa.binary()),
])
ATTRIBUTES = pa.schema([
    ("row_id", pa.int64()), ("time", TIME),  # its owner's row and time
    ("key", WORD), ("type", WORD),  # string, int, double, bool, bytes, array, kvlist, empty
    ("string", pa.string()),  # text as it is; array and kvlist as JSON
    ("int", pa.int64()), ("double", pa.float64()), ("bool", pa.bool_()),
    ("bytes", pa.binary()),  # bytes as they are; array and kvlist serialised
])
_OWNER_ATTRIBUTES = ATTRIBUTES.remove(0)
RESOURCE_ATTRIBUTES = _OWNER_ATTRIBUTES.insert(0, pa.field("resource_id", pa.uint64()))
SCOPE_ATTRIBUTES = _OWNER_ATTRIBUTES.insert(0, pa.field("scope_id", pa.uint64()))

LAKE: dict[str, pa.Schema] = {
    "resources": RESOURCES, "scopes": SCOPES,
    "spans": SPANS, "span_events": SPAN_EVENTS, "span_links": SPAN_LINKS,
    "logs": LOGS, "metrics": METRICS, "exemplars": EXEMPLARS,
    "resource_attributes": RESOURCE_ATTRIBUTES, "scope_attributes": SCOPE_ATTRIBUTES,
    "span_attributes": ATTRIBUTES, "span_event_attributes": ATTRIBUTES,
    "span_link_attributes": ATTRIBUTES, "log_attributes": ATTRIBUTES,
    "metric_attributes": ATTRIBUTES, "exemplar_attributes": ATTRIBUTES,
    "metric_metadata": ATTRIBUTES,
}

# --- features: one row a service and base window -------------------------------------------
SEVERITIES = ("trace", "debug", "info", "warn", "error", "fatal")  # by severity number, 4 each
# Upper bounds of the latency histogram, geometric: an answer is within 6 % of the truth.
LATENCY_GROWTH = 1.12
LATENCY_FIRST_NS = 10_000
LATENCY_BUCKETS = 160  # 10 µs x 1.12^159 = 671 s; the last is open

FEATURES = pa.schema([
    ("service", pa.string()), ("window_start", TIME), ("window_s", pa.float64()),
    # traffic: server and consumer spans (roots of any kind where a service has none)
    ("request_count", pa.int64()), ("error_count", pa.int64()),
    ("request_rate_per_s", pa.float64()), ("error_rate", pa.float64()),
    # latency; the sum and the histogram merge over windows, the quantiles do not
    ("latency_sum_ns", pa.int64()), ("latency_histogram", pa.list_(pa.int64())),
    ("latency_p50_ms", pa.float64()), ("latency_p95_ms", pa.float64()),
    ("latency_p99_ms", pa.float64()),
    # calendar, in the stated time zone
    ("timezone", pa.string()), ("hour_of_day", pa.int32()), ("day_of_week", pa.int32()),
    ("day_of_month", pa.int32()), ("is_weekend", pa.bool_()),
    ("is_business_hour", pa.bool_()), ("is_peak_hour", pa.bool_()),
    # dependency, of this window
    ("upstream_services", pa.list_(pa.string())), ("downstream_services", pa.list_(pa.string())),
    ("dependency_count", pa.int32()),
    # resource
    ("cpu_cores", pa.float64()), ("memory_bytes", pa.float64()),
    ("memory_growth_bytes_per_s", pa.float64()),  # since the window before
    ("disk_read_bytes_per_s", pa.float64()), ("disk_write_bytes_per_s", pa.float64()),
    ("network_in_bytes_per_s", pa.float64()), ("network_out_bytes_per_s", pa.float64()),
    # logs by severity number
    ("log_count", pa.int64()), *[(f"log_{level}_count", pa.int64()) for level in SEVERITIES],
    # dimensions
    ("service_version", pa.string()), ("region", pa.string()), ("tenant", pa.string()),
])
CALENDAR = ("hour_of_day", "day_of_week", "day_of_month", "is_weekend", "is_business_hour",
            "is_peak_hour")
# What a model may see: numbers that neither tell the time nor need merging.
MODEL_FEATURES = (
    "request_rate_per_s", "error_rate", "latency_p50_ms", "latency_p95_ms", "latency_p99_ms",
    "dependency_count", "cpu_cores", "memory_growth_bytes_per_s", "disk_read_bytes_per_s",
    "disk_write_bytes_per_s", "network_in_bytes_per_s", "network_out_bytes_per_s",
    "log_count", "log_warn_count", "log_error_count",
)
LABELS = pa.schema([
    ("service", pa.string()),  # null: the whole system
    ("start", TIME), ("end", TIME), ("is_anomaly", pa.bool_()),
    ("anomaly_type", pa.string()), ("root_cause", pa.string()), ("incident_id", pa.string()),
    ("labelled_by", pa.string()), ("labelled_at", TIME),
])
# A recorded data set: one row a recording. It tells the truth: for evaluation, never for a model.
RECORDINGS = pa.schema([
    ("recording", pa.string()),
    ("role", pa.string()),  # incident, disturbance, control, normal
    ("start", TIME), ("end", TIME),  # what was recorded; telemetry outside is not whole
    ("event_start", TIME), ("event_end", TIME),  # when something was planted; null: nothing was
    ("detected_at", TIME),  # when an alert at the entrance fired; null: none did
    ("fault", pa.string()), ("layer", pa.string()), ("strength", pa.string()),
    ("kind", pa.string()),  # of the culprit: service, database, cache, host, edge, none
    ("culprits", pa.list_(pa.string())),
    # entry routes whose p95 or errors left the fault-free range; null: not judged; []: silent
    ("visible", pa.list_(pa.string())),
])
TOPOLOGY = pa.schema([  # one row a window and edge
    ("window_start", TIME), ("window_s", pa.float64()),
    ("caller", pa.string()), ("callee", pa.string()),
    ("kind", pa.string()),  # calls (a service) or accesses (a database, an external)
    ("protocol", pa.string()),  # http, grpc, postgresql, ...
    ("call_count", pa.int64()), ("error_count", pa.int64()), ("latency_sum_ns", pa.int64()),
    ("latency_p50_ms", pa.float64()), ("latency_p95_ms", pa.float64()),
    ("first_seen", TIME), ("last_seen", TIME),
])

# --- a Case: flat tables that anyone can make with pandas ----------------------------------
_TEXT, _MAP = pa.string(), pa.map_(pa.string(), pa.string())
CASE: dict[str, pa.Schema] = {
    "traces": pa.schema([
        ("trace_id", _TEXT), ("span_id", _TEXT), ("parent_span_id", _TEXT), ("service", _TEXT),
        ("operation", _TEXT), ("start", TIME), ("duration_ns", pa.int64()), ("kind", _TEXT),
        ("status_code", _TEXT), ("peer_service", _TEXT), ("attributes", _MAP)]),
    "logs": pa.schema([
        ("time", TIME), ("service", _TEXT), ("severity_number", pa.int32()), ("body", _TEXT),
        ("template", _TEXT), ("trace_id", _TEXT), ("span_id", _TEXT)]),
    "metrics": pa.schema([
        ("time", TIME), ("service", _TEXT), ("name", _TEXT), ("value", pa.float64()),
        ("unit", _TEXT), ("instance", _TEXT), ("peer_service", _TEXT)]),
    "alerts": pa.schema([
        ("instance", _TEXT), ("service", _TEXT), ("kind", _TEXT), ("name", _TEXT), ("time", TIME),
        ("value", pa.float64()), ("direction", _TEXT), ("peer", _TEXT), ("host", _TEXT)]),
    "topology": pa.schema([("caller", _TEXT), ("callee", _TEXT)]),
}
CASE_OPTIONAL = {
    "traces": {"kind", "status_code", "peer_service", "attributes"},
    "logs": {"template", "trace_id", "span_id"},
    "metrics": {"unit", "instance", "peer_service"},
    "alerts": {"time", "value", "direction", "peer", "host"},
    "topology": set(),
}
