-- Work table: each room's building and capacity band, without personal rooms.
SELECT r.room_id,
       CAST(row_number() OVER (ORDER BY b.building_no, r.room_id) - 1 AS INTEGER) AS room_no,
       b.building_no,
       c.band_no
FROM rooms AS r
JOIN buildings AS b ON b.building IS NOT DISTINCT FROM r.building
JOIN bands AS c ON c.capacity_band IS NOT DISTINCT FROM r.capacity_band
WHERE r.room_type NOT IN (SELECT room_type FROM personal_room_types)
