-- One row a call from one service to another, or to a database or external that sends no
-- telemetry. Joined on (trace id, span id): a span id alone is not unique. A call is
-- measured at the caller's client or producer span, which sees the network and a callee
-- that never answered; where the caller made none, at the callee's span.
WITH told AS (
    SELECT row_id,
           max(string) FILTER (WHERE key IN ('db.system.name', 'db.system')) AS db,
           max(string) FILTER (WHERE key IN ('rpc.system.name', 'rpc.system')) AS rpc,
           max(string) FILTER (WHERE key = 'messaging.system') AS messaging,
           bool_or(key IN ('http.request.method', 'http.method')) AS http
    FROM span_attributes
    WHERE key IN ('db.system.name', 'db.system', 'rpc.system.name', 'rpc.system',
                  'messaging.system', 'http.request.method', 'http.method')
    GROUP BY row_id
), described AS (
    SELECT s.*, peer, coalesce(db, rpc, messaging, CASE WHEN http THEN 'http' END) AS protocol
    FROM spans AS s LEFT JOIN told USING (row_id) LEFT JOIN span_peers USING (row_id)
    WHERE service_name IS NOT NULL
), pairs AS (
    SELECT p.row_id AS caller_row, c.row_id AS callee_row,
           p.kind IN ('client', 'producer') AS outgoing,
           p.service_name AS caller, c.service_name AS callee, c.kind AS callee_kind
    FROM described AS p JOIN described AS c
      ON c.trace_id = p.trace_id AND c.parent_span_id = p.span_id
), answers AS (
    SELECT DISTINCT caller_row, callee FROM pairs
    WHERE outgoing AND (callee <> caller OR callee_kind IN ('server', 'consumer'))
), wrappers AS (  -- a client span round another one is no call of its own
    SELECT DISTINCT caller_row FROM pairs
    WHERE outgoing AND callee = caller AND callee_kind IN ('client', 'producer')
), calls AS (
    SELECT s.service_name AS caller, coalesce(a.callee, s.peer) AS callee,
           s.protocol, s.start_time, s.duration_ns, s.status_code
    FROM described AS s LEFT JOIN answers AS a ON a.caller_row = s.row_id
    WHERE s.kind IN ('client', 'producer')
      AND (a.callee IS NOT NULL OR s.row_id NOT IN (SELECT caller_row FROM wrappers))
    UNION ALL
    SELECT caller, callee, s.protocol, s.start_time, s.duration_ns, s.status_code
    FROM pairs JOIN described AS s ON s.row_id = callee_row
    WHERE NOT outgoing AND callee <> caller
)
SELECT epoch_ns(start_time) // $window_ns AS w, caller, callee, protocol, start_time,
       greatest(duration_ns, 0) AS d, status_code = 'error' AS failed
FROM calls
WHERE callee <> caller AND w >= $first AND w < $beyond
