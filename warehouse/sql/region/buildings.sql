-- A room counts in the building where it was on the day, as in the tables (R18).
SELECT coalesce(v.building, '(no building)') AS building,
       count(DISTINCT d.room_id) FILTER (d.open_minutes > 0) AS rooms,
       sum(d.open_minutes) / 60.0 AS open_hours, sum(d.booked_minutes) / 60.0 AS booked_hours,
       sum(d.booked_minutes) / nullif(sum(d.open_minutes), 0) AS booked_utilization,
       sum(d.bookings) AS bookings
FROM room_days AS d
JOIN rooms_as_of AS v ON v.room_id = d.room_id
    AND d.local_date >= v.valid_from AND d.local_date < v.valid_to
GROUP BY coalesce(v.building, '(no building)')
ORDER BY building
