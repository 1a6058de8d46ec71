-- Work table: the smallest place of each room: rooms of one floor and one capacity band. Personal rooms
-- have none.
SELECT d.room_no,
       d.phase_minutes,
       r.site,
       r.building,
       r.floor,
       r.capacity_band,
       dense_rank() OVER (ORDER BY r.site, r.building, r.floor, r.capacity_band) AS smallest_place
FROM rooms AS r
JOIN directory AS d ON d.room_id = r.room_id
WHERE NOT d.is_personal
