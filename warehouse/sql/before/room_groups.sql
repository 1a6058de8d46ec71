-- Work table: which rooms are counted together in rooms_in_use. Personal rooms are in no group.
SELECT d.room_no,
       r.site,
       r.building,
       r.capacity_band,
       dense_rank() OVER (ORDER BY r.site, r.building, r.capacity_band) AS group_no,
       count(*) OVER (PARTITION BY r.site, r.building, r.capacity_band) AS group_rooms
FROM rooms AS r
JOIN directory AS d ON d.room_id = r.room_id
WHERE NOT d.is_personal
