-- Rates summed over states, devices and processes. Where a service's processes do not say,
-- the system they run on does.
SELECT service, w,
       sum(rate) FILTER (WHERE name = 'process.cpu.time' AND coalesce(mode, '')
                         NOT IN ('wait', 'iowait', 'idle')) AS cpu_cores,
       coalesce(sum(rate) FILTER (WHERE name = 'process.disk.io' AND direction = 'read'),
                sum(rate) FILTER (WHERE name = 'system.disk.io' AND direction = 'read'))
           AS disk_read_bytes_per_s,
       coalesce(sum(rate) FILTER (WHERE name = 'process.disk.io' AND direction = 'write'),
                sum(rate) FILTER (WHERE name = 'system.disk.io' AND direction = 'write'))
           AS disk_write_bytes_per_s,
       coalesce(sum(rate) FILTER (WHERE name = 'process.network.io' AND direction = 'receive'),
                sum(rate) FILTER (WHERE name = 'system.network.io' AND direction = 'receive'))
           AS network_in_bytes_per_s,
       coalesce(sum(rate) FILTER (WHERE name = 'process.network.io' AND direction = 'transmit'),
                sum(rate) FILTER (WHERE name = 'system.network.io' AND direction = 'transmit'))
           AS network_out_bytes_per_s
FROM rates GROUP BY service, w
