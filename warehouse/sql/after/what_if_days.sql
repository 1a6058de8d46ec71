-- Work table: the days that the page's what-if is about: all rooms of a building were read, and each
-- was open or booked.
SELECT n.place, d.local_date
FROM room_days AS d
JOIN what_if_now AS n ON n.room_id = d.room_id
JOIN (SELECT place, count(*) AS rooms FROM what_if_now GROUP BY place) AS w ON w.place = n.place
WHERE d.local_date >= n.counts_from
GROUP BY n.place, w.rooms, d.local_date
HAVING count(*) = w.rooms
