SELECT coalesce(r.name, r.room_id) AS name,
       sum(d.booked_minutes) / nullif(sum(d.open_minutes), 0) AS booked_utilization
FROM room_days AS d JOIN rooms AS r ON r.room_id = d.room_id
GROUP BY r.room_id, r.name
HAVING sum(d.open_minutes) > 0
ORDER BY booked_utilization DESC, r.room_id
