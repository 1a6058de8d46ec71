-- Every local day on which a room is open or has a booking, up to data_through; no personal rooms.
SELECT s.region,
       d.room_id,
       f.local_date,
       f.open_minutes,
       f.booked_minutes,
       f.booked_minutes_outside_hours,
       f.held_minutes,
       f.overlap_minutes,
       f.gross_booked_minutes,
       f.bookings,
       f.fragmented_minutes
FROM days AS f
JOIN directory AS d ON d.room_no = f.room_no
CROSS JOIN settings AS s
WHERE NOT d.is_personal
  AND f.local_date <= s.through_date
ORDER BY f.local_date, f.open_minutes, f.bookings, f.room_no
