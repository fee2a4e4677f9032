-- One row a call from one service to another, or to a database or external that sends no
-- telemetry, as the lake tells (span_calls).
SELECT epoch_ns(start_time) // $window_ns AS w, caller, callee, protocol, start_time,
       greatest(duration_ns, 0) AS d, status_code = 'error' AS failed
FROM span_calls
WHERE w >= $first AND w < $beyond
