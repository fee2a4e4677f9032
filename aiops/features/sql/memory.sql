-- Mean of each series in the window, summed over the service's processes, and its growth since
-- the window before: the level itself creeps up with the age of a process and tells that age.
SELECT service, w, memory_bytes,
       CASE WHEN lag(w) OVER in_time = w - 1
            THEN (memory_bytes - lag(memory_bytes) OVER in_time) / ($window_ns / 1e9) END
           AS memory_growth_bytes_per_s
FROM (SELECT service, w, sum(mean) AS memory_bytes
      FROM (SELECT service, t // $window_ns AS w, avg(v) AS mean
            FROM points
            WHERE name = 'process.memory.usage' AND (type = 'gauge' OR temporality = 2)
              AND t // $window_ns >= $first - 1
            GROUP BY service, w, series)
      GROUP BY service, w)
WINDOW in_time AS (PARTITION BY service ORDER BY w)
