-- The bookings of the room-days read, up to data_through, as the lake has them; no personal rooms.
-- Sorted by time, equal starts and ends side by side: a third smaller than by room. In groups of
-- 10,000 rooms: with more, nearly every block would need its own dictionary of room ids.
SELECT s.region,
       b.room_id,
       b.starts_at,
       b.ends_at,
       b.is_all_day,
       b.is_cancelled,
       b.is_private,
       b.kind,
       b.show_as,
       b.response,
       b.status,
       b.invited_headcount,
       b.headcount_is_lower_bound,
       b.has_external,
       b.is_online,
       b.created_at,
       b.read_at,
       b.lake_date AS local_start_date
FROM lake_day_bookings AS b
JOIN directory AS d ON d.room_id = b.room_id
JOIN room_dates AS r ON r.room_no = d.room_no AND r.local_date = b.lake_date
CROSS JOIN settings AS s
WHERE NOT d.is_personal
  AND b.lake_date <= s.through_date
ORDER BY d.room_no // 10000, b.starts_at, b.ends_at, d.room_no
