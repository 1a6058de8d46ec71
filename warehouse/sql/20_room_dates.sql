-- Work table: the room-days of this pass that were ever read (R13), with the calendar that holds.
-- Before opened_on and from closed_on on it is the zone's calendar that is never open (R2).
SELECT d.room_no,
       c.local_date,
       CASE WHEN c.local_date < d.opened_on OR c.local_date >= d.closed_on THEN d.closed_profile
            ELSE d.profile END AS profile
FROM coverage AS c
JOIN directory AS d ON d.room_id = c.room_id
CROSS JOIN pass AS p
WHERE c.read_at IS NOT NULL
  AND c.local_date BETWEEN p.first_date AND p.last_date
