-- Requests: server and consumer spans; for a service that has none in all the lake, roots.
-- Clocks that ran backwards give negative durations: they count as 0.
SELECT service, w, count(*) AS request_count,
       count(*) FILTER (WHERE status_code = 'error') AS error_count,
       sum(d)::BIGINT AS latency_sum_ns,
       map_values(histogram(d, $bounds)) AS latency_histogram,
       quantile_disc(d, 0.50) / 1e6 AS latency_p50_ms,
       quantile_disc(d, 0.95) / 1e6 AS latency_p95_ms,
       quantile_disc(d, 0.99) / 1e6 AS latency_p99_ms
FROM (
    SELECT service_name AS service, epoch_ns(start_time) // $window_ns AS w, status_code,
           greatest(duration_ns, 0) AS d
    FROM spans
    WHERE kind IN ('server', 'consumer')
       OR (parent_span_id IS NULL AND service_name NOT IN (
              SELECT service_name FROM spans
              WHERE kind IN ('server', 'consumer') AND service_name IS NOT NULL))
)
WHERE w >= $first AND w < $beyond
GROUP BY service, w
