-- One row for each room of the directory, as it is now.
SELECT s.region,
       d.room_id,
       d.name,
       d.site,
       d.building,
       d.floor,
       d.country,
       d.time_zone,
       d.capacity,
       d.capacity_band,
       d.room_type
FROM current_rooms AS d
CROSS JOIN settings AS s
ORDER BY d.room_order
