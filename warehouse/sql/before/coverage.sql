-- What was read; rooms that left the directory are left out. Sorted like bookings, in groups of
-- 10,000 rooms: with more, nearly every block would need its own dictionary of room ids.
SELECT s.region,
       d.room_id,
       c.lake_date AS local_date,
       c.is_loaded,
       c.read_at,
       c.error_code
FROM lake_coverage AS c
JOIN current_rooms AS d ON d.room_id = c.room_id
CROSS JOIN settings AS s
ORDER BY d.room_order // 10000, c.lake_date, d.room_order
