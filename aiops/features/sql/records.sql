-- Log records by severity number, four numbers a level; 0 and null count in the sum alone.
SELECT service_name AS service, epoch_ns(time) // $window_ns AS w, count(*) AS log_count,
       count(*) FILTER (WHERE severity_number BETWEEN 1 AND 4) AS log_trace_count,
       count(*) FILTER (WHERE severity_number BETWEEN 5 AND 8) AS log_debug_count,
       count(*) FILTER (WHERE severity_number BETWEEN 9 AND 12) AS log_info_count,
       count(*) FILTER (WHERE severity_number BETWEEN 13 AND 16) AS log_warn_count,
       count(*) FILTER (WHERE severity_number BETWEEN 17 AND 20) AS log_error_count,
       count(*) FILTER (WHERE severity_number BETWEEN 21 AND 24) AS log_fatal_count
FROM logs
WHERE epoch_ns(time) // $window_ns >= $first AND epoch_ns(time) // $window_ns < $beyond
GROUP BY ALL
