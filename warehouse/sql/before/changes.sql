-- What people changed, as the lake has it, up to now (R19). Rooms that are personal, or ever were,
-- are left out.
SELECT s.region,
       c.room_id,
       c.change,
       c.kind,
       c.starts_at,
       c.ends_at,
       c.new_starts_at,
       c.new_ends_at,
       c.created_at,
       c.seen_after,
       c.seen_at,
       c.given_back_minutes
FROM lake_changes AS c
JOIN current_rooms AS r ON r.room_id = c.room_id
CROSS JOIN settings AS s
WHERE NOT r.is_personal
  AND NOT EXISTS (FROM directory AS d WHERE d.room_id = c.room_id AND d.is_personal)
ORDER BY c.lake_date, r.room_order, c.lake_row
