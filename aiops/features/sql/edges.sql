-- One row a window and edge; `calls` where the callee sends spans of its own.
SELECT w, caller, callee,
       CASE WHEN callee IN (SELECT service_name FROM spans WHERE service_name IS NOT NULL)
            THEN 'calls' ELSE 'accesses' END AS kind,
       string_agg(DISTINCT protocol, ',' ORDER BY protocol) AS protocol,
       count(*) AS call_count, count(*) FILTER (WHERE failed) AS error_count,
       sum(d)::BIGINT AS latency_sum_ns,
       quantile_disc(d, 0.50) / 1e6 AS latency_p50_ms,
       quantile_disc(d, 0.95) / 1e6 AS latency_p95_ms,
       min(start_time) AS first_seen, max(start_time) AS last_seen
FROM calls GROUP BY w, caller, callee
