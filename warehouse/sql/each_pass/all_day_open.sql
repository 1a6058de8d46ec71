-- Work table: the open time that all-day bookings fill (R6), by hour, for the page's what-if.
WITH all_day AS (
    SELECT DISTINCT room_no, unnest(range(starts_minute // 60, (ends_minute + 59) // 60)) AS cell
    FROM live
    WHERE is_all_day
      AND is_booked
)
SELECT d.room_id, m.local_date, m.cell, m.open_mask, d.phase_minutes
FROM masks AS m
JOIN all_day AS b ON b.room_no = m.room_no AND b.cell = m.cell
JOIN directory AS d ON d.room_no = m.room_no
WHERE m.open_mask <> 0
  AND NOT d.is_personal
