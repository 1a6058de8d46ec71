-- Work table: the smallest place of each room: rooms of one floor and one capacity band. Personal rooms
-- have none.
SELECT room_no,
       phase_minutes,
       site,
       building,
       floor,
       capacity_band,
       valid_from,
       valid_to,
       dense_rank() OVER (ORDER BY site, building, floor, capacity_band) AS smallest_place
FROM directory
WHERE NOT is_personal
