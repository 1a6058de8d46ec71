-- Work table: the spans of days in which a room was not in its present building (R18).
SELECT v.room_id,
       v.valid_from,
       v.valid_to,
       b.building_no
FROM rooms_as_of AS v
JOIN places AS p ON p.room_id = v.room_id
JOIN buildings AS b ON b.building IS NOT DISTINCT FROM v.building
WHERE b.building_no <> p.building_no
