-- A row for every service and window that is asked for. `heard`: somebody's telemetry arrived; without it
-- a count of zero would be a guess.
SELECT service, w, heard.w IS NOT NULL AS heard, sends_spans, sends_logs
FROM (SELECT service, bool_or(signal = 'spans') AS sends_spans,
             bool_or(signal = 'logs') AS sends_logs
      FROM spoken GROUP BY service)
CROSS JOIN (SELECT unnest(range(a, b)) AS w
            FROM (SELECT unnest($firsts::BIGINT[]) AS a, unnest($beyonds::BIGINT[]) AS b)) AS asked
LEFT JOIN (SELECT DISTINCT w FROM spoken) AS heard USING (w)
