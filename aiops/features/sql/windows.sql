-- The row. Null where the telemetry lacks it: a count is 0 only where the service sends
-- that signal at all and somebody was heard in the window.
SELECT service, w,
       CASE WHEN counted THEN coalesce(request_count, 0) END AS request_count,
       CASE WHEN counted THEN coalesce(error_count, 0) END AS error_count,
       CASE WHEN counted THEN coalesce(request_count, 0) / ($window_ns / 1e9) END
           AS request_rate_per_s,
       error_count / request_count AS error_rate,
       latency_sum_ns, latency_histogram, latency_p50_ms, latency_p95_ms, latency_p99_ms,
       CASE WHEN linked THEN coalesce(upstream, []) END AS upstream_services,
       CASE WHEN linked THEN coalesce(downstream, []) END AS downstream_services,
       CASE WHEN linked THEN coalesce(len(downstream), 0) END AS dependency_count,
       cpu_cores, memory_bytes, memory_growth_bytes_per_s,
       disk_read_bytes_per_s, disk_write_bytes_per_s,
       network_in_bytes_per_s, network_out_bytes_per_s,
       CASE WHEN logged THEN coalesce(log_count, 0) END AS log_count,
       CASE WHEN logged THEN coalesce(log_trace_count, 0) END AS log_trace_count,
       CASE WHEN logged THEN coalesce(log_debug_count, 0) END AS log_debug_count,
       CASE WHEN logged THEN coalesce(log_info_count, 0) END AS log_info_count,
       CASE WHEN logged THEN coalesce(log_warn_count, 0) END AS log_warn_count,
       CASE WHEN logged THEN coalesce(log_error_count, 0) END AS log_error_count,
       CASE WHEN logged THEN coalesce(log_fatal_count, 0) END AS log_fatal_count,
       service_version, region, tenant
FROM (SELECT *, heard AND sends_spans AS counted, heard AND sends_logs AS logged,
             heard AND (sends_spans OR neighbours.w IS NOT NULL) AS linked
      FROM grid
      LEFT JOIN requests USING (service, w)
      LEFT JOIN neighbours USING (service, w)
      LEFT JOIN usage USING (service, w)
      LEFT JOIN memory USING (service, w)
      LEFT JOIN records USING (service, w)
      LEFT JOIN dimensions USING (service, w))
ORDER BY service, w
