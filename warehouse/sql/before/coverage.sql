-- What was read. A room that left the directory leaves the database.
-- Sorted like bookings: some thousand rooms after another, or their ids fill every block anew.
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
