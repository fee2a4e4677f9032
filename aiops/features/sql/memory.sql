-- Mean of each series in the window, summed over the service's processes.
SELECT service, w, sum(mean) AS memory_bytes
FROM (SELECT service, t // $window_ns AS w, avg(v) AS mean
      FROM points
      WHERE name = 'process.memory.usage' AND (type = 'gauge' OR temporality = 2)
        AND t // $window_ns >= $first
      GROUP BY service, w, series)
GROUP BY service, w
