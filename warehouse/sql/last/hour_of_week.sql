-- The heat map of the week (R9). Two sites can have buildings of the same name.
SELECT s.region,
       h.building,
       h.capacity_band,
       h.iso_week,
       h.weekday,
       h.local_hour,
       CAST(sum(h.open_minutes) AS BIGINT) AS open_minutes,
       CAST(sum(h.booked_minutes) AS BIGINT) AS booked_minutes,
       CAST(sum(h.booked_minutes) AS DOUBLE) / nullif(sum(h.open_minutes), 0)
           AS booked_utilization
FROM week_hours AS h
CROSS JOIN settings AS s
GROUP BY s.region, h.building, h.capacity_band, h.iso_week, h.weekday, h.local_hour
ORDER BY h.building, h.capacity_band, h.weekday, h.local_hour, h.iso_week
