-- Work table: the room-days of this pass that were ever read (R13), each with the version of its
-- room on that day (R18). Before opened_on, and from closed_on on, a room is out of use (R2). Its
-- bookings are final if it was read two UTC dates after the day or later: by then the day was over
-- in every zone.
SELECT d.room_no,
       c.lake_date AS local_date,
       d.profile,
       (d.opened_on IS NULL OR c.lake_date >= d.opened_on)
           AND (d.closed_on IS NULL OR c.lake_date < d.closed_on) AS is_in_use,
       w.room_no IS NOT NULL AS is_whole,
       start_minute(c.read_at) // 1440 > c.lake_date - DATE '0001-01-01' + 1 AS is_final
FROM lake_day_coverage AS c
JOIN directory AS d
    ON d.room_id = c.room_id AND c.lake_date >= d.valid_from AND c.lake_date < d.valid_to
LEFT JOIN whole_days AS w ON w.room_no = d.room_no AND w.local_date = c.lake_date
WHERE c.read_at IS NOT NULL
