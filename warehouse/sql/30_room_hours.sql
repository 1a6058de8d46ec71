-- Every local hour of a room that is open or booked, up to data_through; no personal rooms.
-- Sorted by some hundred rooms, and then hour by hour: a third smaller than room by room, while
-- the hours of one room still lie in few places.
SELECT s.region,
       d.room_id,
       h.local_date,
       h.local_hour,
       h.open_minutes,
       h.booked_minutes,
       h.booked_minutes_outside_hours,
       h.held_minutes,
       h.overlap_minutes
FROM hours AS h
JOIN directory AS d ON d.room_no = h.room_no
CROSS JOIN settings AS s
WHERE NOT d.is_personal
  AND h.local_date <= s.through_date
ORDER BY h.room_no // 500, h.local_date, h.local_hour, h.room_no
