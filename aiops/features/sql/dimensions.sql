-- Every version, region and tenant that the service's telemetry of the window names,
-- sorted and joined by a comma: a canary shows as two versions.
WITH named AS (
    SELECT service, w, service_version, region, tenant
    FROM spoken
    LEFT JOIN (SELECT resource_id, any_value(service_version) AS service_version
               FROM resources GROUP BY resource_id) USING (resource_id)
    LEFT JOIN (SELECT resource_id,
                      max(string) FILTER (WHERE key = 'cloud.region') AS region,
                      max(string) FILTER (WHERE key = 'tenant.id') AS tenant
               FROM resource_attributes GROUP BY resource_id) USING (resource_id)
    WHERE w >= $first AND w < $beyond
    UNION ALL
    SELECT service_name, epoch_ns(start_time) // $window_ns AS w, string, NULL, NULL
    FROM spans JOIN span_attributes USING (row_id)
    WHERE key = 'service.version' AND w >= $first AND w < $beyond
)
SELECT service, w,
       string_agg(DISTINCT service_version, ',' ORDER BY service_version) AS service_version,
       string_agg(DISTINCT region, ',' ORDER BY region) AS region,
       string_agg(DISTINCT tenant, ',' ORDER BY tenant) AS tenant
FROM named GROUP BY service, w
