-- Work table: the versions of the rooms of the page's what-if, and how many rooms their building has.
SELECT d.room_no, d.phase_minutes, n.number, n.place, n.counts_from, w.rooms
FROM what_if_now AS n
JOIN (SELECT place, count(*) AS rooms FROM what_if_now GROUP BY place) AS w ON w.place = n.place
JOIN directory AS d ON d.room_id = n.room_id
WHERE NOT d.is_personal
