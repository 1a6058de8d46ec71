-- Work table: bookings that existed for a while and are gone: as they were before each was cancelled,
-- moved or resized, in minutes since the year 1 (R19). The minute of a change is the middle of its two
-- readings. A booking that an earlier change moved here was not here before that.
WITH lost AS (
    SELECT row_number() OVER () AS lost_no,
           room_id,
           starts_at,
           ends_at,
           created_at,
           (start_minute(seen_after) + start_minute(seen_at)) // 2 AS gone_minute
    FROM lake_changes
    WHERE change IN ('cancelled', 'moved', 'resized')
),
came AS (
    SELECT room_id,
           new_starts_at,
           new_ends_at,
           created_at,
           (start_minute(seen_after) + start_minute(seen_at)) // 2 AS moved_minute
    FROM lake_changes
    WHERE change IN ('moved', 'resized')
)
SELECT l.room_id,
       start_minute(any_value(l.starts_at)) AS starts_minute,
       end_minute(any_value(l.ends_at)) AS ends_minute,
       coalesce(max(c.moved_minute), start_minute(any_value(l.created_at)), 0) AS known_minute,
       any_value(l.gone_minute) AS gone_minute
FROM lost AS l
LEFT JOIN came AS c
    ON c.room_id = l.room_id
   AND c.new_starts_at = l.starts_at
   AND c.new_ends_at = l.ends_at
   AND c.created_at = l.created_at
   AND c.moved_minute < l.gone_minute
WHERE l.ends_at > l.starts_at
GROUP BY l.lost_no, l.room_id
