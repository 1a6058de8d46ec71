-- Each room as the directory had it, one row for each span of days in which it did not change (R18).
SELECT s.region,
       d.room_id,
       d.valid_from,
       d.valid_to,
       d.site,
       d.building,
       d.floor,
       d.capacity,
       d.room_type,
       d.part_of,
       d.closed_on
FROM directory AS d
CROSS JOIN settings AS s
ORDER BY d.room_no
