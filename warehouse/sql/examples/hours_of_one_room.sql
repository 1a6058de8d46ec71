-- One room, hour by hour, over the last 28 days. Replace the subquery with the id of your room.
SELECT local_date,
       local_hour,
       open_minutes,
       booked_minutes,
       booked_minutes_outside_hours,
       held_minutes,
       overlap_minutes
FROM room_hours
WHERE room_id = (SELECT min(room_id) FROM rooms WHERE room_type = 'conference')
  AND local_date > (SELECT data_through FROM build_info) - 28
ORDER BY local_date, local_hour
