-- Data points of process and system metrics, each with the series it belongs to.
-- Points before the range are read too: a cumulative counter needs its predecessor.
WITH wanted AS (
    SELECT row_id, service_name AS service, resource_id, scope_id, name, type, temporality,
           epoch_ns(start_time) AS begun, epoch_ns(time) AS t,
           coalesce(value_double, value_int) AS v
    FROM metrics
    WHERE name IN ('process.cpu.time', 'process.memory.usage', 'process.disk.io',
                   'process.network.io', 'system.disk.io', 'system.network.io')
      AND epoch_ns(time) < $beyond * $window_ns
), told AS (
    SELECT row_id,
           string_agg(key || '=' || coalesce(string, "int"::VARCHAR, "double"::VARCHAR,
                                             "bool"::VARCHAR, ''), ';' ORDER BY key) AS attributes,
           max(string) FILTER (WHERE key IN ('disk.io.direction', 'network.io.direction',
                                             'direction')) AS direction,
           max(string) FILTER (WHERE key IN ('cpu.mode', 'process.cpu.state', 'state')) AS mode
    FROM metric_attributes WHERE row_id IN (SELECT row_id FROM wanted) GROUP BY row_id
)
SELECT service, name, type, temporality, begun, t, v, direction, mode,
       hash(resource_id, scope_id, name, coalesce(attributes, '')) AS series
FROM wanted LEFT JOIN told USING (row_id)
WHERE v IS NOT NULL
