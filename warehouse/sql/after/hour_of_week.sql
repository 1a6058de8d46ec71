-- The heat map of the week: room hours summed (R9).
SELECT s.region,
       m.building,
       m.capacity_band,
       t.iso_week,
       t.weekday,
       h.local_hour,
       CAST(sum(h.open_minutes) AS BIGINT) AS open_minutes,
       CAST(sum(h.booked_minutes) AS BIGINT) AS booked_minutes,
       CAST(sum(h.booked_minutes) AS DOUBLE) / nullif(sum(h.open_minutes), 0)
           AS booked_utilization
FROM room_hours AS h
JOIN directory AS m
    ON m.room_id = h.room_id AND h.local_date >= m.valid_from AND h.local_date < m.valid_to
JOIN dates AS t ON t.local_date = h.local_date
CROSS JOIN settings AS s
GROUP BY s.region, m.building, m.capacity_band, t.iso_week, t.weekday, h.local_hour
ORDER BY m.building, m.capacity_band, t.weekday, h.local_hour, t.iso_week
