-- Only of rooms that were read on nearly all days: a failed reading is not empty (R13).
SELECT coalesce(r.name, r.room_id)
FROM coverage AS c
JOIN rooms AS r ON r.room_id = c.room_id
LEFT JOIN room_days AS d ON d.room_id = c.room_id AND d.local_date = c.local_date
WHERE c.local_date BETWEEN $first AND $last
GROUP BY r.room_id, r.name
HAVING sum(d.open_minutes) > 0 AND sum(d.booked_minutes + d.booked_minutes_outside_hours) = 0
   AND count(CASE WHEN c.is_loaded OR d.room_id IS NOT NULL THEN 1 END) >= $read_alike * count(*)
ORDER BY 1
