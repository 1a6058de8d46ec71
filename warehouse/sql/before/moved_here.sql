-- Work table: bookings that were moved or resized to where they are, and when, in minutes since the
-- year 1: in the middle of the two readings around it. Before that they were elsewhere (R19).
SELECT room_id,
       new_starts_at AS starts_at,
       new_ends_at AS ends_at,
       created_at,
       max((start_minute(seen_after) + start_minute(seen_at)) // 2) AS moved_minute
FROM lake_changes
WHERE change IN ('moved', 'resized')
GROUP BY room_id, new_starts_at, new_ends_at, created_at
