-- Rate a second of each counter over the intervals that end in the window.
-- Delta: the value over its own interval. Cumulative: the step from the point before; a
-- counter that fell, or was begun again since, was reset and its value is the step. The
-- first point of a cumulative series only sets the base.
WITH steps AS (
    SELECT *, lag(v) OVER series_in_time AS v0, lag(t) OVER series_in_time AS t0
    FROM points WHERE type = 'sum'
    WINDOW series_in_time AS (PARTITION BY service, series, temporality ORDER BY t)
), increments AS (
    SELECT service, name, series, direction, mode, t // $window_ns AS w,
           CASE WHEN temporality = 1 THEN v
                WHEN v < v0 OR begun > t0 THEN v ELSE v - v0 END AS step,
           CASE WHEN temporality = 1 THEN t - coalesce(begun, t0)
                WHEN begun > t0 THEN t - begun ELSE t - t0 END AS step_ns
    FROM steps WHERE temporality = 1 OR (temporality = 2 AND t0 IS NOT NULL)
)
SELECT service, w, name, direction, mode, sum(step) / sum(step_ns) * 1e9 AS rate
FROM increments
WHERE step_ns > 0 AND w >= $first
GROUP BY service, w, name, direction, mode, series
