-- Work table: the room-days of this pass that were ever read (R13). Before opened_on and from
-- closed_on on a room is out of use (R2).
SELECT d.room_no,
       c.local_date,
       d.profile,
       (d.opened_on IS NULL OR c.local_date >= d.opened_on)
           AND (d.closed_on IS NULL OR c.local_date < d.closed_on) AS is_in_use
FROM coverage AS c
JOIN directory AS d ON d.room_id = c.room_id
CROSS JOIN pass AS p
WHERE c.read_at IS NOT NULL
  AND c.local_date BETWEEN p.first_date AND p.last_date
