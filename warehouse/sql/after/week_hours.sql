-- Work table: the heat map of the week: room hours summed (R9).
SELECT m.building,
       m.capacity_band,
       t.iso_week,
       t.weekday,
       h.local_hour,
       CAST(sum(h.open_minutes) AS BIGINT) AS open_minutes,
       CAST(sum(h.booked_minutes) AS BIGINT) AS booked_minutes
FROM room_hours AS h
JOIN directory AS m
    ON m.room_id = h.room_id AND h.local_date >= m.valid_from AND h.local_date < m.valid_to
JOIN dates AS t ON t.local_date = h.local_date
GROUP BY m.building, m.capacity_band, t.iso_week, t.weekday, h.local_hour
