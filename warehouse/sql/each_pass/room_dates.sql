-- Work table: the room-days of this pass that were ever read (R13). Before opened_on and from
-- closed_on on a room is out of use (R2).
SELECT d.room_no,
       c.lake_date AS local_date,
       d.profile,
       (d.opened_on IS NULL OR c.lake_date >= d.opened_on)
           AND (d.closed_on IS NULL OR c.lake_date < d.closed_on) AS is_in_use
FROM lake_day_coverage AS c
JOIN directory AS d ON d.room_id = c.room_id
WHERE c.read_at IS NOT NULL
