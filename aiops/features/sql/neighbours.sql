-- Who called the service in the window, and whom it called.
SELECT service, w,
       list_sort(list(DISTINCT other) FILTER (WHERE upstream)) AS upstream,
       list_sort(list(DISTINCT other) FILTER (WHERE NOT upstream)) AS downstream
FROM (SELECT callee AS service, w, caller AS other, true AS upstream FROM calls
      UNION ALL
      SELECT caller, w, callee, false FROM calls)
GROUP BY service, w
