-- One room of the directory a row.
SELECT s.region,
       d.room_id,
       d.name,
       d.site,
       d.building,
       d.floor,
       d.country,
       d.time_zone,
       d.capacity,
       capacity_band(nullif(greatest(d.capacity, 0), 0)) AS capacity_band,
       d.room_type
FROM directory AS d
CROSS JOIN settings AS s
ORDER BY d.room_no
