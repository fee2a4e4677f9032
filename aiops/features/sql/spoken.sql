-- Who was heard when, by which signal and from which resource: all of the lake, so that
-- what a row says does not depend on where the asked range is cut.
SELECT DISTINCT service, signal, resource_id, w FROM (
    SELECT service_name AS service, 'spans' AS signal, resource_id,
           epoch_ns(start_time) // $window_ns AS w FROM spans
    UNION ALL
    SELECT service_name, 'logs', resource_id, epoch_ns(time) // $window_ns FROM logs
    UNION ALL
    SELECT service_name, 'metrics', resource_id, epoch_ns(time) // $window_ns FROM metrics
) WHERE service IS NOT NULL AND w IS NOT NULL
