-- Work table: the open time that all-day bookings fill (R6), by hour, for the page's what-if.
SELECT DISTINCT d.room_id, m.local_date, m.cell, m.open_mask, d.phase_minutes
FROM masks AS m
JOIN live AS b
    ON b.room_no = m.room_no
   AND b.starts_minute < (m.cell + 1) * 60
   AND b.ends_minute > m.cell * 60
JOIN directory AS d ON d.room_no = m.room_no
WHERE b.is_all_day
  AND b.is_booked
  AND m.open_mask <> 0
  AND NOT d.is_personal
