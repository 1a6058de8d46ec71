-- Work table: the days of the page's what-if, on which all rooms of a building were read, and each
-- was open or booked.
SELECT n.place, f.local_date
FROM days AS f
JOIN what_if_rooms_of AS n ON n.room_no = f.room_no
CROSS JOIN settings AS s
WHERE f.local_date >= n.counts_from
  AND f.local_date <= s.through_date
GROUP BY n.place, n.rooms, f.local_date
HAVING count(*) = n.rooms
